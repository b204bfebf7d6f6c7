"""Emptying the trash: all of it, nothing else, and not longer than it may."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from holdfast.claims.parameters import Action
from tests.unit.exports.given import Leading, export_at, found, listing, published


@pytest.fixture
def export(either: Leading) -> Leading:
    """All of this holds for each implementation of the interface."""
    return either


def trashed(export: Leading, root: Path, uid: str = "1") -> Path:
    """A directory in the trash, to be filled."""
    published(export, uid, f"data-{uid}")
    return root / export.reclaim(f"pvc-{uid}", uid, Action.DELETE).place


def reap(export: Leading, *unfinished: str, entries: int = 10**6) -> int:
    return export.reap(lambda volume: volume not in unfinished, entries=entries)


def test_the_trash_is_emptied_and_the_export_is_as_new(root: Path, export: Leading) -> None:
    before = listing(root)
    for uid in "123":
        folder = trashed(export, root, uid)
        (folder / "folder").mkdir()
        (folder / "folder/file").write_text("data")

    assert reap(export) == 0
    assert listing(root) == before


def test_an_empty_trash_is_no_work(export: Leading) -> None:
    assert reap(export) == 0


def test_a_volume_that_is_not_finished_keeps_its_data(root: Path, export: Leading) -> None:
    for uid in "12":
        (trashed(export, root, uid) / "file").write_text("data")

    assert reap(export, "pvc-1") == 1
    assert (root / ".holdfast/trash/pvc-1/file").read_text() == "data"
    assert not (root / ".holdfast/trash/pvc-2").exists()
    assert found(export, "1").claim.uid == "1"


def test_data_whose_record_is_not_in_the_trash_yet_stays(root: Path, export: Leading) -> None:
    published(export, "1", "data-1")
    (root / "data-1").rename(root / ".holdfast/trash/pvc-1")

    assert reap(export) == 0
    assert (root / ".holdfast/trash/pvc-1").is_dir()
    assert export.reclaim("pvc-1", "1", Action.DELETE).outcome == "trashed"
    assert reap(export) == 0
    assert not (root / ".holdfast/trash/pvc-1").exists()


def test_symlinks_are_removed_and_not_followed(root: Path, export: Leading, outside: Path) -> None:
    published(export, "2", "live")
    (root / "live/file").write_text("data")
    folder = trashed(export, root)
    (folder / "out").symlink_to(outside)
    (folder / "file").symlink_to(outside / "file")
    (folder / "up").symlink_to("../../../live")
    (folder / "loop").symlink_to(".")
    (folder / "nowhere").symlink_to("nowhere")

    assert reap(export) == 0
    assert (root / "live/file").read_text() == "data"


def test_a_hard_link_to_a_live_file_costs_only_the_link(root: Path, export: Leading) -> None:
    published(export, "2", "live")
    (root / "live/file").write_text("data")
    os.link(root / "live/file", trashed(export, root) / "file")

    assert reap(export) == 0
    assert (root / "live/file").read_text() == "data"


def test_every_kind_of_entry_is_removed(root: Path, export: Leading) -> None:
    folder = trashed(export, root)
    os.mkfifo(folder / "pipe")
    for name in ("part-0", ".holdfast", "record", ".new", "ü" * 127, "n" * 255, " ", "\udcff"):
        (folder / name).mkdir()
        (folder / name / "file").touch()
    (folder / "locked").mkdir(0)

    assert reap(export) == 0


def _dig(folder: Path, levels: int) -> None:
    handle = os.open(folder, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir("d", dir_fd=handle)
        below = os.open("d", os.O_RDONLY, dir_fd=handle)
        os.close(handle)
        handle = below
    os.close(handle)


def test_a_tree_of_any_depth_is_removed_in_one_go(root: Path, export: Leading) -> None:
    folder = trashed(export, root)
    _dig(folder, 3000)

    assert reap(export) == 0
    assert list((root / ".holdfast/trash").iterdir()) == []


def test_the_names_of_what_is_moved_up_are_nobody_elses(root: Path, export: Leading) -> None:
    folder = trashed(export, root)
    for number in range(4):
        (folder / f"part-{number}").mkdir()
        _dig(folder / f"part-{number}", 60)

    assert reap(export) == 0


def test_a_tree_that_is_wide_far_down_is_removed(root: Path, export: Leading) -> None:
    folder = trashed(export, root)
    deep = folder / "/".join("d" * 60)
    deep.mkdir(parents=True)
    for number in range(300):
        (deep / f"{number}").mkdir()
        (deep / f"{number}/file").touch()

    assert reap(export) == 0


def test_many_files_are_removed(root: Path, export: Leading) -> None:
    folder = trashed(export, root)
    for number in range(3000):
        (folder / f"{number}").touch()

    assert reap(export) == 0


def test_it_stops_when_it_is_told_to_and_goes_on_the_next_time(root: Path, export: Leading) -> None:
    for uid in "12":
        folder = trashed(export, root, uid)
        for number in range(20):
            (folder / f"folder-{number}").mkdir()
            (folder / f"folder-{number}/file").touch()

    left = [reap(export, entries=entries) for entries in (0, 1, 10)]
    entries = sum(1 for _ in (root / ".holdfast/trash").rglob("*"))

    assert left == [2, 2, 2]
    assert entries == 2 * (1 + 20 + 20) - 2 * (0 + 1 + 10)
    while reap(export, entries=10):
        assert sum(1 for _ in (root / ".holdfast/trash").rglob("*")) < entries
        entries = sum(1 for _ in (root / ".holdfast/trash").rglob("*"))


def test_a_tree_that_grows_meanwhile_is_left_for_later(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = export_at(root)
    folder = trashed(export, root)
    (folder / "folder").mkdir()
    rmdir = os.rmdir

    def busy(name: str, **place: int) -> None:
        if name == "folder":
            (folder / "folder/new").touch()
        rmdir(name, **place)

    with monkeypatch.context() as patch:
        patch.setattr(os, "rmdir", busy)
        assert reap(export) == 1
    assert reap(export) == 0
