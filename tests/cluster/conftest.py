"""What tests on the shared control plane have in common."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.controlplane import ControlPlane
from tests.cluster.faults import Hang
from tests.cluster.running import Running
from tests.cluster.site import Site


@pytest.fixture
def site(control_plane: ControlPlane, namespace: str, tmp_path: Path) -> Iterator[Site]:
    """An export and a provisioner's name of this test alone."""
    root = tmp_path / "export"
    root.mkdir()
    own = Site(control_plane, namespace, root)
    yield own
    own.close()


@pytest.fixture
def hanging(site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Running, Hang]]:
    """A provisioner on an export where directories cannot be made for now."""
    with _hanging(site, monkeypatch, seconds=1.0) as found:
        yield found


@pytest.fixture
def slow(site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Running, Hang]]:
    """The same, and the provisioner waits for it."""
    with _hanging(site, monkeypatch, seconds=60.0) as found:
        yield found


@contextlib.contextmanager
def _hanging(
    site: Site, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> Iterator[tuple[Running, Hang]]:
    running = site.serve(export_deadline=seconds)
    hang = Hang(running.export.create)
    monkeypatch.setattr(running.export, "create", hang)
    try:
        yield running, hang
    finally:
        hang.over.set()
