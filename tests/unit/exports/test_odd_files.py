"""Files among the records that are no records: each troubles its own volume, or nobody."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from holdfast.claims.parameters import Action
from holdfast.exports.errors import ExportUnavailable, Unsafe
from holdfast.exports.export import Export
from holdfast.exports.tree import HALF_MADE, LONGEST_FILE
from tests.unit.exports.given import ID, Leading, adopted, found, plan, published, visible


def nested(path: Path) -> None:
    path.write_text("[" * 100_000)


def nested_within_what_later_versions_may_add(path: Path) -> None:
    text = adopted("1").dump().decode()
    path.write_text(text.replace("{", '{"later": ' + "[" * 200 + "]" * 200 + ",", 1))


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


def a_gibibyte(path: Path) -> None:
    path.touch()
    os.truncate(path, 1 << 30)


def a_symlink(path: Path) -> None:
    path.symlink_to("/dev/zero")


def a_directory(path: Path) -> None:
    path.mkdir()


def a_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(path))


SPOILT = [
    nested,
    nested_within_what_later_versions_may_add,
    a_pipe,
    a_gibibyte,
    a_symlink,
    a_directory,
    a_socket,
]


@pytest.fixture(params=SPOILT, ids=lambda spoil: spoil.__name__)
def spoil(request: pytest.FixtureRequest) -> Callable[[Path], None]:
    """Puts something at the path of a record that is none."""
    made: Callable[[Path], None] = request.param
    return made


@pytest.fixture(params=["creating", "volumes", "trashed"])
def folder(request: pytest.FixtureRequest) -> str:
    """Where records are kept."""
    return str(request.param)


def test_what_is_no_record_stops_only_its_own_volume(
    root: Path, either: Leading, spoil: Callable[[Path], None], folder: str
) -> None:
    published(either, "2", "other")
    begun = either.create(plan("3", "third"))
    spoil(root / ".holdfast" / folder / "pvc-1")
    (root / ".holdfast/trash/pvc-1").mkdir()

    assert either.unconfirmed() == [begun]
    assert either.exports.sweep(either.grant) == ()
    for call in (
        lambda: either.find("pvc-1"),
        lambda: either.create(plan("1", "first")),
        lambda: either.reclaim("pvc-1", "1", Action.DELETE),
    ):
        with pytest.raises(Unsafe, match=rf"\.holdfast/{folder}/pvc-1.*from a backup"):
            call()
    either.confirm("pvc-3")
    either.reclaim("pvc-2", "2", Action.DELETE)
    assert visible(root) == ["third"]


def test_a_stray_file_among_the_records_may_be_removed(root: Path, export: Leading) -> None:
    (root / ".holdfast/trashed/notes").write_text("not JSON")

    with pytest.raises(
        Unsafe,
        match=r"\.holdfast/trashed/notes \(.*\): restore it from a backup or, if there is no "
        "volume notes, remove it",
    ):
        export.find("notes")


def test_a_copy_of_another_record_is_named_with_its_path(root: Path, export: Leading) -> None:
    published(export, "1", "data")
    records = root / ".holdfast/volumes"
    (records / "pvc-2").write_bytes((records / "pvc-1").read_bytes())

    with pytest.raises(
        Unsafe, match=r"the record \.holdfast/volumes/pvc-2 names volume 'pvc-1': re"
    ):
        export.find("pvc-2")


def test_what_is_no_record_does_not_keep_an_export_from_being_accepted(
    root: Path, export: Leading, spoil: Callable[[Path], None], folder: str
) -> None:
    published(export, "2", "other")
    (root / "other").rename(root / "aside")
    (root / "other").mkdir()
    spoil(root / ".holdfast" / folder / "pvc-1")

    Export(root).accept(ID)

    assert found(export, "2").inode.number == (root / "other").stat().st_ino


def test_an_export_whose_id_is_no_such_file_is_unavailable(
    root: Path, export: Leading, spoil: Callable[[Path], None]
) -> None:
    (root / ".holdfast/export").unlink()
    spoil(root / ".holdfast/export")

    for call in (export.exports.inspect, export.probe, export.begin):
        with pytest.raises(ExportUnavailable, match=r"cannot parse \.holdfast/export"):
            call()


@pytest.mark.parametrize(
    "number", ["1e999", "1" * 5000, "[]", '"\u0662"', '"2"', "2.5", "true", "0", "NaN"]
)
def test_an_export_whose_format_is_no_number_is_unavailable(
    root: Path, export: Leading, number: str
) -> None:
    (root / ".holdfast/export").write_text(f'{{"id": "{ID}", "format": {number}}}')

    with pytest.raises(ExportUnavailable, match=r"cannot parse \.holdfast/export"):
        export.exports.inspect()


def test_an_export_whose_id_was_removed_for_it_is_accepted(root: Path, export: Leading) -> None:
    """As the message for one that cannot be read says."""
    published(export)
    (root / ".holdfast/export").unlink()

    Export(root).accept(ID)

    assert Leading(root).exports.inspect().id == ID


def test_a_record_that_could_not_be_read_again_is_not_written(either: Leading) -> None:
    published(either, "1", "data")
    record = adopted("2", "more", unknown={"later": "x" * LONGEST_FILE})

    with pytest.raises(Unsafe, match=r"the record of volume pvc-2 would have .* bytes, more than"):
        either.adopt(record)
    assert either.recorded() == {"pvc-1"}


A_VOLUMES = "pvc-2.bak"  # which a PersistentVolume may be called
ODD = [
    ".DS_Store",
    "._pvc-2",
    ".nfs000000000001",
    ".pvc-2.swp",
    "pvc-2~",
    "#pvc-2#",
    "Thumbs.db",
    "pvc 2 (copy)",
    "pvc-2@eaDir",
    A_VOLUMES,
    os.fsdecode(b"\xff"),
]
FOLDERS = [
    "",
    "creating",
    "volumes",
    "trashed",
    "trash",
    "directories",
    "directories/team",
    "directories/team/.holdfast",
    "directories/team/.holdfast/data",
    "terms",
    "terms/cluster.nfs",
]


@pytest.mark.parametrize("place", FOLDERS)
def test_files_that_others_leave_among_ours_are_ignored(
    root: Path, export: Leading, place: str
) -> None:
    published(export)
    for name in ODD:
        (root / ".holdfast" / place / name).write_text("")

    begun = export.create(plan("2", "team/other"))
    assert export.unconfirmed() == [begun]
    export.confirm("pvc-2")
    export.reclaim("pvc-1", "1", Action.DELETE)
    export.reclaim("pvc-2", "2", Action.DELETE)
    assert export.exports.sweep(export.grant) == ()
    assert set(export.exports.trashed()) - {A_VOLUMES} == {"pvc-1", "pvc-2"}
    assert set(visible(root)) <= {"team"}  # a parent stays where its notes cannot be removed


@pytest.mark.parametrize("name", ["1.bak", "7.bak", "99"])
def test_files_that_are_called_as_terms_are_none(root: Path, export: Leading, name: str) -> None:
    term = export.begin().term
    (root / ".holdfast/terms/cluster.nfs" / name).write_text("")

    assert export.begin().term.number == term.number + 1


def test_an_intent_that_leads_out_of_the_export_stops_only_its_own_volume(
    root: Path, export: Leading
) -> None:
    begun = export.create(plan("2", "other"))
    (own,) = root.glob(".holdfast/terms/cluster.nfs/[0-9]*")
    (own / "+pvc-3").symlink_to("../../outside/folder")

    assert export.unconfirmed() == [begun]
    with pytest.raises(Unsafe, match=r"has the component '\.\.'"):
        export.create(plan("3", "third"))
    export.confirm("pvc-2")


def test_a_sweep_goes_on_past_a_path_whose_marks_are_no_folder(root: Path, export: Leading) -> None:
    for name in ("odd/data", "other"):
        export.create(plan("1", name))
        export.undo("pvc-1")
        (root / name).mkdir(0o700, parents=True)  # a late call's
        (root / name).chmod(HALF_MADE)
    (root / ".holdfast/directories/odd").symlink_to("/dev/null")

    export.exports.sweep(export.grant)

    assert visible(root) == ["odd", "odd/data"]
