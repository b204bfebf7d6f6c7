"""Probe: the undoing of an attempt at another path does not hold that path's lock."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from holdfast.exports import undo
from tests.unit.exports.given import Leading, plan


def test_an_attempt_is_undone_under_the_lock_of_its_directory(
    root: Path, export: Leading, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`ledger.py`: the caller must hold the lock of a record's directory to change the record."""
    assert root
    export.create(plan("1", "old"))
    free = list[bool]()
    real = undo.undo

    def look(op: Any, volume: str) -> None:
        with op.locks.tried("old") as is_free:
            free.append(is_free)
        real(op, volume)

    monkeypatch.setattr(undo, "undo", look)

    export.create(plan("1", "new"))

    assert free == [False]
