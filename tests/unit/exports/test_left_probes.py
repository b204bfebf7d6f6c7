"""What a killed replica, or one whose call came late, leaves of a probe goes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.unit.exports.given import export_at


def test_a_probe_that_is_there_at_two_sweeps_is_removed(root: Path) -> None:
    leading = export_at(root)
    left = root / ".holdfast" / ".probe-0123abcd"
    left.touch()

    leading.exports.sweep(leading.grant)
    assert left.exists()  # it may be in use
    leading.exports.sweep(leading.grant)
    assert not left.exists()


def test_a_probe_that_came_after_the_last_sweep_stays(root: Path) -> None:
    leading = export_at(root)
    leading.exports.sweep(leading.grant)
    used = root / ".holdfast" / ".probe-0123abcd"
    used.touch()

    leading.exports.sweep(leading.grant)

    assert used.exists()


def test_no_two_probes_have_the_same_name(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that happened to be there at each sweep would be removed while it is in use."""
    leading = export_at(root)
    monkeypatch.setattr(os, "unlink", lambda *_, **__: None)

    leading.probe()
    leading.probe()

    assert len(list((root / ".holdfast").glob(".probe-*"))) == 2


def test_a_probe_that_somebody_has_removed_meanwhile_is_as_good(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leading, remove = export_at(root), os.unlink
    monkeypatch.setattr(
        os, "unlink", lambda *one, **more: (remove(*one, **more), remove(*one, **more))
    )

    leading.probe()

    assert not list((root / ".holdfast").glob(".probe-*"))
