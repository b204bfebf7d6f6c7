"""What mkdir(2) says was there: made by the same call before, or somebody else's.

A call whose answer is lost is sent again; a server that restarted meanwhile says EEXIST. That each
operation survives it is in `test_every_step_can_be_repeated.py`; here is what must not be taken.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from holdfast.exports import tree
from holdfast.exports.errors import Unsafe
from tests.unit.exports.faults import Crash
from tests.unit.exports.given import Leading, plan, visible

OTHER = "of-another-cluster"


def cut_short(root: Path, directory: str, monkeypatch: pytest.MonkeyPatch) -> Leading:
    """Another cluster, which has made a directory, and not written its record."""
    mkdir, name = os.mkdir, directory.rpartition("/")[2]

    def crash(made: str, mode: int, *, dir_fd: int) -> None:
        mkdir(made, mode, dir_fd=dir_fd)
        if made == name:
            raise Crash

    other = Leading(root, cluster=OTHER)
    other.begin()
    with monkeypatch.context() as patch:
        patch.setattr(os, "mkdir", crash)
        with pytest.raises(Crash):
            other.create(plan("2", directory))
    return other


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_another_cluster_has_just_made_is_not_taken(
    root: Path, export: Leading, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rule 2: nor is it by a second attempt, which has an intent of its own."""
    other = cut_short(root, "data", monkeypatch)

    for _ in range(2):
        with pytest.raises(Unsafe, match="being created for volume pvc-2"):
            export.create(plan("1", "data"))
    assert not other.create(plan("2", "data")).found


def test_what_another_cluster_has_just_made_is_no_parent(
    root: Path, export: Leading, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cache says that it is not there, so that mkdir(2) is asked; its mark was left behind."""
    cut_short(root, "team", monkeypatch)
    (intent,) = (root / f".holdfast/terms/{OTHER}.nfs").glob("*/[+]pvc-2")
    intent.unlink()
    exists = tree.exists
    monkeypatch.setattr(tree, "exists", lambda at, name: name != "team" and exists(at, name))

    export.create(plan("1", "team/data"))
    assert mode(root / "team") == tree.HALF_MADE
    assert not (root / ".holdfast/directories/team/.made").exists()


def test_what_another_cluster_has_just_made_is_not_cleared(
    root: Path, export: Leading, monkeypatch: pytest.MonkeyPatch
) -> None:
    export.create(plan("1", "data"))
    export.undo("pvc-1")
    other = cut_short(root, "data", monkeypatch)

    export.exports.sweep(export.grant)
    export.begin()
    export.exports.sweep(export.grant)

    assert visible(root) == ["data"]
    assert not other.create(plan("2", "data")).found


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives directories away")
def test_what_belongs_to_another_user_is_not_taken(root: Path, export: Leading) -> None:
    (root / "data").mkdir()
    os.chown(root / "data", 1234, 1234)
    (root / "data").chmod(tree.HALF_MADE)

    with pytest.raises(Unsafe, match="exists without a record"):
        export.create(plan("1", "data"))
    assert (mode(root / "data"), (root / "data").stat().st_uid) == (tree.HALF_MADE, 1234)
