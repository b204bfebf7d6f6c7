"""Another directory than the record's, at its path: it is nobody's to remove (rule 3).

A person moves data away and puts something else there. A directory is known by its inode.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from holdfast.claims.parameters import Action
from holdfast.exports.errors import Unsafe
from holdfast.exports.interface import Moved, Outcome
from holdfast.exports.record import State
from tests.unit.exports.given import Leading, adopted, found, published

MOVING = [Action.DELETE, Action.ARCHIVE]


def replaced(export: Leading, root: Path) -> None:
    """A volume whose directory somebody has moved elsewhere, with another in its place."""
    published(export, directory="data")
    (root / "data/file").write_text("of the volume")
    (root / "data").rename(root / "elsewhere")
    (root / "data").mkdir()
    (root / "data/file").write_text("somebody's own")


@pytest.mark.parametrize("action", MOVING)
def test_it_is_left_alone_and_what_to_do_is_said(
    root: Path, either: Leading, action: Action
) -> None:
    replaced(either, root)

    for _ in range(2):
        with pytest.raises(
            Unsafe,
            match="'data' is not the directory that was created for volume pvc-1: it is left "
            "alone; move the right one back, or, if this one was restored from a backup, run "
            "`holdfast exports accept`",
        ):
            either.reclaim("pvc-1", "1", action)
    assert (root / "data/file").read_text() == "somebody's own"
    assert found(either).state is State.LIVE

    shutil.rmtree(root / "data")
    (root / "elsewhere").rename(root / "data")
    moved = either.reclaim("pvc-1", "1", action)
    assert (root / moved.place / "file").read_text() == "of the volume"


@pytest.mark.parametrize("action", MOVING)
def test_once_it_is_out_of_the_way_the_volume_is_gone(
    root: Path, either: Leading, action: Action
) -> None:
    replaced(either, root)
    (root / "data").rename(root / "own")

    assert either.reclaim("pvc-1", "1", action) == Moved(Outcome.GONE)
    assert (root / "elsewhere/file").read_text() == "of the volume"


def test_to_retain_touches_nothing_whichever_it_is(root: Path, either: Leading) -> None:
    replaced(either, root)

    assert either.reclaim("pvc-1", "1", Action.RETAIN).outcome is Outcome.RETAINED
    assert (root / "data/file").read_text() == "somebody's own"


def test_what_came_after_an_archive_that_was_not_written_down_is_not_archived_too(
    root: Path, either: Leading
) -> None:
    published(either, directory="data")
    record = root / ".holdfast/volumes/pvc-1"
    record.write_text(record.read_text().replace('"target": ""', '"target": "archived-data"'))
    (root / "data").rename(root / "archived-data")
    (root / "data").mkdir()

    moved = either.reclaim("pvc-1", "1", Action.ARCHIVE)

    assert moved == Moved(Outcome.ARCHIVED, "archived-data")
    assert (root / "data").is_dir()


def test_a_record_without_an_inode_stands_for_whatever_is_there(
    root: Path, either: Leading
) -> None:
    """One of version 1, or of a volume that was adopted before its directory was there."""
    either.adopt(adopted("1", "data"))
    (root / "data").mkdir()

    assert either.reclaim("pvc-1", "1", Action.DELETE).outcome is Outcome.TRASHED
