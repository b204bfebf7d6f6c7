"""What Holdfast does not make, among its own entries: it is reported, and everything else works."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest

from holdfast.claims.parameters import Action
from holdfast.exports.errors import Fenced, Unsafe
from holdfast.exports.export import Export
from holdfast.exports.interface import Leader, Outcome
from tests.unit.exports.faults import refuse_to_open
from tests.unit.exports.given import ID, Leading, export_at, found, listing, plan, published

TERMS = ".holdfast/terms/cluster.nfs"

Forge = Callable[[Path], None]


def a_file(path: Path) -> None:
    path.write_text("x")


def a_folder(path: Path) -> None:
    path.mkdir()


def a_full_folder(path: Path) -> None:
    (path / "sub").mkdir(parents=True)


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


def a_symlink(path: Path) -> None:
    path.symlink_to("/nowhere/../..")


ANYTHING = pytest.mark.parametrize(
    "forge",
    [a_file, a_folder, a_full_folder, a_pipe, a_symlink],
    ids=lambda forge: forge.__name__,
)


def kind_of(path: Path) -> tuple[int, int]:
    """What a path is: the kind and the inode of what it names, not of what it leads to."""
    status = path.lstat()
    return status.st_mode, status.st_ino


def misplaced(root: Path, export: Leading) -> None:
    """A live volume's directory is in the trash, as a late call leaves it."""
    published(export)
    (root / "team/data").rename(root / ".holdfast/trash/pvc-1")


def assert_works(root: Path, export: Leading) -> None:
    """The sweep moves the directory back, and new ones are made."""
    for _ in range(2):
        export.exports.sweep(export.grant)
    assert (root / "team/data").is_dir()
    published(export, "2", "team/two")


def own_term(root: Path, export: Leading) -> Path:
    term = export.grant.term
    return root / TERMS / f"{term.number}.{term.export}"


@pytest.mark.parametrize(
    "target",
    [
        "/etc",
        "a//b",
        "../../outside/folder",
        "x" * 300,
        ".holdfast/trash",
        "a\nb",
        b"\xff".decode("utf-8", "surrogateescape"),
    ],
)
def test_an_intent_for_no_usable_path_is_reported_and_left(
    root: Path, export: Leading, target: str
) -> None:
    misplaced(root, export)
    (own_term(root, export) / "+pvc-3").symlink_to(target)

    (reported,) = export.begin().unresolved

    assert f"{TERMS}/2." in reported
    assert "+pvc-3" in reported
    assert reported.encode().decode() == reported
    assert_works(root, export)
    assert (own_term(root, export) / "+pvc-3").readlink() == Path(target)


@ANYTHING
@pytest.mark.parametrize(
    "name", ["+pvc-9", "-pvc-9", "+", "-", "+UPPER", "stray", "~1", "-pvc-9~1"]
)
def test_what_is_no_entry_of_a_term_stops_nothing(
    root: Path, export: Leading, name: str, forge: Forge
) -> None:
    misplaced(root, export)
    forge(own_term(root, export) / name)

    for number in (2, 3):
        assert export.begin().term.number == number
    assert_works(root, export)


@ANYTHING
@pytest.mark.parametrize("name", ["+", "+UPPER", "-UPPER", "stray"])
def test_what_is_no_entry_of_a_term_is_reported_and_left(
    root: Path, export: Leading, name: str, forge: Forge
) -> None:
    path = own_term(root, export) / name
    forge(path)
    before = kind_of(path)

    took = export.begin()
    export.exports.sweep(export.grant)

    (reported,) = took.unresolved
    assert repr(name) in reported
    assert took.moving == ()
    assert kind_of(own_term(root, export) / name) == before


def test_a_directory_on_its_way_to_the_trash_does_not_stop_the_sweep(
    root: Path, export: Leading
) -> None:
    """Its record may be among those of the trash already, with a path of Holdfast's own."""
    misplaced(root, export)
    published(export, "3", "other")
    (root / ".holdfast/volumes/pvc-3").rename(root / ".holdfast/trashed/pvc-3")
    (root / "other").rename(own_term(root, export) / "-pvc-3")

    export.begin()

    assert_works(root, export)


@pytest.mark.parametrize(
    "forge", [a_folder, a_full_folder, a_pipe, a_symlink], ids=lambda forge: forge.__name__
)
def test_a_probe_that_is_no_file_is_reported_and_left(
    root: Path, export: Leading, forge: Forge
) -> None:
    misplaced(root, export)
    odd, left = (root / ".holdfast" / name for name in (".probe-a", ".probe-b"))
    forge(odd)
    left.touch()
    before = kind_of(odd)

    (reported,) = export.begin().unresolved

    assert ".holdfast/.probe-a" in reported
    assert_works(root, export)
    assert kind_of(odd) == before
    assert not left.exists()


def test_a_probe_that_cannot_be_removed_does_not_stop_the_sweep(
    root: Path, export: Leading, monkeypatch: pytest.MonkeyPatch
) -> None:
    misplaced(root, export)
    (root / ".holdfast/.probe-a").touch()
    unlink = os.unlink

    def fail(name: str, **folder: int) -> None:
        if name == ".probe-a":
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        unlink(name, **folder)

    monkeypatch.setattr(os, "unlink", fail)

    assert_works(root, export)


@pytest.mark.parametrize("forge", [a_file, a_pipe, a_symlink], ids=lambda forge: forge.__name__)
def test_a_reserve_that_is_no_folder_is_reported_and_left(
    root: Path, export: Leading, forge: Forge
) -> None:
    misplaced(root, export)
    stray = root / ".holdfast/reserve"
    forge(stray)
    before = kind_of(stray)

    (reported,) = export.begin().unresolved

    assert reported.startswith("cannot use .holdfast/reserve (")
    assert_works(root, export)
    assert kind_of(stray) == before


def test_a_reserve_that_cannot_be_read_is_reported(
    root: Path, export: Leading, monkeypatch: pytest.MonkeyPatch
) -> None:
    misplaced(root, export)
    export.exports.sweep(export.grant)
    reserve, listdir = (root / ".holdfast/reserve").stat().st_ino, os.listdir

    def fail(path: int) -> list[str]:
        if os.stat(path).st_ino == reserve:
            raise OSError(errno.EACCES, os.strerror(errno.EACCES))
        return listdir(path)

    monkeypatch.setattr(os, "listdir", fail)

    (reported,) = export.begin().unresolved

    assert ".holdfast/reserve (Permission denied" in reported
    assert_works(root, export)


@ANYTHING
@pytest.mark.parametrize("name", ["00", "stray"])
def test_what_is_no_file_of_the_reserve_is_reported_and_left(
    root: Path, export: Leading, name: str, forge: Forge
) -> None:
    misplaced(root, export)
    (root / ".holdfast/reserve").mkdir()
    stray = root / ".holdfast/reserve" / name
    forge(stray)
    before = kind_of(stray)

    reported = export.begin().unresolved

    is_ours = (name, forge) == ("00", a_file)
    assert [f"'{name}' in .holdfast/reserve" in one for one in reported] == [True] * (not is_ours)
    assert_works(root, export)
    assert kind_of(stray) == before


@pytest.mark.parametrize("written", [b"\\ud800", b"\xed\xa0\x80"])
@pytest.mark.parametrize("field", [b"data-1", b"nfs", b"1Gi"])
def test_a_record_with_half_a_character_is_unreadable(
    root: Path, export: Leading, field: bytes, written: bytes
) -> None:
    """No message or answer with it could be encoded."""
    published(export)
    path = root / ".holdfast/volumes/pvc-1"
    path.write_bytes(path.read_bytes().replace(b'"' + field + b'"', b'"' + written + b'"'))

    with pytest.raises(Unsafe, match="cannot parse the record") as caught:
        export.create(plan("2", "team/data"))

    assert caught.value.message.encode()
    published(export, "3", "other")


def test_a_record_with_a_whole_character_in_two_halves_is_read(root: Path, export: Leading) -> None:
    published(export)
    path = root / ".holdfast/volumes/pvc-1"
    path.write_text(path.read_text().replace('"1Gi"', r'"\ud83d\ude00"'))

    assert found(export).size == "\N{GRINNING FACE}"


@pytest.mark.parametrize("forge", [a_file, a_pipe, a_symlink], ids=lambda forge: forge.__name__)
def test_a_number_that_a_stray_has_is_not_used(root: Path, export: Leading, forge: Forge) -> None:
    misplaced(root, export)
    stray = root / TERMS / f"2.{ID}"
    forge(stray)
    before = kind_of(stray)

    took = export.begin()

    assert took.term.number == 3
    assert any(stray.name in reported for reported in took.unresolved)
    assert kind_of(stray) == before
    assert_works(root, export)
    assert export.begin().term.number == 4


@pytest.mark.parametrize("number", ["9" * (254 - len(ID)), "1" + "0" * 18, "٣٣", "007"])
@ANYTHING
def test_a_number_that_no_term_has_is_reported_and_left(
    root: Path, export: Leading, number: str, forge: Forge
) -> None:
    misplaced(root, export)
    stray = root / TERMS / f"{number}.{ID}"
    forge(stray)
    before = kind_of(stray)

    took = export.begin()

    assert took.term.number == 2
    assert [stray.name in reported for reported in took.unresolved] == [True]
    assert kind_of(stray) == before
    assert_works(root, export)
    assert export.begin().term.number == 3


def test_no_term_begins_beyond_the_last_number(root: Path, export: Leading) -> None:
    """The next beginning would not know its term, and not fence it."""
    export.begin()
    (root / TERMS / f"{'9' * 18}.{ID}").mkdir()

    with pytest.raises(Unsafe, match=f"no term number is left after {'9' * 18}"):
        export.begin()


@ANYTHING
@pytest.mark.parametrize("name", [".spare", ".new-abc"])
def test_what_is_no_draft_of_a_term_stops_no_beginning(
    root: Path, export: Leading, name: str, forge: Forge
) -> None:
    misplaced(root, export)
    stray = root / TERMS / name
    remove_spare(root)
    forge(stray)

    for number in (2, 3, 4):
        assert export.begin().term.number == number
    assert_works(root, export)


@pytest.mark.parametrize(
    ("name", "forge"),
    [
        *product([".spare", ".new-abc", "other"], [a_file, a_full_folder, a_pipe, a_symlink]),
        *product([".ended-x", ".left-x"], [a_file, a_pipe, a_symlink]),
    ],
)
def test_what_is_no_folder_of_a_term_is_reported_and_left(
    root: Path, export: Leading, name: str, forge: Forge
) -> None:
    export.begin()
    stray = root / TERMS / name
    if name == ".spare":
        remove_spare(root)
    forge(stray)
    before = kind_of(stray)

    (reported,) = export.begin().unresolved

    assert f"{TERMS}/{name}" in reported
    assert kind_of(stray) == before


def test_a_full_export_can_be_led_again_beside_a_stray_spare_folder(
    root: Path, export: Leading, monkeypatch: pytest.MonkeyPatch
) -> None:
    export.begin()
    remove_spare(root)
    a_file(root / TERMS / ".spare")
    export.exports.sweep(export.grant)
    number = export.grant.term.number

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for name in ("mkdir", "symlink", "write"):
        monkeypatch.setattr(os, name, refuse)
    assert export.begin().term.number == number + 1


def test_a_stray_does_not_keep_a_term_from_being_set_aside(root: Path, export: Leading) -> None:
    """The name for it is taken, and what cannot be moved has too long a name."""
    a_full_folder(own_term(root, export) / (".draft-" + "x" * 240))
    a_file(root / TERMS / f".ended-{own_term(root, export).name}")

    assert export.begin().term.number == 2
    assert export.begin().term.number == 3


NO_TERMS = pytest.mark.parametrize(
    "name",
    [
        *(f"1.{ID}.bak", f"1.{ID} (copy)", "1.", "7", "7._old", f"1.{'a' * 65}"),
        *(f".ended-1.{ID}.bak", ".ended-old", ".ended-"),
    ],
)


@NO_TERMS
def test_a_folder_that_no_term_has_is_reported_and_left(
    root: Path, export: Leading, name: str
) -> None:
    """As an administrator's copy of a term's folder."""
    misplaced(root, export)
    stray = root / TERMS / name
    (stray / "-pvc-3").mkdir(parents=True)
    (stray / "notes").write_text("a person's")
    before = listing(stray), kind_of(stray)

    took = export.begin()

    assert took.moving == ()
    assert [f"{TERMS}/{name}: Holdfast leaves it" in reported for reported in took.unresolved] == [
        True
    ]
    assert_works(root, export)
    export.begin()
    assert (listing(stray), kind_of(stray)) == before


@NO_TERMS
def test_a_folder_that_no_term_has_and_that_cannot_be_opened_stops_no_beginning(
    root: Path, export: Leading, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    misplaced(root, export)
    (root / TERMS / name).mkdir()
    refuse_to_open(monkeypatch, name)
    number = export.grant.term.number

    assert export.begin().term.number > number
    assert_works(root, export)


def test_the_number_of_a_terms_folder_that_a_person_renamed_is_not_given_again(
    root: Path, export: Leading
) -> None:
    """A late call of the former leader would find the new term's folder at its path."""
    export.begin()
    folder = own_term(root, export)
    folder.rename(f"{folder}.bak")
    former = export.grant

    assert export.begin().term.number == former.term.number + 1
    with pytest.raises(Fenced):
        export.exports.create(former, plan())


def test_a_stray_among_a_former_names_terms_is_left_and_no_reason_for_a_new_one(
    root: Path, export: Leading
) -> None:
    export.begin()
    stray = root / TERMS / f"1.{ID}.bak"
    stray.mkdir()
    leader = Leader("cluster", "new", ("nfs",))

    for _ in range(2):
        took = Export(root).begin(leader)
        assert [stray.name in reported for reported in took.unresolved] == [True]
        assert sorted(path.name for path in (root / TERMS).glob("[0-9]*")) == [
            stray.name,
            "2._ended",
        ]


NO_LEADERS = pytest.mark.parametrize(
    "name", ["@eaDir", "old", "lost+found", ".snapshot", "@Recycle.bak", "old copy.nfs"]
)


@NO_LEADERS
@ANYTHING
def test_what_is_no_leaders_folder_is_reported_and_left(
    root: Path, export: Leading, name: str, forge: Forge
) -> None:
    misplaced(root, export)
    stray = root / ".holdfast/terms" / name
    forge(stray)
    before = kind_of(stray)

    (reported,) = export.begin().unresolved

    assert f".holdfast/terms/{name}: Holdfast leaves it" in reported
    assert kind_of(stray) == before
    assert_works(root, export)


def test_a_file_with_the_name_of_a_leaders_folder_is_reported(root: Path, export: Leading) -> None:
    (root / ".holdfast/terms").mkdir()
    (root / ".holdfast/terms/another.nfs").touch()

    (reported,) = export.begin().unresolved

    assert ".holdfast/terms/another.nfs" in reported


@NO_LEADERS
def test_the_trash_is_emptied_beside_a_stray_folder_among_the_leaders(
    root: Path, name: str
) -> None:
    """A NAS makes its `@eaDir` in every folder; the cluster's uid may be unreadable."""
    export = export_at(root, cluster="")
    published(export)
    export.reclaim("pvc-1", "1", Action.DELETE)
    (root / ".holdfast/terms" / name).mkdir()

    assert export.reap() == 0


@NO_LEADERS
def test_an_unfinished_volume_is_settled_beside_a_stray_folder_among_the_leaders(
    root: Path, name: str
) -> None:
    export = export_at(root, cluster="")
    export.create(plan())
    (root / ".holdfast/terms" / name).mkdir()

    assert [record.volume for record in export.unconfirmed()] == ["pvc-1"]


@pytest.mark.parametrize(
    "name",
    ["a-b-c.other", "another.example.com-nfs", "another.nfs.bak", f"another.{'n' * 240}-0a1b"],
)
def test_a_folder_that_may_be_another_clusters_counts_as_one(root: Path, name: str) -> None:
    """Its records of unknown origin must not be taken for ours."""
    export = export_at(root, cluster="")
    export.create(plan())
    export.begin()
    (root / ".holdfast/terms" / name).mkdir()

    took = export.begin()

    assert took.unfinished == ()
    assert took.unresolved == ()


def test_what_counts_as_a_cluster_is_named_where_records_are_left_for_it(root: Path) -> None:
    """A folder that an administrator made may have the name of a leader's."""
    export = export_at(root, cluster="")
    published(export)
    export.reclaim("pvc-1", "1", Action.DELETE)
    (root / ".holdfast/terms/old.bak").mkdir()

    (blocked,) = export.exports.reap(export.grant, "pvc-1", 100).blocked

    assert "several clusters use this export (old, by the folders in .holdfast/terms)" in blocked
    assert "move a folder that is not a leader's elsewhere" in blocked


def test_a_stray_folder_among_the_leaders_that_cannot_be_opened_stops_no_reclaim(
    root: Path, export: Leading, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The directory that is gone is looked for in the terms of all leaders."""
    published(export)
    (root / "team/data").rmdir()
    (root / ".holdfast/terms/lost+found").mkdir()
    refuse_to_open(monkeypatch, "lost+found")

    assert export.reclaim("pvc-1", "1", Action.DELETE).outcome is Outcome.GONE


def remove_spare(root: Path) -> None:
    spare = root / TERMS / ".spare"
    (spare / ".term").unlink()
    spare.rmdir()
