"""A former leader's late removal of a parent hits no live volume's directory (rule 4)."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from holdfast.claims.parameters import Action
from holdfast.exports.errors import Fenced
from tests.unit.exports.given import Leading, plan, published, visible


def test_a_late_removal_of_a_parent_leaves_the_volume_that_has_its_path_now(
    root: Path, export: Leading, monkeypatch: pytest.MonkeyPatch
) -> None:
    published(export, "1", "team/data")
    next_ = Leading(root)
    number = root.stat().st_ino
    real: dict[str, Callable[..., None]] = {"rename": os.rename, "rmdir": os.rmdir}

    def late(call: str, place: str) -> Callable[..., None]:
        def called(name: str, *args: Any, **handles: int) -> None:
            if name == "team" and os.fstat(handles[place]).st_ino == number:
                for known, function in real.items():
                    monkeypatch.setattr(os, known, function)
                next_.begin()
                next_.reclaim("pvc-1", "1", Action.DELETE)
                assert next_.reap() == 0
                published(next_, "2", "team")
            real[call](name, *args, **handles)

        return called

    monkeypatch.setattr(os, "rename", late("rename", "src_dir_fd"))
    monkeypatch.setattr(os, "rmdir", late("rmdir", "dir_fd"))

    with pytest.raises(Fenced):
        export.reclaim("pvc-1", "1", Action.DELETE)

    assert visible(root) == ["team"]


def test_a_parent_that_holds_something_is_not_moved_meanwhile(
    root: Path, export: Leading, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pods have others' directories in it open, and must find it at its path all the time."""
    export.create(plan("1", "team/data"))
    (root / "team/theirs").touch()
    rename, moved = os.rename, list[str]()

    def spied(source: str, target: str, **handles: int) -> None:
        moved.append(source)
        rename(source, target, **handles)

    monkeypatch.setattr(os, "rename", spied)
    export.undo("pvc-1")

    assert "data" in moved
    assert "team" not in moved
    assert visible(root) == ["team", "team/theirs"]
