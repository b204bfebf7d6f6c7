"""A fake API server for each test, and a client with short deadlines."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from kubernetes.client import Configuration

from holdfast.kube.api import Api
from tests.fake.apiserver import FakeApiServer


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
