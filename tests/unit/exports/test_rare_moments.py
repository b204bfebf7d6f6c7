"""Moments that seldom come: a step that fails in the middle of undoing another."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest

from holdfast.claims.parameters import Action
from holdfast.exports.changes import Changes
from holdfast.exports.empty_term_folders import INTENT, MOVING, restore_plain_names
from holdfast.exports.errors import Failed, Unsafe
from holdfast.exports.interface import Outcome
from holdfast.exports.record import Record, State
from tests.unit.exports.given import Leading, export_at, found, plan, published, visible

DEEPEST = 16


@pytest.fixture
def export(root: Path) -> Leading:
    return export_at(root)


def test_the_first_error_is_told_also_where_the_draft_of_a_folder_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    term = os.open(tmp_path, os.O_RDONLY)
    changes = Changes(lambda: None, term)

    def refused(*_: object) -> None:
        raise PermissionError(errno.EACCES, "no")

    def broken(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, "no")

    monkeypatch.setattr(changes, "rename", refused)
    with monkeypatch.context() as patch, changes:
        patch.setattr(os, "rmdir", broken)
        with pytest.raises(PermissionError):
            changes.make_folder(term, "folder")
    os.close(term)


def test_a_mark_is_made_though_another_operation_removes_its_folder_first(
    root: Path, export: Leading, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch, tried = Changes.touch, list[str]()

    def pruned_once(self: Changes, parent: int, name: str) -> None:
        tried.append(name)
        if tried.count(name) == 1:
            raise FileNotFoundError(name)
        touch(self, parent, name)

    monkeypatch.setattr(Changes, "touch", pruned_once)

    export.create(plan(directory="data"))

    assert (root / ".holdfast/directories/data/pvc-1").is_file()


@pytest.mark.parametrize("action", [Action.DELETE, Action.RETAIN])
def test_the_name_that_was_reserved_for_an_archive_is_given_up_where_it_is_not_wanted_any_more(
    root: Path, export: Leading, monkeypatch: pytest.MonkeyPatch, action: Action
) -> None:
    published(export)
    with monkeypatch.context() as patch:
        patch.setattr("holdfast.exports.operation.Operation.take_out", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            export.reclaim("pvc-1", "1", Action.ARCHIVE)
    assert "archived-data" in visible(root)

    export.reclaim("pvc-1", "1", action)

    assert not [name for name in visible(root) if name.startswith("archived")]
    assert found(export).target != "archived-data"


def test_a_shared_directory_that_outlives_its_volumes_keeps_no_record(
    root: Path, export: Leading
) -> None:
    """What others share stays at its path, with the inode that is in the record."""
    for uid in "12":
        published(export, uid, "data", shared=True)
    assert export.reclaim("pvc-1", "1", Action.DELETE).outcome is Outcome.SHARED
    (root / ".holdfast/directories/data/pvc-2").unlink()

    export.exports.sweep(export.grant)
    export.exports.sweep(export.grant)

    assert found(export).state is State.TRASHED


@pytest.mark.parametrize(("depth", "is_read"), [(DEEPEST, True), (DEEPEST + 1, False)])
def test_what_later_versions_may_add_to_a_record_is_read_to_a_depth(
    export: Leading, depth: int, *, is_read: bool
) -> None:
    record = json.loads(export.create(plan()).dump())
    value: Any = 1
    for _ in range(depth - 2):  # the record itself, and the field
        value = [value]
    data = json.dumps(record | {"later": value}).encode()

    if is_read:
        assert Record.parse(data, "pvc-1").unknown == {"later": value}
    else:
        with pytest.raises(Unsafe, match=f"nested more than {DEEPEST} levels deep"):
            Record.parse(data, "pvc-1")


def test_a_directory_whose_mark_cannot_be_made_is_not_created(
    root: Path, export: Leading, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another operation prunes the mark's folder each time, without end."""
    real = Changes.touch

    def pruned(self: Changes, parent: int, name: str) -> None:
        if name == "pvc-1":
            raise FileNotFoundError(errno.ENOENT, "pruned")
        real(self, parent, name)

    monkeypatch.setattr(Changes, "touch", pruned)

    with pytest.raises(Failed, match="cannot create directory 'team/data'"):
        export.create(plan())
    assert visible(root) == []


def names_after(folder: Path, prefix: str, *names: str) -> list[str]:
    """The entries of a term's folder after the numbered ones have got their plain names back."""
    for name in names:
        (folder / name).mkdir()
    handle = os.open(folder, os.O_RDONLY)
    try:
        restore_plain_names(handle, prefix, Changes(lambda: None, handle))
    finally:
        os.close(handle)
    return sorted(path.name for path in folder.iterdir())


def test_of_two_directories_of_a_volume_neither_is_taken_for_the_right_one(tmp_path: Path) -> None:
    both = ["-pvc-1~1", "-pvc-1~2"]

    assert names_after(tmp_path, MOVING, *both) == both


def test_the_only_one_gets_its_plain_name_back(tmp_path: Path) -> None:
    assert names_after(tmp_path, MOVING, "-pvc-1~1") == ["-pvc-1"]


def test_of_two_intents_of_a_volume_the_first_is_ended_first(tmp_path: Path) -> None:
    assert names_after(tmp_path, INTENT, "+pvc-1~1", "+pvc-1~2") == ["+pvc-1", "+pvc-1~2"]
