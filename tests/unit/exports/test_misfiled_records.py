"""A record that a former leader's late call has put into the trash is taken back (rule 4)."""

from __future__ import annotations

import errno
import os
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest

from holdfast.claims.objects import ClaimRef
from holdfast.claims.parameters import Action
from holdfast.exports.errors import Failed
from holdfast.exports.inode import Inode
from holdfast.exports.interface import Outcome
from holdfast.exports.operation import PathLocks
from holdfast.exports.record import Record, State
from tests.unit.exports.given import Leading, found, plan, published, visible

LATER = ClaimRef("team", "later", "9")


def _late(root: Path, uid: str = "1") -> None:
    """A former leader's rename of a record to those of the trash arrives."""
    kept = root / ".holdfast"
    (kept / f"volumes/pvc-{uid}").rename(kept / f"trashed/pvc-{uid}")


@pytest.fixture
def late(root: Path, export: Leading) -> Leading:
    """A live volume with data, whose record was moved to those of the trash."""
    published(export, "1", "data")
    (root / "data/file").write_text("data")
    _late(root)
    return export


def test_what_the_api_server_says_of_the_volume_is_followed(late: Leading) -> None:
    late.exports.update_record(late.grant, "pvc-1", LATER, "2Gi", "Retain")

    record = found(late)
    assert (record.state, record.claim, record.reclaim_policy) == (State.LIVE, LATER, "Retain")
    assert late.exports.trashed() == ()


@pytest.mark.parametrize(
    ("action", "outcome"),
    [
        (Action.DELETE, Outcome.TRASHED),
        (Action.ARCHIVE, Outcome.ARCHIVED),
        (Action.RETAIN, Outcome.RETAINED),
    ],
)
def test_a_reclaim_finds_the_directory_at_its_path(
    root: Path, late: Leading, action: Action, outcome: Outcome
) -> None:
    moved = late.reclaim("pvc-1", "1", action)

    assert moved.outcome is outcome
    assert (root / moved.place / "file").read_text() == "data"


def test_the_record_of_a_volume_that_is_gone_is_not_forgotten(root: Path, late: Leading) -> None:
    late.reap()

    assert found(late).state is State.LIVE
    assert visible(root) == ["data", "data/file"]
    assert late.create(plan("2", "data"), ["pvc-1"]).found


def test_a_sweep_takes_it_back(late: Leading) -> None:
    for _ in range(2):
        late.exports.sweep(late.grant)

    assert found(late).state is State.LIVE


def test_a_sweep_leaves_the_records_of_other_clusters_to_them(root: Path, late: Leading) -> None:
    other = Leading(root, cluster="another")
    for _ in range(2):
        other.exports.sweep(other.grant)

    assert found(late).state is State.TRASHED


@pytest.mark.parametrize("is_marked", [True, False])
def test_the_mark_is_there_again(root: Path, late: Leading, *, is_marked: bool) -> None:
    if not is_marked:
        (root / ".holdfast/directories/data/pvc-1").unlink()

    late.exports.update_record(late.grant, "pvc-1", LATER, "2Gi", "Retain")

    assert (root / ".holdfast/directories/data/pvc-1").exists()


def test_that_of_a_retained_volume_is_followed_too(root: Path, export: Leading) -> None:
    published(export, "1", "data")
    export.reclaim("pvc-1", "1", Action.RETAIN)
    _late(root)

    export.exports.update_record(export.grant, "pvc-1", LATER, "2Gi", "Retain")

    assert found(export).claim == LATER
    assert export.exports.trashed() == ()


def _given_up(export: Leading, root: Path) -> None:
    """A volume whose directory is gone, and its record among those of the trash."""
    published(export, "1", "data")
    (root / "data").rmdir()
    assert export.reclaim("pvc-1", "1", Action.DELETE).outcome is Outcome.GONE


def _rewritten(root: Path, record: Record) -> None:
    live = replace(record, state=State.LIVE, target="")
    (root / ".holdfast/trashed/pvc-1").write_bytes(live.dump())


def test_another_directory_with_the_number_of_one_that_is_gone_is_not_the_volumes(
    root: Path, export: Leading
) -> None:
    """A file system gives numbers again, and may not tell when a directory was made."""
    _given_up(export, root)
    (root / "data").mkdir()
    number = (root / "data").stat().st_ino
    _rewritten(root, replace(found(export), inode=Inode(number)))

    assert export.reclaim("pvc-1", "1", Action.DELETE).outcome is Outcome.GONE
    assert export.reap() == 0
    assert (visible(root), export.find("pvc-1")) == (["data"], None)


def test_what_is_no_directory_keeps_no_record_from_being_forgotten(
    root: Path, export: Leading
) -> None:
    _given_up(export, root)
    (root / "data").symlink_to("elsewhere")

    assert export.reap() == 0
    assert export.find("pvc-1") is None


def test_one_of_several_that_share_a_directory_stays_given_up(export: Leading) -> None:
    for uid in "12":
        published(export, uid, "data", shared=True)
    assert export.reclaim("pvc-1", "1", Action.DELETE).outcome is Outcome.SHARED

    export.exports.sweep(export.grant)
    export.exports.sweep(export.grant)

    assert export.reap() == 0
    assert export.find("pvc-1") is None
    assert export.reclaim("pvc-2", "2", Action.DELETE).outcome is Outcome.TRASHED


def test_a_sweep_passes_over_one_that_cannot_be_looked_at(
    root: Path, late: Leading, monkeypatch: pytest.MonkeyPatch
) -> None:
    published(late, "2", "other")
    _late(root, "2")
    read = os.open

    def bad(name: str, *args: int, **place: int) -> int:
        if name == "data":
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return read(name, *args, **place)

    monkeypatch.setattr(os, "open", bad)
    for _ in range(2):
        late.exports.sweep(late.grant)

    assert found(late, "2").state is State.LIVE
    with pytest.raises(Failed):
        late.reclaim("pvc-1", "1", Action.DELETE)


def test_a_sweep_reads_the_record_again_once_it_has_the_lock(
    root: Path, late: Leading, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another call may have ended it in between: nothing is marked for a record that is gone."""
    mark, tried = root / ".holdfast/directories/data/pvc-1", PathLocks.tried
    mark.unlink()

    def held_up(locks: PathLocks, directory: str) -> AbstractContextManager[bool]:
        (root / ".holdfast/trashed/pvc-1").unlink()
        return tried(locks, directory)

    monkeypatch.setattr(PathLocks, "tried", held_up)
    late.exports.sweep(late.grant)

    assert late.find("pvc-1") is None
    assert not mark.exists()
