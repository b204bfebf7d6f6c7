"""A record of version 1 in the making names no inode: it proves nothing about a directory."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from holdfast.claims.parameters import Action
from holdfast.exports.errors import Unsafe
from holdfast.exports.inode import UNKNOWN
from holdfast.exports.interface import Outcome
from tests.unit.exports.given import Leading, found, plan, published, touched, visible


@pytest.fixture
def recorded(root: Path, export: Leading) -> Leading:
    """A leader before whom version 1 ended after it had written a record."""
    made = export.create(plan("1", "data"))
    (root / "data").rmdir()
    place = root / ".holdfast/creating/pvc-1"
    place.write_bytes(replace(made, version=1, inode=UNKNOWN).dump())
    export.begin()
    return export


def _somebodys(root: Path) -> None:
    (root / "data").mkdir(mode=0o750)
    (root / "data/theirs").write_text("precious")


def test_a_directory_that_holds_something_is_not_that_of_a_record_without_an_inode(
    root: Path, recorded: Leading
) -> None:
    _somebodys(root)
    before = touched(root)

    with pytest.raises(Unsafe, match="exists without a record"):
        recorded.create(plan("1", "data"))

    assert touched(root) == before


def test_such_a_directory_stays_as_it_is_when_the_volume_is_undone(
    root: Path, recorded: Leading
) -> None:
    _somebodys(root)
    before = touched(root)

    recorded.undo("pvc-1")

    assert touched(root) == before
    assert recorded.find("pvc-1") is None


def test_where_the_class_may_use_it_it_is_somebodys_own_and_never_removed(
    root: Path, recorded: Leading
) -> None:
    _somebodys(root)

    made = recorded.create(plan("1", "data", use_existing=True))
    recorded.confirm("pvc-1")

    assert (made.found, made.foreign) == (True, True)
    assert recorded.reclaim("pvc-1", "1", Action.DELETE).outcome is Outcome.RETAINED
    assert (root / "data/theirs").read_text() == "precious"


def test_an_empty_directory_is_made_ready_for_the_volume(root: Path, recorded: Leading) -> None:
    (root / "data").mkdir(mode=0o750)

    made = recorded.create(plan("1", "data"))

    assert (made.found, (root / "data").stat().st_mode & 0o7777) == (False, 0o777)


def test_an_empty_directory_goes_when_the_volume_is_undone(root: Path, recorded: Leading) -> None:
    (root / "data").mkdir()

    recorded.undo("pvc-1")

    assert not (root / "data").exists()


def test_what_version_1_has_half_emptied_is_not_moved_back(root: Path, export: Leading) -> None:
    """Its records kept the class's policy, whatever the volume said when it was deleted."""
    made = published(export, "1", "data", policy="Retain")
    (root / "data/left").write_text("data")
    newer = {"retained_in_trash", "inode", "version", "export", "inherited"}
    fields = json.loads(replace(made, version=1, inode=UNKNOWN).dump())
    old = {name: value for name, value in fields.items() if name not in newer}
    (root / ".holdfast/trashed/pvc-1").write_text(json.dumps(old))
    (root / ".holdfast/volumes/pvc-1").unlink()
    (root / ".holdfast/directories/data/pvc-1").unlink()
    (root / "data").rename(root / ".holdfast/trash/pvc-1")

    assert export.reap() == 0

    assert export.find("pvc-1") is None
    assert visible(root) == []


def test_a_volume_of_version_1_that_the_api_server_knows_keeps_its_data(
    root: Path, export: Leading
) -> None:
    """Its directory was used since, and only its path can be told."""
    made = published(export, "1", "data")
    (root / "data/file").write_text("data")
    place = root / ".holdfast/volumes/pvc-1"
    place.write_bytes(replace(made, version=1, inode=UNKNOWN).dump())

    assert export.create(plan("1", "data")) == found(export)
    assert export.reclaim("pvc-1", "1", Action.DELETE).outcome is Outcome.TRASHED
