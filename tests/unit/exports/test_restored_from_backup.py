"""An export that was restored from a backup, and that a person accepts."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from holdfast.claims.parameters import Action
from holdfast.cli.records import records_on
from holdfast.exports import tree
from holdfast.exports.errors import Fenced, Unsafe, WrongExport
from holdfast.exports.export import Export
from holdfast.exports.interface import Leader
from holdfast.exports.restored_from_backup import learn_inodes
from tests.unit.exports.given import ID, Leading, found, listing, plan, published, visible


def restored(root: Path) -> Leading:
    """The export from a copy: everything has another inode."""
    with tempfile.TemporaryDirectory() as folder:
        backup = shutil.copytree(root, Path(folder, "backup"), symlinks=True)
        (backup / ".holdfast/export").unlink()
        shutil.rmtree(root)
        shutil.copytree(backup, root, symlinks=True)
    Export(root).accept(ID)
    return Leading(root)


def others(export: Export, cluster: str) -> list[str]:
    """A cluster's volumes whose directory is not the one in their record."""
    differing = {name: held for name, held in records_on(export._root).items() if held.is_another}
    records = {name: held.record for name, held in differing.items()}
    return sorted(name for name, one in records.items() if one and one.origin in {"", cluster})


def test_the_records_know_the_directories_again(root: Path, export: Leading) -> None:
    published(export, "1", "data")
    published(export, "2", "archive")
    export.reclaim("pvc-2", "2", Action.ARCHIVE)
    before = {uid: found(export, uid).inode for uid in "12"}

    after = restored(root)

    for uid, directory in {"1": "data", "2": "archived-archive"}.items():
        assert found(after, uid).inode != before[uid]
        assert found(after, uid).inode.number == (root / directory).stat().st_ino


def test_what_lay_in_the_trash_is_removed(root: Path, export: Leading) -> None:
    published(export)
    (root / "team/data/file").write_text("data")
    export.reclaim("pvc-1", "1", Action.DELETE)

    after = restored(root)

    assert after.reap() == 0
    assert visible(root) == []
    assert after.find("pvc-1") is None


def test_what_was_in_the_making_is_finished(root: Path, export: Leading) -> None:
    export.create(plan())

    after = restored(root)

    assert [record.volume for record in after.unconfirmed()] == ["pvc-1"]
    assert not after.create(plan()).found


def test_what_was_in_the_making_is_undone(root: Path, export: Leading) -> None:
    export.create(plan())

    restored(root).undo("pvc-1")

    assert visible(root) == []


def test_an_archive_that_the_backup_caught_on_its_way_is_found(root: Path, export: Leading) -> None:
    published(export)
    record = root / ".holdfast/volumes/pvc-1"
    record.write_text(record.read_text().replace('"target": ""', '"target": "archived-data"'))
    (root / "team/data").rename(root / "archived-data")

    moved = restored(root).reclaim("pvc-1", "1", Action.ARCHIVE)

    assert (moved.outcome, moved.place) == ("archived", "archived-data")


def test_a_file_that_is_no_record_does_not_keep_the_others_from_it(
    root: Path, export: Leading
) -> None:
    published(export, "1", "data")
    published(export, "2", "more")
    (root / ".holdfast/volumes/pvc-1").write_text("half a rec")

    after = restored(root)

    assert found(after, "2").inode.number == (root / "more").stat().st_ino
    with pytest.raises(Unsafe, match="cannot parse the record"):
        after.find("pvc-1")


def test_a_directory_with_a_bad_block_does_not_keep_the_others_from_it(
    root: Path, export: Leading, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rule 6, for an export that was restored with its id."""
    for uid, name in (("1", "bad"), ("2", "good")):
        published(export, uid, name)
        (root / name).rename(root / f"{name}-old")
        (root / name).mkdir()
    opened = os.open

    def fail(path: str, *given: int, **place: int) -> int:
        if path == "bad":
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return opened(path, *given, **place)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", fail)
        assert isinstance(export.exports, Export)
        learned = export.exports.accept_restored(Leader("cluster", "nfs"))

    assert learned == 1
    assert found(export, "2").inode.number == (root / "good").stat().st_ino


@contextmanager
def closing_handle(folder: Path) -> Iterator[int]:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    yield handle
    os.close(handle)


@pytest.mark.parametrize("change", ["it moves on", "it is followed"])
def test_a_record_that_changes_meanwhile_is_not_written_over(
    root: Path, export: Leading, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    published(export, directory="data")
    shutil.copytree(root / "data", root / "copy")
    (root / "data").rmdir()
    (root / "copy").rename(root / "data")
    record = root / ".holdfast/volumes/pvc-1"
    followed, write = record.read_text().replace("1Gi", "2Gi"), tree.write_new

    def meanwhile(parent: int, name: str, data: bytes) -> None:
        write(parent, name, data)
        if change == "it moves on":
            record.rename(root / ".holdfast/trashed/pvc-1")
        else:
            record.write_text(followed)

    monkeypatch.setattr(tree, "write_new", meanwhile)
    with (
        closing_handle(root) as of_root,
        closing_handle(root / ".holdfast") as of_records,
    ):
        learn_inodes(of_root, of_records)

    assert record.exists() is (change == "it is followed")
    assert not record.exists() or record.read_text() == followed
    assert not list((root / ".holdfast/volumes").glob(".*"))


class TestWithItsId:
    """The whole export was restored, so that it is worked on before anybody accepts it."""

    LEADER = Leader("cluster", "nfs")

    def restored(self, root: Path) -> Export:
        """The export from a copy with all that Holdfast keeps there."""
        with tempfile.TemporaryDirectory() as folder:
            backup = shutil.copytree(root, Path(folder, "backup"), symlinks=True)
            shutil.rmtree(root)
            shutil.copytree(backup, root, symlinks=True)
        return Export(root)

    def accepted(self, root: Path, expected: int) -> Leading:
        export = self.restored(root)
        assert export.accept_restored(self.LEADER) == expected
        assert others(export, "cluster") == []
        assert export.accept_restored(self.LEADER) == 0
        return Leading(root)

    def test_the_volumes_are_named_before_anything_is_changed(
        self, root: Path, export: Leading
    ) -> None:
        published(export, "2", "data")
        export.create(plan("1", "more"))
        published(export, "3", "gone")
        (root / "gone").rmdir()
        assert others(Export(root), "cluster") == []
        before = listing(root)

        assert others(self.restored(root), "cluster") == ["pvc-1", "pvc-2"]

        assert listing(root) == before

    def test_the_trash_can_be_removed_and_what_is_in_the_making_undone(
        self, root: Path, export: Leading
    ) -> None:
        published(export, "1", "data")
        export.reclaim("pvc-1", "1", Action.DELETE)
        export.create(plan("2", "two"))

        after = self.accepted(root, 2)

        assert after.reap() == 0
        after.undo("pvc-2")
        assert visible(root) == []

    def test_an_archive_is_known_again(self, root: Path, export: Leading) -> None:
        published(export, "1", "data")
        export.reclaim("pvc-1", "1", Action.ARCHIVE)

        after = self.accepted(root, 1)

        assert found(after).inode.number == (root / "archived-data").stat().st_ino

    @pytest.mark.parametrize("way", ["term", "trash", "archive"])
    def test_what_the_backup_caught_on_its_way_is_known_again(
        self, root: Path, export: Leading, way: str
    ) -> None:
        published(export)
        term = next((root / ".holdfast/terms").glob("*/[0-9]*"))
        place = {
            "term": term / "-pvc-1",
            "trash": root / ".holdfast/trash/pvc-1",
            "archive": root / "archived-data",
        }[way]
        if way == "archive":
            record = root / ".holdfast/volumes/pvc-1"
            record.write_text(
                record.read_text().replace('"target": ""', f'"target": "{place.name}"')
            )
        (root / "team/data").rename(place)

        after = self.accepted(root, 1)

        if way == "archive":
            assert after.reclaim("pvc-1", "1", Action.ARCHIVE).place == place.name
        else:
            after.reclaim("pvc-1", "1", Action.DELETE)
            assert after.reap() == 0
            assert visible(root) == []

    @pytest.mark.parametrize("place", ["old/1.{term}", "cluster.nfs/{term}.bak"])
    def test_no_directory_in_a_persons_copy_of_a_term_is_taken_for_a_volumes(
        self, root: Path, export: Leading, place: str
    ) -> None:
        published(export)
        before = found(export).inode
        terms = root / ".holdfast/terms"
        (term,) = terms.glob("*/[0-9]*")
        copy = terms / place.format(term=term.name) / "-pvc-1"
        copy.mkdir(parents=True)
        (root / "team/data").rmdir()

        after = self.accepted(root, 0)

        assert found(after).inode == before

    def test_the_records_of_another_cluster_are_its_own(self, root: Path, export: Leading) -> None:
        published(Leading(root, cluster="another"), "1", "theirs")
        published(export, "2", "ours")

        export_there = self.restored(root)

        assert others(export_there, "cluster") == ["pvc-2"]
        assert export_there.accept_restored(self.LEADER) == 1
        assert others(export_there, "another") == ["pvc-1"]

    def test_who_leads_meanwhile_is_fenced(self, root: Path, export: Leading) -> None:
        published(export)
        self.accepted(root, 1)

        with pytest.raises(Fenced):
            export.create(plan("2", "two"))

    @pytest.mark.parametrize("odd", ["half a rec", ""])
    def test_a_file_that_is_no_record_and_a_place_that_is_no_directory_are_left_alone(
        self, root: Path, export: Leading, odd: str
    ) -> None:
        published(export, "1", "data")
        published(export, "2", "link")
        published(export, "3", "more")
        (root / ".holdfast/volumes/pvc-1").write_text(odd)
        (root / "link").rmdir()
        (root / "link").symlink_to("more")
        (root / ".holdfast/terms/odd").write_text("no folder")

        assert others(self.restored(root), "cluster") == ["pvc-3"]

    def test_what_is_in_the_making_says_how_to_accept_it(self, root: Path, export: Leading) -> None:
        export.create(plan())
        (root / "copy").mkdir()
        (root / "team/data").rmdir()
        (root / "copy").rename(root / "team/data")

        with pytest.raises(Unsafe, match="run `holdfast exports accept`"):
            export.create(plan())
        assert Export(root).accept_restored(self.LEADER) == 1

        export.begin()
        assert not export.create(plan()).found


def test_the_inode_of_a_directory_that_is_nowhere_is_not_forgotten(
    root: Path, export: Leading
) -> None:
    """Any that came to its path later would have been the volume's own."""
    published(export, "1", "data")
    before = found(export).inode
    (root / "data").rmdir()
    (root / ".holdfast/export").write_text("damaged")

    Export(root).accept(ID)

    assert found(Leading(root)).inode == before


def test_that_of_a_directory_on_its_way_is_not_either(root: Path, export: Leading) -> None:
    published(export, "1", "data")
    before = found(export).inode
    (term,) = root.glob(".holdfast/terms/*/[0-9]*")
    (root / "data").rename(term / "-pvc-1")
    (root / ".holdfast/export").write_text("damaged")

    Export(root).accept(ID)

    assert found(Leading(root)).inode == before


def test_a_term_of_the_id_that_the_export_had_before_ends_with_the_next(
    root: Path, export: Leading
) -> None:
    published(export, "1", "data")
    former = export.grant
    (term,) = root.glob(".holdfast/terms/*/[0-9]*")
    (root / "data").rename(term / "-pvc-1")
    Export(root).accept("another-id")

    took = Leading(root).begin()

    assert (took.term.number, took.term.export) == (former.term.number + 1, "another-id")
    assert took.moving == ("pvc-1",)
    assert not term.exists()
    with pytest.raises(WrongExport):
        export.exports.create(former, plan("2", "two"))
