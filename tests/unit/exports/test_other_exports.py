"""Exports of which one lies within the other, each of a cluster of its own."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from holdfast.claims.ownership import Ownership
from holdfast.claims.parameters import Action
from holdfast.exports.errors import Unsafe
from holdfast.exports.interface import Outcome
from holdfast.exports.self_test import self_test
from tests.unit.exports.given import Leading, adopted, export_at, found, plan, published, visible

_WITHIN = r"lies within another export, as 'inner' contains \.holdfast"
_PATTERN = "change pathPattern, or the annotation or label that it reads"


@pytest.fixture
def inner(export: Leading) -> Leading:
    """A cluster whose export is a folder of the other one's, with a live volume."""
    (export.root / "inner").mkdir()
    inner = export_at(export.root / "inner")
    published(inner, "9", "team")
    return inner


def _backup_in(directory: Path) -> None:
    """Copies an export into a directory, as its user may do."""
    export_at(directory)
    (directory / "file").write_text("precious")


def _made(export: Leading) -> None:
    published(export, "1", "data")
    _backup_in(export.root / "data")


def _made_by_nfs_subdir(export: Leading) -> None:
    (export.root / "data").mkdir()
    _backup_in(export.root / "data")
    export.adopt(adopted("1", "data"))


@pytest.mark.parametrize("directory", ["inner/data", "inner/team/data", "inner/new/deeper"])
def test_no_volume_is_made_within_an_export_beneath(
    export: Leading, inner: Leading, directory: str
) -> None:
    before = visible(export.root)

    with pytest.raises(Unsafe, match=_WITHIN) as caught:
        export.create(plan("1", directory))

    assert repr(directory) in caught.value.message
    assert _PATTERN in caught.value.message
    assert visible(export.root) == before
    assert export.find("pvc-1") is None
    assert found(inner, "9").directory == "team"


def test_a_live_volume_of_an_export_beneath_is_not_handed_out(
    export: Leading, inner: Leading
) -> None:
    with pytest.raises(Unsafe, match=_WITHIN):
        export.create(plan("1", "inner/team", use_existing=True))

    assert inner.reclaim("pvc-9", "9", Action.DELETE).outcome is Outcome.TRASHED


@pytest.mark.parametrize("use_existing", [True, False])
@pytest.mark.usefixtures("inner")
def test_another_export_is_not_handed_out_and_nobody_is_told_to_remove_it(
    export: Leading, *, use_existing: bool
) -> None:
    with pytest.raises(Unsafe, match=r"contains \.holdfast, so it is another export") as caught:
        export.create(plan("1", "inner", use_existing=use_existing))

    assert _PATTERN in caught.value.message
    assert "remove the directory" not in caught.value.message


def test_a_volume_of_nfs_subdir_within_an_export_beneath_is_not_recorded(
    export: Leading, inner: Leading
) -> None:
    with pytest.raises(Unsafe, match=_WITHIN) as caught:
        export.adopt(adopted("1", "inner/team"))

    assert "set its reclaim policy to Retain" in caught.value.message
    assert export.find("pvc-1") is None
    assert inner.reclaim("pvc-9", "9", Action.DELETE).outcome is Outcome.TRASHED


@pytest.mark.parametrize("action", [Action.ARCHIVE, Action.DELETE])
def test_a_directory_is_not_moved_back_into_an_export_that_came_meanwhile(
    export: Leading, action: Action
) -> None:
    published(export, "1", "inner/data")
    export.reclaim("pvc-1", "1", action)
    inner = export_at(export.root / "inner")
    before = visible(export.root)

    with pytest.raises(Unsafe, match=_WITHIN):
        export.exports.recover(export.grant, "pvc-1", "Delete")

    assert visible(export.root) == before
    (inner.root / ".holdfast").rename(export.root / "away")
    assert export.exports.recover(export.grant, "pvc-1", "Delete") == "inner/data"


def test_a_volume_that_an_export_came_around_is_in_use_and_reclaimed_as_usual(
    export: Leading,
) -> None:
    published(export, "1", "inner/data")
    (export.root / "inner/data/file").write_text("precious")
    export_at(export.root / "inner")

    assert export.create(plan("1", "inner/data")) == found(export)
    moved = export.reclaim("pvc-1", "1", Action.ARCHIVE)

    assert moved.outcome is Outcome.ARCHIVED
    assert (export.root / moved.place / "file").read_text() == "precious"


def test_a_move_that_was_cut_short_is_undone_within_an_export_that_came_meanwhile(
    export: Leading,
) -> None:
    published(export, "1", "inner/data")
    (folder,) = export.root.glob(".holdfast/terms/cluster.nfs/[0-9]*")
    (export.root / "inner/data").rename(folder / "-pvc-1")
    export_at(export.root / "inner")

    assert export.exports.move_back(export.grant, "pvc-1") == "inner/data"


def test_an_attempt_that_an_export_came_around_can_be_undone(export: Leading) -> None:
    export.create(plan("1", "inner/data"))
    export_at(export.root / "inner")

    with pytest.raises(Unsafe, match=_WITHIN):
        export.create(plan("1", "inner/data"))
    export.undo("pvc-1")

    assert export.find("pvc-1") is None
    assert visible(export.root / "inner") == []


@pytest.mark.parametrize(
    ("action", "outcome"),
    [
        (Action.DELETE, Outcome.TRASHED),
        (Action.ARCHIVE, Outcome.ARCHIVED),
        (Action.RETAIN, Outcome.RETAINED),
    ],
)
@pytest.mark.parametrize("made", [_made, _made_by_nfs_subdir])
def test_a_volume_with_a_copy_of_an_export_is_reclaimed(
    export: Leading, made: Callable[[Leading], None], action: Action, outcome: Outcome
) -> None:
    made(export)

    moved = export.reclaim("pvc-1", "1", action)

    assert moved.outcome is outcome
    assert (export.root / moved.place / "file").read_text() == "precious"


def test_a_copy_of_an_export_is_deleted_with_its_volume(export: Leading) -> None:
    _made(export)

    export.reclaim("pvc-1", "1", Action.DELETE)

    assert export.reap() == 0
    assert visible(export.root) == []
    assert export.find("pvc-1") is None


@pytest.mark.parametrize("action", [Action.DELETE, Action.ARCHIVE])
def test_a_volume_with_a_copy_of_an_export_is_moved_back(export: Leading, action: Action) -> None:
    published(export, "1", "team/data")
    _backup_in(export.root / "team/data")
    export.reclaim("pvc-1", "1", action)

    assert export.exports.recover(export.grant, "pvc-1", "Delete") == "team/data"


def test_a_volume_with_a_copy_of_an_export_is_shared_and_reused(export: Leading) -> None:
    published(export, "1", "data", shared=True)
    _backup_in(export.root / "data")

    published(export, "2", "data", shared=True)
    for uid in "12":
        export.reclaim(f"pvc-{uid}", uid, Action.RETAIN)
    export.create(plan("3", "data"), ["pvc-1", "pvc-2"])

    assert (export.root / "data/file").read_text() == "precious"


def test_a_volume_of_nfs_subdir_in_one_with_a_copy_of_an_export_is_recorded_and_moved_back(
    export: Leading,
) -> None:
    (export.root / "outer/data").mkdir(parents=True)
    _backup_in(export.root / "outer")
    export.adopt(adopted("1", "outer"))

    export.adopt(adopted("2", "outer/data"))
    export.reclaim("pvc-2", "2", Action.ARCHIVE)

    assert export.exports.recover(export.grant, "pvc-2", "Delete") == "outer/data"


def _looked_for(monkeypatch: pytest.MonkeyPatch, call: Callable[[], object]) -> int:
    """How often `.holdfast` is looked up meanwhile, in a directory outside of the marks."""
    count, real = [0], os.stat

    def counted(name: str | int, *, dir_fd: int | None = None, **more: Any) -> os.stat_result:
        is_mark = ".holdfast" in Path(f"/proc/self/fd/{dir_fd}").readlink().parts
        count[0] += name == ".holdfast" and not is_mark
        return real(name, dir_fd=dir_fd, **more)

    with monkeypatch.context() as patch:
        patch.setattr(os, "stat", counted)
        call()
    return count[0]


def test_a_directory_costs_one_more_look_for_each_parent_and_nothing_at_its_end(
    export: Leading, monkeypatch: pytest.MonkeyPatch
) -> None:
    export.begin()
    looked_for = {
        name: _looked_for(monkeypatch, call)
        for name, call in {
            "a/b/c/d": lambda: published(export, "1", "a/b/c/d"),
            "top": lambda: published(export, "2", "top"),
            "delete": lambda: export.reclaim("pvc-1", "1", Action.DELETE),
            "archive": lambda: export.reclaim("pvc-2", "2", Action.ARCHIVE),
            "reap": export.reap,
        }.items()
    }

    assert looked_for == {"a/b/c/d": 3, "top": 0, "delete": 0, "archive": 0, "reap": 0}


def test_an_export_within_another_one_is_told_when_a_term_begins(
    export: Leading, inner: Leading
) -> None:
    (told,) = inner.begin().unresolved

    assert told.startswith(f"{inner.root} lies within another export, as {export.root} contains")
    assert export.begin().unresolved == ()


def test_the_self_test_of_an_export_within_another_one_says_so_and_writes_nothing(
    export: Leading, inner: Leading
) -> None:
    before = visible(inner.root)

    with pytest.raises(Unsafe, match=f"{inner.root} lies within another export, as {export.root}"):
        list(self_test(inner.root, Ownership()))

    assert visible(inner.root) == before
