"""A fake API server for each test, a client with short deadlines, and an export in memory."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from kubernetes.client import Configuration

from holdfast.kube.api import Api
from tests.fake.apiserver import FakeApiServer
from tests.unit.controller.site import Site


@pytest.fixture
def server() -> Iterator[FakeApiServer]:
    """A fake API server that serves."""
    with FakeApiServer() as running:
        yield running


@pytest.fixture
def api(server: FakeApiServer) -> Iterator[Api]:
    """A client of it; a machine that is busy with other tests is no server that is away."""
    client = Api(Configuration(host=server.url), connect_timeout=5.0, read_timeout=5.0)
    yield client
    client.close()


@pytest.fixture
def root() -> Iterator[Path]:
    """A directory in memory, where there is a place: syncing it costs nothing there."""
    place = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=place) as folder:
        yield Path(folder)


@pytest.fixture
def site(api: Api, server: FakeApiServer, root: Path) -> Iterator[Site]:
    """A leader, its export and its API server."""
    made = Site(api, server, root)
    yield made
    made.close()
