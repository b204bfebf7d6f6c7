"""An archive that was begun, whose volume is gone or is not to be reclaimed any more (rule 4)."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast.claims.parameters import Action
from holdfast.exports.interface import Outcome
from holdfast.exports.record import State
from tests.unit.exports.given import Leading, found, published, visible
from tests.unit.exports.operations import OPERATIONS

AIMED = OPERATIONS["put back what was to be archived"]
COMPLETE = OPERATIONS["put back what is archived but for its record"]


def ended(export: Leading) -> str:
    return export.exports.move_back(export.grant, "pvc-1")


def marks(root: Path) -> list[str]:
    """The paths that are marked as the volume's."""
    folder = root / ".holdfast" / "directories"
    return sorted(str(mark.parent.relative_to(folder)) for mark in folder.rglob("pvc-1"))


def test_the_name_and_the_placeholder_of_an_archive_go(root: Path, either: Leading) -> None:
    AIMED.before(either, root)

    assert ended(either) == ""

    assert found(either).in_place
    assert visible(root) == ["team", "team/data", "team/data/file"]
    assert marks(root) == ["team/.holdfast/data"]
    assert either.reclaim("pvc-1", "1", Action.DELETE).outcome is Outcome.TRASHED


def test_an_archive_that_is_complete_is_recorded_as_one(root: Path, either: Leading) -> None:
    COMPLETE.before(either, root)

    assert ended(either) == ""

    assert found(either).state is State.ARCHIVED
    assert visible(root) == ["archived-data", "archived-data/file"]
    assert marks(root) == ["archived-data"]


def test_where_the_directory_is_at_neither_place_its_record_stays(
    root: Path, export: Leading
) -> None:
    """It may yet come to light; the record says where it was to be."""
    AIMED.before(export, root)
    (root / "team/data").rename(root / "elsewhere")
    before = found(export)

    assert ended(export) == ""

    assert found(export) == before


def test_another_clusters_archive_is_left_to_it(root: Path, export: Leading) -> None:
    """It may be in the middle of it, and have a volume of this name too."""
    AIMED.before(export, root)
    before = found(export)

    assert ended(Leading(root, cluster="another")) == ""

    assert found(export) == before
    assert (root / "archived-data").is_dir()


@pytest.mark.parametrize("action", [Action.DELETE, Action.ARCHIVE, Action.RETAIN])
def test_what_is_reclaimed_already_stays_so(export: Leading, action: Action) -> None:
    published(export)
    export.reclaim("pvc-1", "1", action)
    before = found(export)

    assert ended(export) == ""

    assert found(export) == before


def test_a_volume_without_a_record_needs_nothing(export: Leading) -> None:
    assert ended(export) == ""
