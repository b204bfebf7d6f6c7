"""A volume whose directory was deleted is to be archived or retained after all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from holdfast.claims.parameters import Action
from holdfast.exports.errors import Unsafe
from holdfast.exports.interface import Moved, Outcome
from holdfast.exports.record import DirectoryTaken
from tests.unit.exports.given import Leading, export_at, found, published

TRASH = ".holdfast/trash/pvc-1"
KEEPS = [(Action.ARCHIVE, "archived-data"), (Action.RETAIN, "team/data")]
keeps = pytest.mark.parametrize(("action", "place"), KEEPS)
kept = pytest.mark.parametrize("action", [Action.ARCHIVE, Action.RETAIN])


def reclaimed(export: Leading, action: Action, uid: str = "1") -> Moved:
    return export.reclaim(f"pvc-{uid}", uid, action)


def trash(export: Leading, **of: Any) -> None:
    """Deletes a volume with data."""
    published(export, "1", **of)
    (export.root / "team/data/file").write_text("data")
    reclaimed(export, Action.DELETE)


@keeps
def test_it_leaves_the_trash(root: Path, either: Leading, action: Action, place: str) -> None:
    trash(either)

    assert reclaimed(either, action).place == place

    assert (root / place / "file").read_text() == "data"
    assert either.exports.trashed() == ()
    assert not found(either).retained_in_trash


@kept
def test_it_does_so_once(either: Leading, action: Action) -> None:
    trash(either)
    first = reclaimed(either, action)

    assert reclaimed(either, action) == first


@keeps
def test_the_next_leader_heeds_it(root: Path, action: Action, place: str) -> None:
    trash(export_at(root))

    reclaimed(export_at(root), action)

    assert (root / place / "file").read_text() == "data"


@kept
def test_one_that_is_gone_stays_gone(root: Path, export: Leading, action: Action) -> None:
    trash(export)
    (root / TRASH / "file").unlink()
    (root / TRASH).rmdir()

    assert reclaimed(export, action).outcome is Outcome.GONE


class TestTaken:
    """Something else is at its path by now."""

    @kept
    def test_another_volumes_directory_is_left_to_it(
        self, root: Path, export: Leading, action: Action
    ) -> None:
        trash(export)
        published(export, "2")

        with pytest.raises(Unsafe) as refused:
            reclaimed(export, action)

        assert refused.value.message == (
            f"its action is '{action}' by now, but its directory is at '{TRASH}' and cannot be "
            "moved back: directory 'team/data' belongs to volume pvc-2 of claim team/data-2; or "
            "copy what is needed of it by hand, then set annotation holdfast.io/on-delete to "
            "'delete'"
        )
        assert (root / TRASH / "file").exists()
        assert reclaimed(export, Action.DELETE, "2").outcome is Outcome.TRASHED

    @keeps
    def test_once_the_path_is_free_it_goes_back(
        self, root: Path, export: Leading, action: Action, place: str
    ) -> None:
        trash(export)
        (root / "team/data").mkdir(parents=True)
        with pytest.raises(Unsafe, match="'team/data' exists, move it away"):
            reclaimed(export, action)
        (root / "team/data").rmdir()

        reclaimed(export, action)

        assert (root / place / "file").exists()

    @kept
    def test_the_reaper_leaves_it_alone(self, root: Path, export: Leading, action: Action) -> None:
        """A person may remove the volume by force."""
        trash(export)
        published(export, "2")
        with pytest.raises(Unsafe):
            reclaimed(export, action)

        with pytest.raises(DirectoryTaken, match="belongs to volume pvc-2"):
            export_at(root).reap()

        assert (root / TRASH / "file").exists()


class TestShared:
    """The strictest action of all that shared a directory is carried out with the last."""

    @pytest.fixture
    def left(self, export: Leading) -> Leading:
        """One of two volumes left the directory, to be deleted."""
        published(export, "2", shared=True)
        trash(export, shared=True)
        return export

    @keeps
    def test_the_last_one_heeds_what_another_says_after_it_left(
        self, root: Path, left: Leading, action: Action, place: str
    ) -> None:
        assert reclaimed(left, action) == Moved(Outcome.SHARED, "team/data")

        assert reclaimed(left, Action.DELETE, "2").place == place
        assert (root / place / "file").exists()

    def test_retain_stays_when_it_is_weakened(self, left: Leading) -> None:
        reclaimed(left, Action.RETAIN)
        reclaimed(left, Action.ARCHIVE)

        assert reclaimed(left, Action.DELETE, "2").outcome is Outcome.RETAINED

    @keeps
    def test_the_last_one_takes_it_from_the_trash(
        self, root: Path, left: Leading, action: Action, place: str
    ) -> None:
        reclaimed(left, Action.DELETE, "2")

        assert reclaimed(left, action, "2").place == place
        assert (root / place / "file").exists()

    @kept
    def test_a_later_directory_of_the_path_obeys_its_own_volumes(
        self, root: Path, left: Leading, action: Action
    ) -> None:
        reclaimed(left, Action.DELETE, "2")
        published(left, "3", shared=True)
        assert not (root / "team/data/file").exists()

        assert reclaimed(left, action).outcome is Outcome.SHARED

        assert reclaimed(left, Action.DELETE, "3").outcome is Outcome.TRASHED
