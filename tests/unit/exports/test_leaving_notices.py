"""The notice that a shared directory is about to be moved away: how long it keeps others out."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from holdfast.claims.parameters import Action
from holdfast.exports import leader_folders
from holdfast.exports.errors import Failed, Unsafe
from holdfast.exports.interface import Outcome
from holdfast.exports.operation import Operation
from tests.unit.exports.faults import Crash
from tests.unit.exports.given import ID, Leading, adopted, export_at, found, plan, published

_RECLAIMED = "is being reclaimed for volume pvc-1"


@pytest.fixture
def first(root: Path) -> Leading:
    """The leader of the cluster whose volume has the directory."""
    export = export_at(root, cluster="first")
    published(export, "1", "data", shared=True)
    (root / "data/file").write_text("data")
    return export


@pytest.fixture
def second(root: Path, first: Leading) -> Leading:
    """The leader of another cluster."""
    assert first.root == root
    return Leading(root, cluster="second")


def _interrupted(export: Leading, error: BaseException) -> None:
    """A reclaim that ends right before its rename."""

    def fail(*_: object) -> None:
        raise error

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Operation, "take_out", fail)
        with pytest.raises((Failed, Crash)):
            export.reclaim("pvc-1", "1", Action.DELETE)


def _bad_disk() -> OSError:
    return OSError(errno.EIO, os.strerror(errno.EIO))


def _join(export: Leading) -> None:
    assert export.create(plan("2", "data", shared=True)).found


def test_it_stays_after_a_rename_whose_outcome_is_unknown(first: Leading, second: Leading) -> None:
    _interrupted(first, _bad_disk())

    with pytest.raises(Unsafe, match=_RECLAIMED):
        second.create(plan("2", "data", shared=True))

    assert second.find("pvc-2") is None
    assert first.reclaim("pvc-1", "1", Action.DELETE).outcome is Outcome.TRASHED
    assert not second.create(plan("2", "data", shared=True)).found


def test_it_stays_after_a_crash_until_the_next_term(first: Leading, second: Leading) -> None:
    _interrupted(first, Crash())
    with pytest.raises(Unsafe, match=_RECLAIMED):
        second.create(plan("2", "data", shared=True))

    first.begin()

    _join(second)


def test_it_is_withdrawn_from_a_volume_that_is_to_be_retained(
    first: Leading, second: Leading
) -> None:
    _interrupted(first, _bad_disk())

    first.exports.update_record(first.grant, "pvc-1", found(first).claim, "1Gi", "Retain")

    _join(second)


def test_it_is_withdrawn_where_nothing_was_moved(
    root: Path, first: Leading, second: Leading
) -> None:
    (root / "data").rename(root / "away")
    (root / "data").mkdir()
    with pytest.raises(Unsafe, match="is not the directory that was created"):
        first.reclaim("pvc-1", "1", Action.DELETE)
    (root / "data").rmdir()
    (root / "away").rename(root / "data")

    _join(second)


def test_one_that_is_adopted_beneath_it_waits_too(root: Path) -> None:
    first, second = export_at(root, cluster="first"), Leading(root, cluster="second")
    (root / "data/deeper").mkdir(parents=True)
    first.adopt(adopted("1", "data"))
    _interrupted(first, _bad_disk())

    with pytest.raises(Unsafe, match=_RECLAIMED):
        second.adopt(adopted("2", "data/deeper"))

    assert second.find("pvc-2") is None


def test_a_term_that_is_being_ended_is_waited_for(root: Path, second: Leading) -> None:
    """Its notices are removed one by one, and a rename into its folder may still come."""
    terms = root / ".holdfast/terms/first.nfs"
    (terms / f"9.{ID}").mkdir()

    with pytest.raises(Unsafe, match=r"a term in \.holdfast/terms/first\.nfs is ending"):
        second.create(plan("2", "data", shared=True))

    (terms / f"9.{ID}").rmdir()
    _join(second)


def test_a_persons_copy_of_a_terms_folder_keeps_nobody_out(root: Path, second: Leading) -> None:
    (root / f".holdfast/terms/first.nfs/9.{ID}.bak").mkdir()

    _join(second)


@pytest.mark.parametrize("name", [f"9.{ID}.bak", "9.copy.of-term", "copy"])
def test_a_notice_in_a_persons_copy_keeps_nobody_out(
    root: Path, second: Leading, name: str
) -> None:
    """No later term removes it: a copy is a stray (`term_folders.py`)."""
    copy = root / ".holdfast/terms/first.nfs" / name
    copy.mkdir()
    (copy / ".draft-leaving-pvc-1").symlink_to("pvc-1")

    _join(second)


def test_a_notice_in_a_folder_that_was_set_aside_counts(root: Path, second: Leading) -> None:
    """A late call of that term can still move the directory into it."""
    aside = root / f".holdfast/terms/first.nfs/.ended-9.{ID}"
    aside.mkdir()
    (aside / ".draft-leaving-pvc-1").symlink_to("pvc-1")

    with pytest.raises(Unsafe, match=_RECLAIMED):
        second.create(plan("2", "data", shared=True))


def test_volumes_that_share_nothing_neither_write_notices_nor_look_for_them(
    export: Leading, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = list[str]()
    link, names = os.symlink, leader_folders.names

    def linked(target: str, name: str, *, dir_fd: int) -> None:
        done.append(f"symlink to {target}")
        link(target, name, dir_fd=dir_fd)

    def looked(holdfast: int) -> list[str]:
        done.append("look at the leaders' folders")
        return names(holdfast)

    export.begin()
    monkeypatch.setattr(os, "symlink", linked)
    monkeypatch.setattr(leader_folders, "names", looked)

    published(export, "1", "data")
    export.reclaim("pvc-1", "1", Action.DELETE)

    assert done == ["symlink to data"]  # the intent
