"""Volumes that share a directory with several reclaim actions: the strictest is carried out."""

from __future__ import annotations

import errno
import itertools
import os
from pathlib import Path

import pytest

from holdfast.claims.parameters import Action
from holdfast.exports.errors import Failed
from holdfast.exports.interface import Moved, Outcome
from holdfast.exports.operation import Operation
from holdfast.exports.record import State
from tests.unit.exports.given import Leading, found, joining_at_once, plan, published

_OUTCOMES = {
    Action.DELETE: Outcome.TRASHED,
    Action.ARCHIVE: Outcome.ARCHIVED,
    Action.RETAIN: Outcome.RETAINED,
}


@pytest.fixture
def shared(root: Path, export: Leading) -> Leading:
    """Three volumes share a directory with a file in it."""
    for uid in "123":
        published(export, uid, "data", shared=True)
    (root / "data/file").write_text("data")
    return export


def reclaimed(export: Leading, uid: str, action: Action) -> Moved:
    return export.reclaim(f"pvc-{uid}", uid, action)


def demands(root: Path) -> set[str]:
    return {path.name for path in (root / ".holdfast/directories").rglob(".*") if path.is_file()}


@pytest.mark.parametrize("actions", list(itertools.product(Action, repeat=3)))
def test_the_strictest_action_of_all_is_carried_out_with_the_last(
    root: Path, shared: Leading, actions: tuple[Action, ...]
) -> None:
    for uid, action in zip("12", actions, strict=False):
        assert reclaimed(shared, uid, action) == Moved(Outcome.SHARED, "data")

    moved = reclaimed(shared, "3", actions[2])

    strictest = next(one for one in ("retain", "archive", "delete") if one in actions)
    assert moved.outcome is _OUTCOMES[Action(strictest)]
    assert (root / moved.place / "file").read_text() == "data"
    assert demands(root) == set()


@pytest.mark.parametrize("action", [Action.ARCHIVE, Action.RETAIN])
def test_one_that_joins_later_and_deletes_does_not_weaken_it(
    shared: Leading, action: Action
) -> None:
    reclaimed(shared, "1", action)
    published(shared, "4", "data", shared=True)
    for uid in "23":
        reclaimed(shared, uid, Action.DELETE)

    assert reclaimed(shared, "4", Action.DELETE).outcome is _OUTCOMES[action]


def test_the_claim_that_reuses_what_was_retained_decides_anew(shared: Leading) -> None:
    for uid, action in zip("123", (Action.RETAIN, Action.DELETE, Action.DELETE), strict=True):
        reclaimed(shared, uid, action)
    shared.create(plan("4", "data", shared=True), ["pvc-3"])
    shared.confirm("pvc-4")

    assert reclaimed(shared, "4", Action.DELETE).outcome is Outcome.TRASHED


def test_a_volume_that_gets_the_path_after_an_archive_decides_for_itself(shared: Leading) -> None:
    for uid, action in zip("123", (Action.ARCHIVE, Action.DELETE, Action.DELETE), strict=True):
        reclaimed(shared, uid, action)
    published(shared, "4", "data", shared=True)

    assert reclaimed(shared, "4", Action.DELETE).outcome is Outcome.TRASHED


def test_what_is_archived_for_another_is_archived_after_a_crash_too(
    root: Path, shared: Leading
) -> None:
    def bad_disk(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    for uid, action in (("1", Action.ARCHIVE), ("2", Action.DELETE)):
        reclaimed(shared, uid, action)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Operation, "put_down", bad_disk)
        with pytest.raises(Failed):
            reclaimed(shared, "3", Action.DELETE)
    assert not (root / "data").exists()

    assert reclaimed(Leading(root), "3", Action.DELETE) == Moved(Outcome.ARCHIVED, "archived-data")


def test_what_a_later_directory_at_the_path_demands_does_not_hold_up_one_on_its_way_out(
    root: Path, export: Leading
) -> None:
    published(export, "1", "data", shared=True)
    (root / "data/file").write_text("first")
    (folder,) = root.glob(".holdfast/terms/cluster.nfs/[0-9]*")
    (root / "data").rename(folder / "-pvc-1")
    with joining_at_once():
        for uid in "23":
            published(export, uid, "data", shared=True)
    assert reclaimed(export, "2", Action.RETAIN).outcome is Outcome.SHARED

    moved = reclaimed(export, "1", Action.DELETE)

    assert moved.outcome is Outcome.ARCHIVED
    assert (root / moved.place / "file").read_text() == "first"
    assert reclaimed(export, "3", Action.DELETE).outcome is Outcome.RETAINED


@pytest.mark.parametrize("action", [Action.ARCHIVE, Action.RETAIN])
def test_an_empty_directory_that_is_to_be_kept_stays_though_its_last_volume_is_undone(
    root: Path, export: Leading, action: Action
) -> None:
    published(export, "1", "data", shared=True)
    export.create(plan("2", "data", shared=True))
    reclaimed(export, "1", action)

    export.undo("pvc-2")

    assert (root / "data").is_dir()
    assert found(export, "2").state is State.RETAINED
    assert demands(root) == set()


def test_with_a_directory_that_was_removed_by_hand_its_demands_are_forgotten(
    root: Path, export: Leading
) -> None:
    for uid in "12":
        published(export, uid, "data", shared=True)
    reclaimed(export, "1", Action.RETAIN)
    (root / "data").rmdir()

    assert export.exports.forget(export.grant, "pvc-2") is True
    assert demands(root) == set()
