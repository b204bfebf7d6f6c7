"""Symlinks, files and other things that a tenant, or bad luck, put where a directory should be."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from holdfast.claims.parameters import Action
from holdfast.exports.errors import ExportError, Unsafe
from tests.unit.exports.given import Leading, adopted, export_at, listing, plan, published


@pytest.fixture
def export(either: Leading) -> Leading:
    """All of this holds for each implementation of the interface."""
    return either


def to_outside(path: Path, root: Path) -> None:
    path.symlink_to(root.parent / "outside" / "folder")


def to_outside_relatively(path: Path, root: Path) -> None:
    path.symlink_to(os.path.relpath(root.parent / "outside" / "folder", path.parent))


def to_another_tenant(path: Path, root: Path) -> None:
    path.symlink_to(root / "other")


def to_the_root(path: Path, root: Path) -> None:
    path.symlink_to(root)


def to_nowhere(path: Path, _: Path) -> None:
    path.symlink_to("nowhere")


def a_file(path: Path, _: Path) -> None:
    path.write_text("a file")


def a_pipe(path: Path, _: Path) -> None:
    os.mkfifo(path)


PLANTED = [
    to_outside,
    to_outside_relatively,
    to_another_tenant,
    to_the_root,
    to_nowhere,
    a_file,
    a_pipe,
]


@pytest.fixture(params=PLANTED, ids=lambda plant: plant.__name__)
def plant(request: pytest.FixtureRequest, root: Path, export: Leading) -> Callable[[Path], None]:
    """Puts something hostile at a path; another tenant's directory is there as well."""
    published(export, "9", "other")
    (root / "other/file").write_text("of another tenant")
    hostile: Callable[[Path, Path], None] = request.param
    return lambda path: hostile(path, root)


@pytest.mark.parametrize("place", ["team", "team/data", "team/data/deep"])
def test_nothing_is_made_through_or_in_place_of_it(
    root: Path, export: Leading, plant: Callable[[Path], None], place: str
) -> None:
    (root / place).parent.mkdir(parents=True, exist_ok=True)
    plant(root / place)
    before = listing(root)

    for _ in range(2):
        with pytest.raises(Unsafe, match="left alone"):
            export.create(plan(directory="team/data/deep"))
    export.undo("pvc-1")

    assert listing(root) == before


@pytest.mark.parametrize("place", ["team", "team/data"])
@pytest.mark.parametrize("action", [Action.DELETE, Action.ARCHIVE])
def test_nothing_is_moved_through_or_in_place_of_it(
    root: Path, export: Leading, plant: Callable[[Path], None], place: str, action: Action
) -> None:
    published(export)
    (root / "team").rename(root / "moved-by-hand")
    (root / place).parent.mkdir(exist_ok=True)
    plant(root / place)
    before = listing(root, records=False)

    for _ in range(2):
        with pytest.raises(Unsafe, match="left alone"):
            export.reclaim("pvc-1", "1", action)

    assert listing(root, records=False) == before


def test_undo_removes_no_more_than_an_empty_directory_of_its_own(
    root: Path, export: Leading, plant: Callable[[Path], None]
) -> None:
    export.create(plan())
    (root / "team/data").rmdir()
    plant(root / "team/data")
    before = listing(root, records=False)

    export.undo("pvc-1")

    assert listing(root, records=False) == before


KEPT = [
    "creating",
    "volumes",
    "trash",
    "trashed",
    "directories",
    "directories/team",
    "directories/team/.holdfast",
    "directories/team/.holdfast/data",
    "directories/team/.holdfast/data/pvc-1",
    "volumes/pvc-1",
]


@pytest.mark.parametrize("place", KEPT)
def test_symlinks_among_the_records_lead_nowhere(
    root: Path, export: Leading, outside: Path, place: str
) -> None:
    path = root / ".holdfast" / place
    published(export)
    (root / "team/data/file").write_text("data")
    if path.is_dir():
        path.rename(root / "aside")
    else:
        path.unlink()
    path.symlink_to(outside / "folder" if place != "volumes/pvc-1" else outside / "file")

    calls: tuple[Callable[[], object], ...] = (
        lambda: export.create(plan("2", "team/data/deep")),
        lambda: export.create(plan("1")),
        lambda: export.adopt(adopted("3")),
        lambda: export.confirm("pvc-1"),
        lambda: export.reclaim("pvc-1", "1", Action.ARCHIVE),
        export.reap,
    )
    refused = 0
    for call in calls:
        try:
            call()
        except ExportError:
            refused += 1

    assert refused
    assert [file.read_text() for file in root.rglob("file")] == ["data"]


def test_records_are_not_kept_in_a_symlinked_place(root: Path, outside: Path) -> None:
    root.mkdir()
    (root / ".holdfast").symlink_to(outside / "folder")
    export = Leading(root)

    for call in (export.exports.inspect, export.probe, lambda: export.create(plan())):
        with pytest.raises(Unsafe, match="is a symlink or a file, and no directory"):
            call()


def test_the_exports_own_root_may_be_a_symlink(root: Path) -> None:
    export_at(root)
    link = root / "itself"
    link.symlink_to(root)

    Leading(link).create(plan())

    assert (root / "team/data").is_dir()
