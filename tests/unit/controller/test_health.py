"""The HTTP server of the probes: what it answers, where it listens, what it does not wait for."""

from __future__ import annotations

import socket
import struct
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest
from prometheus_client import CollectorRegistry, Gauge

from holdfast.controller.health import Health
from tests.logged import captured_logs
from tests.support import eventually


@contextmanager
def serving(
    host: str,
    wrong: Callable[[], list[str]] = list,
    *,
    connections: int = 32,
    deadline: float = 3600.0,
) -> Iterator[Health]:
    registry = CollectorRegistry()
    Gauge("held", "Something", registry=registry).set(7)
    health = Health(
        host,
        0,
        live=list,
        ready=wrong,
        registry=registry,
        connections=connections,
        deadline=deadline,
    )
    health.start()
    try:
        yield health
    finally:
        health.stop()


def status_of(address: str, health: Health, path: str = "/healthz") -> int:
    try:
        url = f"http://{address}:{health.port}{path}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def connect(health: Health, said: bytes = b"") -> socket.socket:
    """A connection that has said so much and waits."""
    connection = socket.create_connection(("127.0.0.1", health.port), timeout=20)
    connection.sendall(said)
    return connection


def is_open(connection: socket.socket) -> bool:
    """Whether the server has left a connection open on which it says nothing."""
    connection.setblocking(False)
    try:
        return connection.recv(1) != b""
    except BlockingIOError:
        return True
    except ConnectionResetError:
        return False


def answer_to(health: Health, request: bytes) -> bytes:
    """All that the server says until it hangs up."""
    with connect(health, request) as connection, connection.makefile("rb") as answer:
        return answer.read()


class Held:
    """A question that is answered once somebody lets it."""

    def __init__(self) -> None:
        self.asked = threading.Semaphore(0)
        self.over = threading.Event()

    def __call__(self) -> list[str]:
        self.asked.release()
        self.over.wait()
        return []


def has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return socket.has_dualstack_ipv6()
    except OSError:
        return False


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")


def test_nothing_wrong_is_200_and_anything_wrong_is_503() -> None:
    wrong: list[str] = []
    with serving("127.0.0.1", lambda: wrong) as health:
        assert status_of("127.0.0.1", health, "/readyz") == 200
        wrong.append("the export hangs")
        assert status_of("127.0.0.1", health, "/readyz") == 503
        assert status_of("127.0.0.1", health, "/healthz") == 200


def test_half_a_character_in_what_is_wrong_is_told_by_its_number() -> None:
    with serving("127.0.0.1", lambda: ["cannot read 'a\udcff'"]) as health:
        said = answer_to(health, b"GET /readyz HTTP/1.0\r\n\r\n")

    assert said.endswith(b"cannot read 'a\\udcff'\n")


def test_an_answer_says_what_it_is_and_how_long() -> None:
    with serving("127.0.0.1") as health:
        head, _, body = answer_to(health, b"GET /healthz HTTP/1.0\r\n\r\n").partition(b"\r\n\r\n")

    assert body == b"ok\n"
    assert b"\r\nContent-Length: 3" in head
    assert b"\r\nContent-Type: text/plain" in head


def test_metrics_are_those_of_the_registry_and_what_is_unknown_says_what_there_is() -> None:
    with serving("127.0.0.1") as health:
        metrics = answer_to(health, b"GET /metrics HTTP/1.0\r\n\r\n")
        unknown = answer_to(health, b"GET /metric HTTP/1.0\r\n\r\n")

    assert metrics.startswith(b"HTTP/1.0 200 ")
    assert b"\r\nContent-Type: text/plain; version=" in metrics
    assert metrics.endswith(b"\nheld 7.0\n")
    assert unknown.startswith(b"HTTP/1.0 404 ")
    assert unknown.endswith(b"not found: use /healthz, /readyz or /metrics\n")


@needs_ipv6
def test_without_a_host_it_listens_on_all_addresses_of_both_families() -> None:
    """In a cluster of IPv6 alone, a kubelet has no other address to ask."""
    with serving("") as health:
        assert status_of("[::1]", health) == 200
        assert status_of("127.0.0.1", health) == 200


@needs_ipv6
def test_an_ipv6_address_may_be_given() -> None:
    with serving("::1") as health:
        assert status_of("[::1]", health) == 200


def test_it_does_not_ask_the_name_server_who_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name server that does not answer would hold the start up."""

    def ask(_name: str = "") -> str:
        raise AssertionError("the name server was asked")

    monkeypatch.setattr(socket, "getfqdn", ask)

    with serving("") as health:
        assert status_of("127.0.0.1", health) == 200


def test_its_port_is_free_once_it_has_ended() -> None:
    with serving("127.0.0.1") as health:
        port = health.port

    with socket.create_server(("127.0.0.1", port)):
        pass


def test_silent_connections_hold_few_threads_and_handles_and_no_probe_waits_for_them() -> None:
    before = set(threading.enumerate())
    with serving("127.0.0.1") as health, ExitStack() as crowd:
        silent = [crowd.enter_context(connect(health)) for _ in range(300)]

        assert status_of("127.0.0.1", health) == 200

        # The probe came last, so that all of them were accepted before it.
        assert sum(map(is_open, silent)) <= 32
        eventually(lambda: len(started_since(before)) <= 32 + 1)


def test_of_silent_connections_the_oldest_makes_room() -> None:
    with serving("127.0.0.1", connections=2) as health, ExitStack() as crowd:
        silent = [crowd.enter_context(connect(health)) for _ in range(3)]

        assert silent[0].recv(1) == b""
        assert [is_open(one) for one in silent[1:]] == [True, True]


def test_a_request_that_is_being_answered_is_not_cut_for_silent_ones() -> None:
    held = Held()
    with (
        serving("127.0.0.1", held, connections=2) as health,
        connect(health, b"GET /readyz HTTP/1.0\r\n\r\n") as asking,
        ExitStack() as crowd,
    ):
        assert held.asked.acquire(timeout=20)
        silent = [crowd.enter_context(connect(health)) for _ in range(5)]
        assert [one.recv(1) for one in silent[:4]] == [b""] * 4

        held.over.set()

        assert asking.recv(12) == b"HTTP/1.0 200"


def test_where_every_request_is_being_answered_a_further_one_is_turned_away() -> None:
    """Its thread would be one more; the probe that fails has the kubelet restart the process."""
    held = Held()
    with (
        serving("127.0.0.1", held, connections=1) as health,
        connect(health, b"GET /readyz HTTP/1.0\r\n\r\n"),
    ):
        assert held.asked.acquire(timeout=20)

        with connect(health) as further:
            assert further.recv(1) == b""

        held.over.set()
        assert eventually(lambda: status_of_or_cut(health)) == 200


def started_since(before: set[threading.Thread]) -> set[threading.Thread]:
    """The threads that run now and did not then; one of another test may have ended meanwhile."""
    return set(threading.enumerate()) - before


def status_of_or_cut(health: Health) -> int:
    try:
        return status_of("127.0.0.1", health)
    except OSError:
        return 0


@pytest.mark.parametrize("said", [b"", b"GET /healthz", b"GET /healthz HTTP/1.0\r\nHost: a\r\n"])
def test_a_request_that_does_not_come_to_its_end_is_cut_at_the_deadline(said: bytes) -> None:
    with serving("127.0.0.1", deadline=0.5) as health, connect(health, said) as slow:
        while slow.recv(100):
            pass  # what was understood by then may be answered


def test_an_answer_that_is_not_read_is_cut_at_the_deadline() -> None:
    """More of it than the kernel takes for a client that does not read."""
    before, asked = set(threading.enumerate()), threading.Event()

    def much() -> list[str]:
        asked.set()
        return ["x" * 20_000_000]

    with (
        serving("127.0.0.1", much, deadline=0.5) as health,
        connect(health, b"GET /readyz HTTP/1.0\r\n\r\n"),
    ):
        assert asked.wait(20)

        eventually(lambda: len(started_since(before)) == 1)


def test_a_request_longer_than_16_kib_is_refused_before_its_end() -> None:
    """Else a few connections would have more memory than the pod."""
    with serving("127.0.0.1") as health:
        request = (b"GET /healthz HTTP/1.0\r\nX-Field: " + b"x" * 20000)[:16384]

        answer = answer_to(health, request)

        assert answer.startswith(b"HTTP/1.0 431 ")
        assert answer.count(b"HTTP/1.0 ") == 1


def test_a_request_line_without_an_end_is_refused() -> None:
    with serving("127.0.0.1") as health:
        request = (b"GET /" + b"x" * 20000)[:16384]

        assert b"Error code: 431" in answer_to(health, request)


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "DELETE", "OPTIONS", "BREW"])
def test_another_method_than_get_is_refused_and_nothing_is_logged(
    method: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with serving("127.0.0.1") as health:
        answer = answer_to(health, f"{method} /healthz HTTP/1.0\r\n\r\n".encode())

    assert answer.startswith(b"HTTP/1.0 501 ")
    assert (method == "HEAD") == answer.endswith(b"\r\n\r\n")
    assert capfd.readouterr() == ("", "")


def test_a_client_that_hangs_up_is_no_news(capfd: pytest.CaptureFixture[str]) -> None:
    held = Held()
    before = set(threading.enumerate())
    with serving("127.0.0.1", held) as health:
        with connect(health, b"GET /readyz HTTP/1.0\r\n\r\n") as gone:
            assert held.asked.acquire(timeout=20)
            # Closed so, the kernel sends a reset, and writing there fails.
            gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        held.over.set()
        eventually(lambda: len(started_since(before)) == 1)

    assert capfd.readouterr() == ("", "")


def test_an_error_of_our_own_is_logged() -> None:
    def broken() -> list[str]:
        raise ZeroDivisionError

    with serving("127.0.0.1", broken) as health, captured_logs() as lines:
        assert answer_to(health, b"GET /readyz HTTP/1.0\r\n\r\n") == b""

    assert [line["event"] for line in lines] == ["unexpected error"]
