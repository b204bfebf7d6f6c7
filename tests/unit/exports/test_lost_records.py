"""Directories that have lost their record are found by their marks."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from holdfast.exports.export import Export
from tests.unit.exports.given import Leading, plan, published


def lost(root: Path, export: Leading, uid: str, directory: str) -> None:
    """A directory whose record was removed."""
    published(export, uid, directory)
    (root / f".holdfast/volumes/pvc-{uid}").unlink()


def test_they_are_named_at_any_depth(root: Path, export: Leading) -> None:
    published(export, "9", "a/whole")
    for uid, directory in ("1", "top"), ("2", "a/b"), ("3", "a/c/d/e"):
        lost(root, export, uid, directory)

    assert Export(root).unrecorded() == [("a/b", "pvc-2"), ("a/c/d/e", "pvc-3"), ("top", "pvc-1")]


def test_one_that_is_gone_or_in_the_making_is_not(root: Path, export: Leading) -> None:
    lost(root, export, "1", "gone")
    (root / "gone").rmdir()
    export.create(plan("2", "in-the-making"))

    assert Export(root).unrecorded() == []


def test_a_record_that_cannot_be_parsed_is_one(root: Path, export: Leading) -> None:
    published(export, "1", "data")
    (root / ".holdfast/volumes/pvc-1").write_text("half a rec")

    assert Export(root).unrecorded() == []


@pytest.mark.parametrize("change", ["intent", "record", "removed"])
def test_a_volume_that_is_made_or_removed_meanwhile_has_lost_nothing(
    root: Path, export: Leading, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    lost(root, export, "1", "data")
    [term] = (root / ".holdfast/terms").glob("*/1.*")
    listed = os.listdir

    def meanwhile(handle: int) -> list[str]:
        names = listed(handle)
        if "pvc-1" in names and change == "intent":
            (term / "+pvc-1").symlink_to("data")
        elif "pvc-1" in names and change == "record":
            (root / ".holdfast/creating/pvc-1").touch()
        elif "pvc-1" in names:
            (root / ".holdfast/directories/data/pvc-1").unlink()
        return names

    monkeypatch.setattr(os, "listdir", meanwhile)

    assert Export(root).unrecorded() == []


def test_what_others_put_there_is_skipped(root: Path, export: Leading) -> None:
    lost(root, export, "1", "data")
    odd = root / ".holdfast/directories"
    (odd / "link").symlink_to("data")
    (odd / "file").write_text("")
    (odd / "empty").mkdir()
    (odd / "data/.holdfast").write_text("no folder")

    assert Export(root).unrecorded() == [("data", "pvc-1")]


def test_an_export_without_marks_has_none(root: Path, export: Leading) -> None:
    assert Export(root).unrecorded() == []
    (root / ".holdfast/directories").rmdir()
    assert Export(root).unrecorded() == []
    assert export.recorded() == set()
