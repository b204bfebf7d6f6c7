"""A late fchown(2) or fchmod(2) of a create changes no directory that pods use by then (rule 4)."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from holdfast.claims.ownership import Ownership
from holdfast.exports import tree
from holdfast.exports.errors import Fenced, Unsafe
from tests.unit.exports.faults import Crash
from tests.unit.exports.given import Leading, found, plan, published, visible

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives directories away")

OWNED = Ownership(0o770, 1234, 1234)


def owner_and_mode(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_uid, stat.S_IMODE(status.st_mode)


def cut_short(
    export: Leading, call: str, then: Callable[[], object] | None = None, **of: Any
) -> None:
    """Has something happen before a create sets owner or mode; without it, the process ends."""
    export.begin()
    real = getattr(os, call)
    with pytest.MonkeyPatch.context() as patch:

        def held_up(*given: int) -> None:
            patch.undo()
            if then is None:
                raise Crash
            then()
            real(*given)

        patch.setattr(os, call, held_up)
        with pytest.raises(Crash if then is None else Fenced):
            export.create(plan(directory="data", ownership=OWNED, **of))


@pytest.mark.parametrize("late", ["fchown", "fchmod"])
def test_what_a_pod_has_set_stays(root: Path, export: Leading, late: str) -> None:
    successor = Leading(root)

    def serve() -> None:
        published(successor, directory="data", ownership=OWNED)
        os.chown(root / "data", 999, 999)
        (root / "data").chmod(0o700)

    cut_short(export, late, serve)

    assert owner_and_mode(root / "data") == (999, 0o700)
    assert found(successor).inode.number == (root / "data").stat().st_ino


@pytest.mark.parametrize("late", ["fchown", "fchmod"])
def test_what_the_former_leader_has_made_is_undone(root: Path, export: Leading, late: str) -> None:
    successor = Leading(root)

    cut_short(export, late, lambda: successor.undo("pvc-1"))

    assert visible(root) == []


def test_one_that_is_filled_while_it_is_replaced_is_kept(
    root: Path, export: Leading, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut_short(export, "fchmod")
    rmdir = os.rmdir

    def filled(name: str, *, dir_fd: int) -> None:
        if name == "-pvc-1":
            [taken] = root.glob(f".holdfast/terms/*/*/{name}")
            (taken / "file").touch()
        rmdir(name, dir_fd=dir_fd)

    with monkeypatch.context() as patch:
        patch.setattr(os, "rmdir", filled)
        with pytest.raises(Unsafe, match="was filled before its volume was created"):
            export.create(plan(directory="data", ownership=OWNED))

    assert not export.create(plan(directory="data", ownership=OWNED)).found
    assert owner_and_mode(root / "data") == (1234, 0o770)
    assert visible(root) == ["data", "data/file"]


def test_a_directory_that_is_not_ready_is_not_shared(root: Path, export: Leading) -> None:
    """Nobody would set its owner and mode if the first volume is undone."""
    cut_short(export, "fchmod", shared=True)
    export.begin()
    second = plan("2", "data", ownership=OWNED, shared=True)

    with pytest.raises(Unsafe, match="is being created for volume pvc-1 of claim team/data-1"):
        export.create(second)
    export.undo("pvc-1")

    assert not export.create(second).found
    assert owner_and_mode(root / "data") == (1234, 0o770)


def test_one_that_a_pod_has_made_look_half_made_is_shared(root: Path, export: Leading) -> None:
    published(export, directory="data", shared=True)
    (root / "data").chmod(tree.HALF_MADE)

    assert export.create(plan("2", "data", shared=True)).found
    assert owner_and_mode(root / "data") == (0, tree.HALF_MADE)


def test_one_that_was_there_before_is_not_replaced(root: Path, export: Leading) -> None:
    (root / "data").mkdir()
    export.create(plan(directory="data", use_existing=True))
    (root / "data").chmod(tree.HALF_MADE)
    inode = (root / "data").stat().st_ino

    export.create(plan(directory="data", use_existing=True))

    assert (root / "data").stat().st_ino == inode


def test_a_new_one_has_what_its_parent_hands_on(root: Path, export: Leading) -> None:
    """As a directory that is made elsewhere and moved there would not."""
    (root / "team").mkdir()
    os.chown(root / "team", 0, 1234)
    (root / "team").chmod(0o2755)

    export.create(plan())

    assert (root / "team/data").stat().st_gid == 1234
