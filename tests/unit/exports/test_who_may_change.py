"""Permission is asked for at the last moment, and clusters know their own records apart."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from holdfast.claims.parameters import Action
from holdfast.exports.record import DirectoryTaken
from tests.unit.exports.given import Leading, adopted, export_at, found, listing, plan, published

CHANGES: dict[str, Callable[[Leading], object]] = {
    "create": lambda export: export.create(plan("2")),
    "confirm": lambda export: export.confirm("pvc-3"),
    "undo": lambda export: export.undo("pvc-3"),
    "adopt": lambda export: export.adopt(adopted("4")),
    "reclaim": lambda export: export.reclaim("pvc-1", "1", Action.DELETE),
}


class Deposed(Exception):
    """Another replica leads now."""


def deposed() -> None:
    raise Deposed


@pytest.mark.parametrize("name", CHANGES)
def test_without_permission_nothing_is_changed(root: Path, export: Leading, name: str) -> None:
    published(export, directory="data")
    export.create(plan("3", "begun"))
    before = listing(root)

    with pytest.raises(Deposed):
        CHANGES[name](Leading(root, deposed))
    assert listing(root) == before


def test_permission_is_asked_for_before_each_change_and_after_the_wait_for_others(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leading = threading.Event()
    leading.set()
    export = export_at(root)
    export = Leading(root, lambda: None if leading.is_set() else deposed())
    begun, go_on = threading.Event(), threading.Event()
    make = os.mkdir

    def hang(name: str, *args: int, **place: int) -> None:
        if name == "slow":
            begun.set()
            assert go_on.wait(10)
        make(name, *args, **place)

    monkeypatch.setattr(os, "mkdir", hang)
    results: list[object] = []
    slow = threading.Thread(target=lambda: results.append(_result(export, "slow")))
    slow.start()
    assert begun.wait(10)
    waiting = threading.Thread(target=lambda: results.append(_result(export, "slow")))
    waiting.start()

    leading.clear()
    go_on.set()
    for thread in (slow, waiting):
        thread.join(10)

    assert [type(result) for result in results] == [Deposed, Deposed]
    assert export.recorded() == set()


def _result(export: Leading, directory: str) -> object:
    try:
        return export.create(plan("1", directory))
    except Deposed as error:
        return error


def test_a_cluster_is_told_of_its_own_unconfirmed_volumes_only(root: Path, export: Leading) -> None:
    mine = export.create(plan("1", "a"))
    other = Leading(root, cluster="another")

    assert mine.origin == "cluster"
    assert export.unconfirmed() == [mine]
    assert other.unconfirmed() == []


def test_another_clusters_directory_is_taken(root: Path, export: Leading) -> None:
    published(export, "1", "a")
    other = Leading(root, cluster="another")

    with pytest.raises(DirectoryTaken, match="belongs to volume pvc-1"):
        other.create(plan("2", "a"))


def test_an_adopted_volume_is_the_adopting_clusters(export: Leading) -> None:
    export.adopt(adopted(origin="another"))

    assert found(export).origin == "cluster"


@pytest.mark.parametrize("action", Action)
def test_what_a_former_leader_writes_late_does_not_undo_what_was_done_since(
    root: Path, export: Leading, action: Action
) -> None:
    """It was held up between two steps of its work, and the volume has lived and gone since."""
    late = export.create(plan()).dump()
    export.confirm("pvc-1")
    export.reclaim("pvc-1", "1", action)
    before = listing(root)
    (root / ".holdfast/creating/pvc-1").write_bytes(late)

    export.undo("pvc-1")
    assert listing(root) == before

    (root / ".holdfast/creating/pvc-1").write_bytes(late)
    export.confirm("pvc-1")
    assert listing(root) == before
