"""Deleting, archiving and retaining: where the data is afterwards, and what must not happen."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast.claims.parameters import Action
from holdfast.exports import fencing
from holdfast.exports.errors import Unsafe
from holdfast.exports.interface import Moved, Outcome
from holdfast.exports.record import DirectoryTaken, State
from tests.unit.exports.given import (
    ID,
    Leading,
    adopted,
    found,
    listing,
    plan,
    published,
    touched,
    visible,
)


@pytest.fixture
def export(either: Leading) -> Leading:
    """All of this holds for each implementation of the interface."""
    return either


def live(export: Leading, root: Path, uid: str = "1", directory: str = "team/data") -> None:
    published(export, uid, directory)
    (root / directory / "file").write_text(f"data of {uid}")


def test_delete_puts_the_whole_directory_into_the_trash(root: Path, export: Leading) -> None:
    live(export, root)

    moved = export.reclaim("pvc-1", "1", Action.DELETE)

    assert moved == Moved(Outcome.TRASHED, ".holdfast/trash/pvc-1")
    assert (root / moved.place / "file").read_text() == "data of 1"
    assert visible(root) == []
    assert found(export).state is State.TRASHED
    assert found(export).target == moved.place
    assert export.recorded() == set()


def test_archive_renames_beside_the_others_at_the_root(root: Path, export: Leading) -> None:
    live(export, root)

    moved = export.reclaim("pvc-1", "1", Action.ARCHIVE)

    assert moved == Moved(Outcome.ARCHIVED, "archived-data")
    assert (root / "archived-data/file").read_text() == "data of 1"
    assert visible(root) == ["archived-data", "archived-data/file"]
    assert found(export).state is State.ARCHIVED
    assert found(export).target == "archived-data"
    assert found(export).moved.endswith("Z")


def test_retain_touches_nothing(root: Path, export: Leading) -> None:
    live(export, root)
    (root / "team/data/folder").mkdir()
    before = touched(root)

    moved = export.reclaim("pvc-1", "1", Action.RETAIN)

    assert moved == Moved(Outcome.RETAINED, "team/data")
    assert touched(root) == before
    assert found(export).state is State.RETAINED


@pytest.mark.parametrize("action", [Action.DELETE, Action.ARCHIVE])
def test_what_was_retained_stays_retained_whatever_is_said_later(
    root: Path, export: Leading, action: Action
) -> None:
    live(export, root)
    export.reclaim("pvc-1", "1", Action.RETAIN)
    before = touched(root)

    assert export.reclaim("pvc-1", "1", action).outcome == "retained"
    assert touched(root) == before


@pytest.mark.parametrize("action", Action)
def test_another_claims_uid_moves_nothing(root: Path, export: Leading, action: Action) -> None:
    live(export, root)
    before = listing(root)

    for volume, uid in (("pvc-1", "2"), ("pvc-1", ""), ("pvc-2", "1"), ("pvc-2", "2")):
        with pytest.raises(Unsafe, match=f"no record names volume {volume} and claim uid {uid}"):
            export.reclaim(volume, uid, action)
    assert listing(root) == before


@pytest.mark.parametrize("action", Action)
def test_a_directory_that_vanished_is_gone(root: Path, export: Leading, action: Action) -> None:
    published(export)
    (root / "team/data").rmdir()
    (root / "team").rmdir()

    assert export.reclaim("pvc-1", "1", action) == Moved(Outcome.GONE)
    assert visible(root) == []
    assert export.reclaim("pvc-1", "1", action) == Moved(Outcome.GONE)
    assert export.recorded() == set()


@pytest.mark.parametrize("directory", ["team", "team/data", "team/data/deeper"])
def test_an_inherited_volume_that_overlaps_one_of_ours_is_not_recorded(
    root: Path, export: Leading, directory: str
) -> None:
    """They blocked each other for ever."""
    live(export, root)

    with pytest.raises(DirectoryTaken):
        export.adopt(adopted("2", directory))

    assert export.reclaim("pvc-1", "1", Action.DELETE).outcome is Outcome.TRASHED


@pytest.mark.parametrize("action", Action)
def test_of_inherited_volumes_within_each_other_the_innermost_goes_first(
    root: Path, export: Leading, action: Action
) -> None:
    (root / "team/data/deeper").mkdir(parents=True)
    for uid, directory in (("1", "team/data"), ("2", "team"), ("3", "team/data/deeper")):
        export.adopt(adopted(uid, directory))
    before = listing(root)

    for uid in "12":
        with pytest.raises(DirectoryTaken):
            export.reclaim(f"pvc-{uid}", uid, action)
    assert listing(root) == before

    assert export.reclaim("pvc-3", "3", action).outcome is not Outcome.SHARED
    assert (root / "team/data").is_dir()
    assert (root / "team/data/deeper").exists() is (action is Action.RETAIN)


@pytest.mark.parametrize("action", Action)
def test_what_two_inherited_volumes_share_is_reclaimed_with_the_last(
    root: Path, export: Leading, action: Action
) -> None:
    """Rule 2: nfs-subdir let volumes share; they do not block each other for ever."""
    (root / "team/data").mkdir(parents=True)
    (root / "team/data/file").write_text("data")
    export.adopt(adopted("1"))
    export.adopt(adopted("2"))

    assert export.reclaim("pvc-1", "1", action) == Moved(Outcome.SHARED, "team/data")
    assert (root / "team/data/file").read_text() == "data"
    moved = export.reclaim("pvc-2", "2", action)
    assert (root / moved.place / "file").read_text() == "data"
    assert moved.outcome is not Outcome.SHARED


@pytest.mark.parametrize("action", Action)
def test_an_inherited_volume_does_not_lose_its_directory_with_one_of_ours(
    root: Path, export: Leading, action: Action
) -> None:
    (root / "team/data").mkdir(parents=True)
    export.adopt(adopted("1"))
    export.adopt(adopted("2", inherited=False))

    with pytest.raises(DirectoryTaken, match="pvc-2 of claim team/data-2"):
        export.reclaim("pvc-1", "1", action)
    assert (root / "team/data").is_dir()


def test_a_shared_directory_is_reclaimed_with_the_last(root: Path, export: Leading) -> None:
    for uid in "123":
        published(export, uid, shared=True)
    (root / "team/data/file").write_text("data")

    for uid in "12":
        moved = export.reclaim(f"pvc-{uid}", uid, Action.DELETE)
        assert moved == Moved(Outcome.SHARED, "team/data")
        assert (root / "team/data/file").read_text() == "data"
    assert export.recorded() == {"pvc-3"}
    assert export.reclaim("pvc-3", "3", Action.DELETE).outcome == "trashed"


@pytest.mark.parametrize("taken", ["directory", "empty directory", "file", "symlink", "volume"])
def test_an_archive_replaces_nothing(
    root: Path, export: Leading, outside: Path, taken: str
) -> None:
    live(export, root)
    place = root / "archived-data"
    if taken == "file":
        place.write_text("a file")
    elif taken == "symlink":
        place.symlink_to(outside / "folder")
    elif taken == "volume":
        published(export, "2", "archived-data")
    else:
        place.mkdir()
        if taken == "directory":
            (place / "file").write_text("of others")
    before = touched(place)

    moved = export.reclaim("pvc-1", "1", Action.ARCHIVE)

    assert moved.place.startswith("archived-data-20")
    assert (root / moved.place / "file").read_text() == "data of 1"
    assert touched(place) == before


def test_a_directory_that_is_only_planned_is_no_place_for_an_archive(
    root: Path, export: Leading
) -> None:
    live(export, root)
    published(export, "2", "archived-data/within")
    (root / "archived-data/within").rmdir()
    (root / "archived-data").rmdir()

    moved = export.reclaim("pvc-1", "1", Action.ARCHIVE)

    assert moved.place.startswith("archived-data-20")


def test_archives_of_equal_names_within_a_second_have_each_their_own(
    root: Path, export: Leading
) -> None:
    places = set()
    for number in range(5):
        live(export, root, str(number), f"team-{number}/data")
        places.add(export.reclaim(f"pvc-{number}", str(number), Action.ARCHIVE).place)

    assert len(places) == 5
    assert {(root / place / "file").read_text() for place in places} == {
        f"data of {number}" for number in range(5)
    }


@pytest.mark.parametrize("path", ["archived-data", "archived-data/within"])
def test_nobody_gets_an_archive_as_a_volume(root: Path, export: Leading, path: str) -> None:
    live(export, root)
    export.reclaim("pvc-1", "1", Action.ARCHIVE)

    for succeeds in ([], ["pvc-1"]):
        with pytest.raises(DirectoryTaken) as caught:
            export.create(plan("2", path), succeeds)
        assert [record.state for record in caught.value.records] == [State.ARCHIVED]


@pytest.mark.parametrize("action", [Action.DELETE, Action.ARCHIVE])
def test_the_path_is_free_again_and_empty(root: Path, export: Leading, action: Action) -> None:
    live(export, root)
    export.reclaim("pvc-1", "1", action)

    assert not export.create(plan("2")).found
    assert list((root / "team/data").iterdir()) == []


def test_a_volume_that_is_in_the_trash_is_not_made_again_until_that_is_empty(
    root: Path, export: Leading
) -> None:
    live(export, root)
    export.reclaim("pvc-1", "1", Action.DELETE)

    with pytest.raises(DirectoryTaken):
        export.create(plan())
    assert export.reap(lambda _: True) == 0
    live(export, root)
    assert export.reclaim("pvc-1", "1", Action.DELETE).outcome == "trashed"


@pytest.mark.parametrize("empty", [True, False])
def test_what_somebody_put_into_the_trash_is_not_replaced(
    root: Path, export: Leading, *, empty: bool
) -> None:
    live(export, root)
    place = root / ".holdfast/trash/pvc-1"
    place.mkdir()
    if not empty:
        (place / "file").write_text("of others")

    with pytest.raises(Unsafe, match="trash/pvc-1' already exists: remove it"):
        export.reclaim("pvc-1", "1", Action.DELETE)
    assert (root / "team/data/file").read_text() == "data of 1"


@pytest.mark.parametrize("then", Action)
@pytest.mark.parametrize("first", [Action.DELETE, Action.ARCHIVE])
def test_another_action_after_a_crash_ends_what_was_begun(
    root: Path, export: Leading, first: Action, then: Action
) -> None:
    live(export, root)
    before = (root / ".holdfast/volumes/pvc-1").read_bytes()
    mark = root / ".holdfast/directories/team/.holdfast/data"
    done = export.reclaim("pvc-1", "1", first)
    if first is Action.DELETE:  # as it is between the rename and the record's
        (root / ".holdfast/trashed/pvc-1").unlink()
        (root / ".holdfast/volumes/pvc-1").write_bytes(before)
    else:
        archived = (root / ".holdfast/volumes/pvc-1").read_text()
        (root / ".holdfast/volumes/pvc-1").write_text(archived.replace('"archived",', '"live",'))
    mark.mkdir(parents=True)
    (mark / "pvc-1").touch()

    moved = Leading(root).reclaim("pvc-1", "1", then)

    if first is Action.DELETE and then is Action.RETAIN:
        done = Moved(Outcome.RETAINED, "team/data")
    elif first is Action.DELETE and then is Action.ARCHIVE:
        done = Moved(Outcome.ARCHIVED, "archived-data")
    assert moved == done
    assert (root / done.place / "file").read_text() == "data of 1"


@pytest.mark.parametrize("then", Action)
def test_another_action_after_an_archive_that_failed_forgets_its_name(
    root: Path, export: Leading, then: Action
) -> None:
    live(export, root)
    record = root / ".holdfast/volumes/pvc-1"
    record.write_text(record.read_text().replace('"target": ""', '"target": "archived-data"'))
    mark = root / ".holdfast/directories/archived-data"
    mark.mkdir(parents=True)
    (mark / "pvc-1").touch()

    moved = export.reclaim("pvc-1", "1", then)

    assert (root / moved.place / "file").read_text() == "data of 1"
    assert mark.exists() is (then is Action.ARCHIVE)
    assert found(export).target == ("" if then is Action.RETAIN else moved.place)


def test_a_volume_at_the_place_of_an_archive_that_never_came_is_not_taken_for_it(
    root: Path, export: Leading
) -> None:
    published(export)
    record = root / ".holdfast/volumes/pvc-1"
    record.write_text(record.read_text().replace('"target": ""', '"target": "archived-data"'))
    (root / "team/data").rmdir()
    live(export, root, "2", "archived-data")

    assert export.reclaim("pvc-1", "1", Action.ARCHIVE) == Moved(Outcome.GONE)
    assert found(export, "2").state is State.LIVE
    assert (root / "archived-data/file").read_text() == "data of 2"


@pytest.mark.parametrize("directory", ["team/data", "team", "team/data/deeper"])
def test_what_a_record_accounts_for_is_no_orphan(
    root: Path, export: Leading, directory: str
) -> None:
    published(export)
    (root / "team/data/deeper").mkdir()

    assert export.exports.has_orphan(directory) is False


@pytest.mark.parametrize(("directory", "is_there"), [("other", True), ("team/other", False)])
def test_what_no_record_accounts_for_is_an_orphan_where_anything_is_there(
    root: Path, export: Leading, directory: str, *, is_there: bool
) -> None:
    published(export)
    (root / "other").mkdir()

    assert export.exports.has_orphan(directory) is is_there


@pytest.mark.parametrize(
    ("directory", "is_there"),
    [("team/data", True), ("other", True), ("team/other", False), ("link/data", False)],
)
def test_a_directory_is_found_whether_or_not_it_is_recorded(
    root: Path, export: Leading, directory: str, *, is_there: bool
) -> None:
    published(export)
    (root / "other").mkdir()
    (root / "link").symlink_to(root / "team")

    assert export.exports.has_directory(directory) is is_there


def test_a_record_is_forgotten_once_its_directory_is_gone(root: Path, export: Leading) -> None:
    before = listing(root)
    published(export)
    assert export.exports.forget(export.grant, "pvc-1") is False
    (root / "team/data").rmdir()

    assert export.exports.forget(export.grant, "pvc-1") is True

    assert listing(root) == before
    assert export.exports.forget(export.grant, "pvc-1") is True


def test_that_of_a_directory_in_the_making_or_in_the_trash_is_not(
    root: Path, export: Leading
) -> None:
    export.create(plan("1"))
    (root / "team/data").rmdir()
    published(export, "2", "team/other")
    export.reclaim("pvc-2", "2", Action.DELETE)

    assert export.exports.forget(export.grant, "pvc-1") is False
    assert export.exports.forget(export.grant, "pvc-2") is False


def test_that_of_a_directory_that_a_late_call_moved_is_not(root: Path, export: Leading) -> None:
    """A sweep moves it back."""
    published(export)
    folder = root / f".holdfast/terms/another.nfs/9.{ID}"
    folder.mkdir(parents=True)
    for place in (folder / f"{fencing.MOVING}pvc-1", root / ".holdfast/trash/pvc-1"):
        (root / "team/data").rename(place)

        assert export.exports.forget(export.grant, "pvc-1") is False

        place.rename(root / "team/data")
