"""How a provisioner ends: with nothing left behind, or for a reason that only a new pod cures."""

from __future__ import annotations

import threading

import pytest

from holdfast.controller import export_client
from holdfast.controller.manager import STALE
from holdfast.exports.errors import ExportUnavailable
from tests.cluster.site import Site
from tests.support import eventually


def test_no_thread_and_no_port_is_left_once_it_has_ended(site: Site) -> None:
    before = set(threading.enumerate())
    running = site.stand_by(leader_election=True)
    client = running.manager.exports["default"].export_client
    # Idle threads stay for longer than is waited below, unless they are told to go.
    client._lane._linger = client._probe_lane._linger = 60.0
    running.start()
    site.bound(site.claim(site.make_class()))

    running.stop()

    assert running.codes == [0]
    eventually(lambda: set(threading.enumerate()) <= before, what="no thread is left")
    with pytest.raises(OSError, match="refused"):
        running.get("/healthz")


def test_it_ends_when_only_a_new_mount_helps(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own exit code, so that the pod's history says why."""
    running = site.serve()
    site.bound(site.claim(site.make_class()))
    monkeypatch.setattr(export_client, "_STALE_SECONDS", 0.5)

    def probe() -> None:
        raise ExportUnavailable("stale file handle", stale=True)

    monkeypatch.setattr(running.export, "probe", probe)
    running.manager.exports["default"].circuit.trip("a worker found it stale")

    eventually(lambda: running.codes)

    assert running.codes == [STALE]


def test_a_stale_handle_that_heals_does_not_end_it(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = site.serve()
    answers = [ExportUnavailable("stale file handle", stale=True)]
    probe = running.export.probe

    def flaky() -> None:
        if answers:
            raise answers.pop()
        probe()

    monkeypatch.setattr(running.export, "probe", flaky)
    running.manager.exports["default"].circuit.trip("a worker found it stale")

    site.bound(site.claim(site.make_class()))
    assert running.codes == []
