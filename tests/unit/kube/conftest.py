"""A fake API server for each test, and a client with short deadlines."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kubernetes.client import Configuration

from holdfast.kube.api import Api
from testbed.certificates import Authority
from tests.fake.apiserver import FakeApiServer
from tests.logged import captured_logs
from tests.unit.kube.mirror import Mirror


@pytest.fixture
def server() -> Iterator[FakeApiServer]:
    """A fake API server that serves."""
    with FakeApiServer() as running:
        yield running


@pytest.fixture
def api(server: FakeApiServer) -> Iterator[Api]:
    """A client of it that waits a second for an answer."""
    client = Api(Configuration(host=server.url), connect_timeout=1.0, read_timeout=1.0)
    yield client
    client.close()


@pytest.fixture
def logged() -> Iterator[list[dict[str, object]]]:
    """What is logged during the test."""
    with captured_logs() as lines:
        yield lines


@pytest.fixture
def secure_server(tmp_path: Path) -> Iterator[tuple[FakeApiServer, Path]]:
    """A fake server behind TLS, and the certificate of its authority."""
    authority = Authority(tmp_path)
    pair = authority.serving("server")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    with FakeApiServer(context) as server:
        yield server, authority.pair.certificate


@pytest.fixture
def mirror(api: Api) -> Iterator[Callable[..., Mirror]]:
    """Makes and starts reflectors, and stops them."""
    started: list[Mirror] = []

    def start(*, silence: float = 5.0, wait: float = 0.05) -> Mirror:
        started.append(Mirror(api, silence=silence, wait=wait).start())
        return started[-1]

    yield start
    for one in started:
        one.reflector.stop()
    assert not [thread for thread in threading.enumerate() if "reflector" in thread.name]
