"""An export that is away is never taken for one where everything was deleted."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from holdfast.claims.parameters import Action
from holdfast.exports.errors import Failed, Unavailable
from holdfast.exports.interface import Leader
from tests.unit.exports.given import ID, Leading, adopted, export_at, listing, plan, published

CALLS: dict[str, Callable[[Leading], object]] = {
    "create": lambda export: export.create(plan("2")),
    "create again": lambda export: export.create(plan()),
    "confirm": lambda export: export.confirm("pvc-1"),
    "undo": lambda export: export.undo("pvc-1"),
    "find": lambda export: export.find("pvc-1"),
    "trashed": lambda export: export.exports.trashed(),
    "begin": lambda export: export.exports.begin(Leader("cluster", "nfs")),
    "sweep": lambda export: export.exports.sweep(export.grant),
    "adopt": lambda export: export.adopt(adopted("3")),
    "delete": lambda export: export.reclaim("pvc-1", "1", Action.DELETE),
    "archive": lambda export: export.reclaim("pvc-1", "1", Action.ARCHIVE),
    "retain": lambda export: export.reclaim("pvc-1", "1", Action.RETAIN),
    "reap": lambda export: export.reap(lambda _: True),
    "inspect": lambda export: export.exports.inspect(),
}


@pytest.fixture(params=CALLS)
def call(request: pytest.FixtureRequest) -> Callable[[Leading], object]:
    """Each method."""
    return CALLS[request.param]


def test_a_root_that_is_missing_is_unavailable(
    root: Path, call: Callable[[Leading], object]
) -> None:
    export = export_at(root)
    published(export)
    shutil.rmtree(root)

    with pytest.raises(Unavailable, match="cannot open the export's root"):
        call(export)
    assert not root.exists()


def test_a_root_that_is_no_directory_is_unavailable(
    root: Path, call: Callable[[Leading], object]
) -> None:
    root.write_text("a file")

    with pytest.raises(Unavailable):
        call(Leading(root))


def test_an_empty_directory_in_place_of_the_export_is_unavailable_and_stays_empty(
    root: Path, call: Callable[[Leading], object]
) -> None:
    export = export_at(root)
    published(export)
    shutil.rmtree(root)
    root.mkdir()

    with pytest.raises(Unavailable, match=r"has no \.holdfast any more: mount the export there"):
        call(export)
    assert listing(root) == {}


def test_another_prepared_export_in_its_place_loses_nothing(root: Path) -> None:
    export = export_at(root)
    published(export)
    shutil.rmtree(root)
    export_at(root)
    (root / "team/data").mkdir(parents=True)
    before = listing(root)

    with pytest.raises(Exception, match="no record names volume pvc-1"):
        export.reclaim("pvc-1", "1", Action.DELETE)
    assert listing(root) == before


def test_prepare_makes_no_root(root: Path) -> None:
    with pytest.raises(Unavailable):
        Leading(root).exports.initialise(ID)
    assert not root.exists()


def test_a_trash_that_somebody_removed_is_made_again(root: Path, export: Leading) -> None:
    published(export)
    shutil.rmtree(root / ".holdfast/trash")
    shutil.rmtree(root / ".holdfast/trashed")

    assert export.reclaim("pvc-1", "1", Action.DELETE).outcome == "trashed"
    shutil.rmtree(root / ".holdfast/trash")
    assert export.reap(lambda _: True) == 0


def test_the_probe_leaves_nothing(root: Path, export: Leading) -> None:
    before = listing(root)

    export.probe()

    assert listing(root) == before


def test_two_replicas_do_not_share_a_probe(root: Path, export: Leading) -> None:
    other = Leading(root)

    assert vars(export.exports)["_probe"] != vars(other.exports)["_probe"]


def test_drafts_that_crashes_left_are_removed_when_they_are_old(
    root: Path, export: Leading
) -> None:
    old, young = root / ".holdfast/volumes/.a.new", root / ".holdfast/creating/.b.new"
    for draft in (old, young):
        draft.touch()
    os.utime(old, (0, 0))

    export.prepare()

    assert (old.exists(), young.exists()) == (False, True)
    assert export.recorded() == set()


def test_a_file_system_that_says_no_is_a_failure_with_a_hint(
    root: Path, export: Leading, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.mkdir", refuse)

    with pytest.raises(Failed, match=r"make directory 'team/data': Permission denied; .*no_root"):
        export.create(plan())
    assert not (root / "team").exists()
