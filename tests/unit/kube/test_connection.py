"""Hanging up: what is waited for ends, whenever it is said, and nobody else's request with it."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator

import pytest
from kubernetes.client import Configuration
from urllib3 import HTTPConnectionPool
from urllib3 import exceptions as fault
from urllib3.connection import HTTPConnection

from holdfast.kube.api import Api
from holdfast.kube.connection import Connection, body_of, why
from holdfast.kube.errors import NotFound, ServerUnavailable
from holdfast.kube.resources import VOLUMES
from testbed.waiting import until
from tests.fake.apiserver import FakeApiServer


@pytest.fixture
def patient(server: FakeApiServer) -> Iterator[Api]:
    """A client that waits for an answer long enough to be hung up on."""
    api = Api(Configuration(host=server.url), read_timeout=15.0)
    yield api
    api.close()


def test_a_line_hung_up_before_a_socket_is_attached_ends_the_request_at_once(
    patient: Api, server: FakeApiServer
) -> None:
    server.freeze()
    connection = Connection()
    connection.abort()

    with connection.used(), pytest.raises(ServerUnavailable, match="connection was cut"):
        patient.get(VOLUMES, "a")

    assert connection.is_aborted()


def test_a_request_that_waits_ends_when_another_thread_hangs_up(
    patient: Api, server: FakeApiServer
) -> None:
    server.freeze()
    connection, ended = Connection(), threading.Event()

    def ask() -> None:
        with connection.used(), pytest.raises(ServerUnavailable, match="connection was cut"):
            patient.get(VOLUMES, "a")
        ended.set()

    thread = threading.Thread(target=ask)
    thread.start()
    until(lambda: server.count("get") == 1)
    assert not connection.is_aborted()
    connection.abort()

    assert ended.wait(10.0)
    thread.join()


def test_the_kernel_notices_a_server_that_is_gone_without_a_word(
    patient: Api, server: FakeApiServer
) -> None:
    kept_alive: list[int] = []
    connection = Connection()

    def look(sock: socket.socket | None) -> None:
        if sock is not None:
            kept_alive.append(sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE))

    connection._attach = look  # type: ignore[method-assign] # what a connection is shown
    with connection.used():
        list(patient.pages(VOLUMES))

    assert kept_alive == [1]
    assert len(server.connections) == 1


def read(api: Api) -> None:
    list(api.pages(VOLUMES))


def refused(api: Api) -> None:
    with pytest.raises(NotFound):
        api.get(VOLUMES, "a")


@pytest.mark.parametrize("request_", [read, refused])
def test_hanging_up_between_two_requests_leaves_the_pooled_connection_to_others(
    patient: Api, server: FakeApiServer, request_: Callable[[Api], None]
) -> None:
    connection = Connection()
    with connection.used():
        request_(patient)
        connection.abort()
    read(patient)

    assert len(server.connections) == 1


def test_hanging_up_after_the_last_request_leaves_the_pooled_connection_to_others(
    patient: Api, server: FakeApiServer
) -> None:
    connection = Connection()
    with connection.used():
        read(patient)
    connection.abort()
    read(patient)

    assert len(server.connections) == 1


def test_hanging_up_leaves_a_request_alone_that_another_thread_sends_on_the_same_connection(
    patient: Api, server: FakeApiServer
) -> None:
    connection, answered = Connection(), threading.Event()

    def ask() -> None:
        read(patient)
        answered.set()

    thread = threading.Thread(target=ask)
    with connection.used():
        read(patient)
        server.freeze()
        thread.start()
        until(lambda: server.count("list") == 2)
        connection.abort()
        server.thawed.set()
        assert answered.wait(10.0)
    thread.join()

    assert len(server.connections) == 1


def test_an_answer_cut_short_is_no_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"

        def cut() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")

        thread = threading.Thread(target=cut)
        thread.start()
        api = Api(Configuration(host=url))
        with pytest.raises(ServerUnavailable) as caught:
            api.get(VOLUMES, "a")
        thread.join()
        api.close()

    assert caught.value.message == (
        "The API server's answer was cut short: the connection was cut."
    )


def test_what_is_left_of_a_late_answer_is_not_taken_for_the_next() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"

    def answer(listener: socket.socket, *parts: bytes) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            for part in parts:
                connection.sendall(part)
                read_on.wait(10.0)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        read_on = threading.Event()
        late = threading.Thread(target=answer, args=(listener, head % 100 + b"{"))
        late.start()
        api = Api(Configuration(host=url))
        response = api._send("GET", "/", 5.0)
        with pytest.raises(ServerUnavailable, match="did not end in time"):
            body_of(response, deadline=0.0)
        prompt = threading.Thread(target=answer, args=(listener, head % 2 + b"{}"))
        prompt.start()
        answered = api.get(VOLUMES, "a", timeout=5.0)
        read_on.set()
        for thread in (late, prompt):
            thread.join()
        api.close()

    assert answered == {}


CONNECTION = HTTPConnection("h")
POOL = HTTPConnectionPool("h")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            fault.NameResolutionError("h", CONNECTION, socket.gaierror(-2, "unknown")),
            "its host name cannot be resolved",
        ),
        (
            fault.NewConnectionError(CONNECTION, "[Errno 111] Connection refused"),
            "connection refused",
        ),
        (fault.NewConnectionError(CONNECTION, "odd"), "no connection"),
        (fault.ConnectTimeoutError(CONNECTION, "late"), "it could not be reached in time"),
        (fault.ReadTimeoutError(POOL, "/", "late"), "it did not answer in time"),
        (TimeoutError(), "it did not answer in time"),
        (fault.SSLError("odd"), "TLS failed (odd)"),
        (ssl.SSLError(1, "odd"), "TLS failed (odd)"),
        (fault.ProtocolError("odd"), "the connection was cut"),
        (ConnectionResetError(), "the connection was cut"),
        (OSError("two\n  lines"), "two lines"),
        (ValueError(), "ValueError"),
    ],
)
def test_a_transport_error_is_a_few_words(error: Exception, words: str) -> None:
    assert why(error) == words


def test_a_request_and_its_body_are_one_write(
    patient: Api, server: FakeApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = list[bytes]()
    send = HTTPConnection.send

    def recorded(self: HTTPConnection, data: bytes) -> None:
        sent.append(data)
        send(self, data)

    monkeypatch.setattr(HTTPConnection, "send", recorded)

    patient.create(VOLUMES, {"metadata": {"name": "a"}})

    assert server.count("create") == 1
    (whole,) = sent
    assert whole.startswith(b"POST ")
    assert whole.endswith(b'\r\n\r\n{"metadata": {"name": "a"}}')
