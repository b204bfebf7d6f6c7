"""An export that was restored from a backup without its id, and that a person accepts."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from holdfast.claims.parameters import Action
from holdfast.exports.errors import Unsafe
from holdfast.exports.export import Export
from tests.unit.exports.given import ID, Leading, found, plan, published, visible


def restored(root: Path) -> Leading:
    """The export from a copy: everything has another inode."""
    with tempfile.TemporaryDirectory() as folder:
        backup = shutil.copytree(root, Path(folder, "backup"), symlinks=True)
        (backup / ".holdfast/export").unlink()
        shutil.rmtree(root)
        shutil.copytree(backup, root, symlinks=True)
    Export(root).accept(ID)
    return Leading(root)


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


def test_what_was_in_the_making_says_how_to_accept_it(root: Path, export: Leading) -> None:
    """The id was restored as well, so that nothing else keeps Holdfast from its work."""
    export.create(plan())
    (root / "copy").mkdir()
    (root / "team/data").rmdir()
    (root / "copy").rename(root / "team/data")

    with pytest.raises(Unsafe, match="run `holdfast exports accept`"):
        export.create(plan())
    Export(root).accept(ID)
    assert not export.create(plan()).found


@pytest.mark.parametrize("moved", [True, False])
def test_a_record_that_changes_meanwhile_is_not_written_over(
    root: Path, export: Leading, monkeypatch: pytest.MonkeyPatch, *, moved: bool
) -> None:
    published(export, directory="data")
    export.begin()
    shutil.copytree(root / "data", root / "copy")
    (root / "data").rmdir()
    (root / "copy").rename(root / "data")
    fsync, record = os.fsync, root / ".holdfast/volumes/pvc-1"
    changed = record.read_text().replace("1Gi", "2Gi")

    def meanwhile(handle: int) -> None:
        fsync(handle)
        if record.exists() and moved:
            record.rename(root / ".holdfast/trashed/pvc-1")
        elif not moved:
            record.write_text(changed)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", meanwhile)
        Export(root).accept(ID)

    assert record.exists() is not moved
    assert moved or record.read_text() == changed
    assert not list((root / ".holdfast/volumes").glob(".*"))
