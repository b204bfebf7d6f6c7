"""An export whose root has the setgid bit, which every directory made beneath it inherits."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from holdfast.claims.ownership import Ownership
from holdfast.exports import tree
from tests.unit.exports.faults import Crash
from tests.unit.exports.given import Leading, plan, published, visible


@pytest.fixture
def export(root: Path, export: Leading) -> Leading:
    root.chmod(0o2775)
    return export


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_parent_has_its_mode_and_hands_the_group_on(root: Path, export: Leading) -> None:
    published(export, directory="team/a/data")

    assert mode(root / "team") == 0o2755
    assert mode(root / "team/a") == 0o2755


@pytest.mark.parametrize("asked", [0o770, 0o2770])
def test_a_directory_has_the_mode_that_its_class_says(
    root: Path, export: Leading, asked: int
) -> None:
    export.create(plan(ownership=Ownership(asked)))

    assert mode(root / "team/data") == asked


@pytest.mark.parametrize("end", ["create", "undo"])
def test_a_directory_without_a_record_after_a_crash_is_known(
    root: Path, export: Leading, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    mkdir = os.mkdir

    def crash(name: str, mode: int, *, dir_fd: int) -> None:
        mkdir(name, mode, dir_fd=dir_fd)
        if name == "data":
            raise Crash

    export.begin()
    with monkeypatch.context() as patch:
        patch.setattr(os, "mkdir", crash)
        with pytest.raises(Crash):
            export.create(plan())

    if end == "create":
        assert not export.create(plan()).found
    else:
        export.undo("pvc-1")
        assert visible(root) == []


def test_a_live_directory_is_put_back_over_a_placeholder_that_a_crash_left(
    root: Path, export: Leading
) -> None:
    published(export, directory="data")
    (root / "data/file").write_text("data")
    (term,) = root.glob(".holdfast/terms/*/[0-9]*")
    (root / "data").rename(term / "-pvc-1")
    (root / "data").mkdir()
    (root / "data").chmod(tree.HALF_MADE | stat.S_ISGID)

    assert export.exports.move_back(export.grant, "pvc-1") == "data"
    assert (root / "data/file").read_text() == "data"
