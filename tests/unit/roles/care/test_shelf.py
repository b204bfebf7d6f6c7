"""A snapshot is put in as a whole or not at all, and only the timer's own are removed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from ansible_collections.holdfast.nfs.plugins.module_utils.care import shelf, snapshot_file
from ansible_collections.holdfast.nfs.plugins.module_utils.care.errors import Trouble
from ansible_collections.holdfast.nfs.plugins.module_utils.care.shelf import Shelf

from tests.unit.roles.care.given import NOW, snapshot


def filled(folder: Path, count: int, keep: int = 2) -> Shelf:
    """A shelf with so many snapshots, an hour between them."""
    made = Shelf(folder, "control", keep, "c1")
    for number in range(count):
        made.add([snapshot(bytes([number]))], NOW + timedelta(hours=number))
    return made


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def test_a_snapshot_is_for_root_alone(tmp_path: Path) -> None:
    path = Shelf(tmp_path, "control", 1, "c1").add([snapshot()[:700], snapshot()[700:]], NOW)

    assert path.name == "etcd-control-20261128T120000Z.db"
    assert path.read_bytes() == snapshot()
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is no snapshot of etcd"),
        (b"<html>an error</html>" * 200, "is no snapshot of etcd"),
        (snapshot()[:-32], "no checksum is behind its database"),
        (snapshot()[:-1], "no checksum is behind its database"),
        (snapshot()[:1024] + snapshot()[1536:], "was damaged"),
    ],
    ids=["empty", "something else", "of etcd's own file", "cut off", "a page is missing"],
)
def test_what_is_no_whole_snapshot_is_refused(tmp_path: Path, content: bytes, why: str) -> None:
    own = Shelf(tmp_path, "control", 1, "c1")

    with pytest.raises(Trouble, match=why):
        own.add([content], NOW)
    assert [path.name for path in tmp_path.iterdir()] == []


def test_a_bit_that_fell_over_is_noticed(tmp_path: Path) -> None:
    content = bytearray(snapshot(b"precious"))
    content[30] ^= 1
    path = tmp_path / "x.db"
    path.write_bytes(content)

    with pytest.raises(Trouble, match="was damaged: its checksum differs"):
        snapshot_file.check(path)


def test_the_newest_are_kept(tmp_path: Path) -> None:
    own = filled(tmp_path, 4)

    assert own.prune() == ["etcd-control-20261128T120000Z.db", "etcd-control-20261128T130000Z.db"]
    assert names(tmp_path) == [
        "etcd-control-20261128T140000Z.db",
        "etcd-control-20261128T150000Z.db",
    ]
    assert own.prune() == []


def test_what_the_timer_did_not_make_is_never_removed(tmp_path: Path) -> None:
    own = filled(tmp_path, 3, keep=1)
    by_hand = tmp_path / "etcd-control-20200101T000000Z.db"
    by_hand.write_bytes(snapshot(b"by hand"))
    renamed = tmp_path / "before-the-upgrade.db"
    (tmp_path / "etcd-control-20261128T120000Z.db").rename(renamed)
    replaced = tmp_path / "etcd-control-20261128T130000Z.db"
    replaced.write_bytes(snapshot(b"somebody's"))

    assert own.prune() == []
    assert {by_hand.name, renamed.name, replaced.name} <= {*names(tmp_path)}


def test_what_was_just_added_is_kept_though_an_earlier_one_says_it_is_newer(
    tmp_path: Path,
) -> None:
    """The clock was ahead for a while."""
    own = Shelf(tmp_path, "control", 2, "c1")
    own.add([snapshot(b"ahead")], NOW + timedelta(days=2000))

    for day in range(3):
        added = own.add([snapshot(bytes([day]))], NOW + timedelta(days=day))
        own.prune()
        assert added.exists()
    assert names(tmp_path) == [
        "etcd-control-20261129T120000Z.db",
        "etcd-control-20261130T120000Z.db",
    ]
    assert own.newest() == NOW + timedelta(days=2)


def test_two_snapshots_of_one_second_are_one_and_it_is_the_newest(tmp_path: Path) -> None:
    own = filled(tmp_path, 2, keep=1)
    again = own.add([snapshot(b"again")], NOW)

    own.prune()

    assert names(tmp_path) == [again.name]


def forge(folder: Path, noted: dict[str, str]) -> None:
    (folder / ".etcd-control-c1.json").write_text(json.dumps(noted))


@pytest.mark.parametrize(
    "name", ["{victim}", "../victim", "victim", "etcd-other-20200101T000000Z.db"]
)
def test_a_note_that_was_forged_removes_no_file_of_another(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "kept"
    folder.mkdir()
    victims = [tmp_path / "victim", folder / "victim", folder / "etcd-other-20200101T000000Z.db"]
    for victim in victims:
        victim.write_bytes(snapshot(b"precious"))
    own = filled(folder, 1, keep=1)
    forge(folder, {name.format(victim=victims[0]): snapshot(b"precious")[-32:].hex()})

    own.add([snapshot(b"later")], NOW + timedelta(days=1))
    own.prune()

    assert [victim for victim in victims if not victim.exists()] == []


@pytest.mark.parametrize("of", ["note", "snapshot"])
@pytest.mark.parametrize("kind", ["link", "device", "pipe", "folder"])
def test_what_is_no_plain_file_is_neither_read_nor_waited_for(
    tmp_path: Path, kind: str, of: str
) -> None:
    own = filled(tmp_path, 1)
    name = next(iter(own.taken())) if of == "snapshot" else ".etcd-control-c1.json"
    path = tmp_path / name
    path.rename(tmp_path / "elsewhere")
    match kind:
        case "link":
            path.symlink_to(tmp_path / "elsewhere")
        case "device":
            path.symlink_to("/dev/zero")
        case "pipe":
            os.mkfifo(path)
        case _:
            path.mkdir()

    assert own.taken() == {}
    own.add([snapshot(b"later")], NOW + timedelta(days=1))
    assert len(own.taken()) == 1


def test_a_note_without_end_is_not_read(tmp_path: Path) -> None:
    own = filled(tmp_path, 1)
    with (tmp_path / ".etcd-control-c1.json").open("a") as file:
        file.truncate(1 << 33)

    assert own.taken() == {}


@pytest.mark.parametrize("text", ["", "{", "[]", "\udcff", "[" * 100_000])
def test_a_damaged_note_is_set_aside_and_the_next_snapshot_is_taken(
    tmp_path: Path, text: str
) -> None:
    own = filled(tmp_path, 2)
    note = tmp_path / ".etcd-control-c1.json"
    note.write_bytes(text.encode(errors="surrogateescape"))

    added = own.add([snapshot(b"later")], NOW + timedelta(days=1))

    assert [*own.taken()] == [added.name]
    assert note.with_suffix(".damaged").read_bytes() == text.encode(errors="surrogateescape")
    assert own.prune() == []


def test_a_file_of_somebody_s_is_not_overwritten(tmp_path: Path) -> None:
    there = tmp_path / f"etcd-control-{NOW:%Y%m%dT%H%M%SZ}.db"
    there.write_bytes(b"somebody's")

    with pytest.raises(Trouble, match="is there, and this timer has not made it"):
        filled(tmp_path, 1)
    assert there.read_bytes() == b"somebody's"


def test_two_members_on_one_export_leave_each_others_alone(tmp_path: Path) -> None:
    filled(tmp_path, 2)
    other = Shelf(tmp_path, "control2", 1, "c1")
    other.add([snapshot(b"x")], NOW)
    other.add([snapshot(b"y")], NOW + timedelta(hours=1))

    assert other.prune() == ["etcd-control2-20261128T120000Z.db"]
    assert len(names(tmp_path)) == 3


def test_a_cluster_that_is_built_again_leaves_the_snapshots_of_the_former(tmp_path: Path) -> None:
    former = filled(tmp_path, 3, keep=3)
    own = Shelf(tmp_path, "control", 1, "c2")
    assert own.taken() == {}

    for day in range(3):
        own.add([snapshot(b"of the new one")], NOW + timedelta(days=1 + day))
        own.prune()

    assert len(former.taken()) == 3
    assert len(names(tmp_path)) == 4


def test_a_snapshot_that_was_broken_off_costs_no_other(tmp_path: Path) -> None:
    own = filled(tmp_path, 2)

    def broken() -> Iterator[bytes]:
        yield snapshot()[:100]
        raise Trouble("etcd broke its snapshot off")

    with pytest.raises(Trouble):
        own.add(broken(), NOW + timedelta(hours=9))
    assert len(own.taken()) == 2
    assert len(names(tmp_path)) == 2


def test_the_time_of_the_newest_is_told(tmp_path: Path) -> None:
    assert Shelf(tmp_path, "control", 1, "c1").newest() is None
    own = filled(tmp_path, 3)
    (tmp_path / "etcd-control-20300101T000000Z.db").write_bytes(snapshot())

    assert own.newest() == NOW + timedelta(hours=2)


def test_a_folder_is_made_for_root_alone_and_one_that_is_there_is_left(tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.mkdir(mode=0o755)

    shelf.make_private(there)
    shelf.make_private(tmp_path / "a/new")

    assert there.stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "a/new").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("mode", [0o770, 0o1777])
def test_a_folder_in_which_others_may_write_is_refused(tmp_path: Path, mode: int) -> None:
    tmp_path.chmod(mode)

    with pytest.raises(Trouble, match="Others than root may write in"):
        shelf.make_private(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone gives a folder away")
def test_a_folder_of_somebody_else_s_is_refused(tmp_path: Path) -> None:
    os.chown(tmp_path, 12345, 0)

    with pytest.raises(Trouble, match="Others than root may write"):
        shelf.make_private(tmp_path)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(Trouble, match="cannot be made"):
        shelf.make_private(tmp_path / "file/folder")
