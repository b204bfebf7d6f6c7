"""Paths, names and records that are unusual, or that no rule gives."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from holdfast.claims.parameters import Action
from holdfast.exports import tree
from holdfast.exports.changes import Changes
from holdfast.exports.errors import ExportError, Unsafe
from holdfast.exports.interface import Grant, Leader
from holdfast.exports.record import DirectoryTaken
from tests.unit.exports.given import (
    ID,
    Leading,
    adopted,
    found,
    listing,
    plan,
    published,
    visible,
)

BAD_PATHS = ["", ".", "..", "../x", "a/../b", "/etc", "a//b", "a/", ".holdfast", ".holdfast/x"]


@pytest.fixture
def export(either: Leading) -> Leading:
    """All of this holds for each implementation of the interface."""
    return either


@pytest.mark.parametrize("path", [*BAD_PATHS, "a\0b", "a\nb", "n" * 256, "\ud800", "a/" * 512])
def test_a_path_that_no_rule_gives_is_refused_here_too(
    root: Path, export: Leading, path: str
) -> None:
    before = listing(root)

    with pytest.raises(Unsafe):
        export.create(plan(directory=path))
    with pytest.raises(Unsafe):
        export.adopt(adopted(directory=path))
    assert listing(root) == before


@pytest.mark.parametrize("uid", ["/../../../../outside/file", "a/b", "x\0", "n" * 300, "\ud800"])
def test_a_volume_name_that_is_a_path_is_refused(root: Path, export: Leading, uid: str) -> None:
    before = listing(root)
    volume = f"pvc-{uid}"

    for call in (
        lambda: export.create(plan(uid)),
        lambda: export.confirm(volume),
        lambda: export.undo(volume),
        lambda: export.find(volume),
        lambda: export.adopt(adopted(uid)),
        lambda: export.reclaim(volume, uid, Action.DELETE),
        lambda: export.find(".."),
        lambda: export.undo(""),
    ):
        with pytest.raises(ExportError):
            call()
    assert listing(root) == before


@pytest.mark.parametrize(
    "directory",
    [
        "ü-日本語-🦀",
        "n" * 255,
        "ü" * 127,
        "/".join(["d"] * 64),
        "/".join(["n" * 255] * 4),
        " leading and trailing ",
        "-rf",
        "*",
        "a\\b",
        "…",
    ],
)
def test_an_unusual_name_lives_a_whole_life(root: Path, export: Leading, directory: str) -> None:
    published(export, directory=directory)
    (root / directory / "file").write_text("data")
    with pytest.raises(DirectoryTaken):
        export.create(plan("2", directory.partition("/")[0]))

    assert found(export).directory == directory
    archived = export.reclaim("pvc-1", "1", Action.ARCHIVE)

    assert (root / archived.place / "file").read_text() == "data"
    assert not (root / directory).exists()
    export.create(plan("2", directory))


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "null", '{"volume": "pvc-1"}', "\ud7ff", '{"claim": 1}'],
)
def test_a_record_that_cannot_be_read_is_named_and_stops_only_its_own_volume(
    root: Path, export: Leading, content: str
) -> None:
    export.create(plan())
    other = export.create(plan("2", "other"))
    (root / ".holdfast/creating/pvc-1").write_text(content)

    with pytest.raises(Unsafe, match="pvc-1"):
        export.find("pvc-1")
    assert export.unconfirmed() == [other]
    export.confirm("pvc-2")


@pytest.mark.parametrize(
    "change",
    [
        {"directory": "../outside/folder"},
        {"target": "../outside/folder"},
        {"target": ".holdfast/volumes"},
        {"target": "link/stolen"},
        {"target": "team/archived-data"},
        {"volume": "pvc-2"},
        {"claim": 1},
    ],
)
def test_a_record_that_somebody_edited_does_not_lead_out_of_the_export(
    root: Path, export: Leading, change: dict[str, object]
) -> None:
    published(export)
    record = root / ".holdfast/volumes/pvc-1"
    record.write_text(json.dumps(json.loads(record.read_text()) | change))

    with pytest.raises(Unsafe, match=r"the record \.holdfast/volumes/pvc-1"):
        export.reclaim("pvc-1", "1", Action.DELETE)
    assert visible(root) == ["team", "team/data"]


@pytest.mark.parametrize("action", [Action.ARCHIVE, Action.DELETE, Action.RETAIN])
def test_a_directory_does_not_go_through_a_symlink_to_where_a_record_says(
    root: Path, export: Leading, outside: Path, action: Action
) -> None:
    """Rule 1: an archive is beneath the root itself, where Holdfast puts it."""
    (root / "link").symlink_to(outside)
    (root / "team/data").mkdir(parents=True)

    with pytest.raises(Unsafe, match="target 'link/stolen' is not in the export's root"):
        export.adopt(adopted(target="link/stolen"))
    with pytest.raises(Unsafe, match="no record names volume"):
        export.reclaim("pvc-1", "1", action)
    assert visible(root) == ["link", "team", "team/data"]


ODD_TERMS = [
    {"export": f"{ID}/../../../../outside/folder"},
    {"export": ".."},
    {"export": ""},
    {"export": "a" * 300},
    {"export": "\ud800"},
    {"number": 0},
    {"number": -1},
    {"leader": Leader("../..", "nfs")},
    {"leader": Leader("cluster", "nfs/../../../outside")},
    {"leader": Leader("\ud800", "nfs")},
    {"leader": Leader(".", "nfs")},
    {"leader": Leader("@eaDir", "nfs")},
]


@pytest.mark.parametrize("change", ODD_TERMS, ids=str)
def test_a_term_that_none_can_be_changes_nothing(
    root: Path, export: Leading, change: dict[str, Any]
) -> None:
    published(export)
    grant = Grant(replace(export.takeover.term, **change))
    before = listing(root)

    for call in (
        lambda: export.exports.create(grant, plan("2", "other")),
        lambda: export.exports.reclaim(grant, "pvc-1", "1", Action.DELETE),
        lambda: export.exports.sweep(grant),
    ):
        with pytest.raises(Unsafe, match=r"invalid term|invalid leader|the directory's path"):
            call()
    assert listing(root) == before


PATHS = ["team/data", "/etc", "link/folder", "..", ".", ""]


@pytest.mark.parametrize("path", PATHS)
def test_only_the_name_of_one_entry_is_given_to_the_kernel(
    root: Path, outside: Path, path: str
) -> None:
    (root / "team/data").mkdir(parents=True)
    (root / "link").symlink_to(outside)
    before = listing(root)

    with Changes(lambda: None) as changes, opened_root(root) as handle:
        calls: tuple[Callable[[], object], ...] = (
            lambda: tree.open_directory(handle, path),
            lambda: tree.read_file(handle, path, "a file"),
            lambda: tree.exists(handle, path),
            lambda: tree.is_directory(handle, path),
            lambda: changes.mkdir(handle, path, 0o700),
            lambda: changes.symlink("target", handle, path),
            lambda: changes.rename(handle, path, handle, "new"),
            lambda: changes.rename(handle, "team", handle, path),
            lambda: changes.unlink(handle, path),
            lambda: changes.rmdir(handle, path),
        )
        for call in calls:
            with pytest.raises(Unsafe, match="is not the name of a directory entry"):
                call()
    assert listing(root) == before


@contextmanager
def opened_root(root: Path) -> Iterator[int]:
    handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield handle
    finally:
        os.close(handle)
