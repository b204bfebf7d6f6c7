"""A directory that was there, and that no record knows, is somebody's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast.claims.parameters import Action
from holdfast.exports.interface import Outcome
from tests.unit.exports.given import Leading, adopted, found, plan, published, touched


@pytest.fixture
def export(either: Leading) -> Leading:
    """All of this holds for each implementation of the interface."""
    return either


def test_one_that_was_made_for_its_volume_is_not_foreign(export: Leading) -> None:
    assert not published(export).foreign


def test_one_that_was_there_is_foreign(root: Path, export: Leading) -> None:
    (root / "team" / "data").mkdir(parents=True)

    assert published(export, use_existing=True).foreign


def test_it_is_still_foreign_at_the_next_attempt(root: Path, export: Leading) -> None:
    (root / "team" / "data").mkdir(parents=True)
    export.create(plan(use_existing=True))

    assert published(export).foreign


def test_one_that_a_person_put_in_place_of_an_earlier_attempts_is_foreign(
    root: Path, export: Leading
) -> None:
    export.create(plan())
    (root / "team/data").rename(root / "away")
    (root / "team/data").mkdir()

    assert published(export, use_existing=True).foreign


def test_one_that_is_shared_is_what_it_was_for_the_first(root: Path, export: Leading) -> None:
    (root / "theirs").mkdir()
    published(export, "1", "ours", shared=True)
    published(export, "2", "theirs", shared=True, use_existing=True)

    assert not published(export, "3", "ours", shared=True).foreign
    assert published(export, "4", "theirs", shared=True).foreign


def test_it_is_foreign_for_whoever_shares_it_whatever_one_of_them_knows(
    root: Path, export: Leading
) -> None:
    """With the last of three, an administrator's directory was removed."""
    (root / "theirs").mkdir()
    (root / "theirs" / "file").write_text("data")
    published(export, "1", "theirs", shared=True, use_existing=True)
    export.adopt(adopted("2", "theirs", shared=True))
    published(export, "3", "theirs", shared=True)

    for uid in "123":
        assert found(export, uid).foreign
        export.reclaim(f"pvc-{uid}", uid, Action.DELETE)
    export.reap()

    assert (root / "theirs" / "file").exists()


def test_one_record_that_does_not_know_it_does_not_make_it_ours(
    root: Path, export: Leading
) -> None:
    """As the version before wrote it for a volume of nfs-subdir."""
    (root / "theirs").mkdir()
    published(export, "1", "theirs", shared=True, use_existing=True)
    export.adopt(adopted("2", "theirs", shared=True))
    record = root / ".holdfast/volumes/pvc-2"
    record.write_text(record.read_text().replace('"foreign": true', '"foreign": false'))
    assert not found(export, "2").foreign

    assert published(export, "3", "theirs", shared=True).foreign


def test_one_that_is_taken_up_is_what_it_was_for_the_former(root: Path, export: Leading) -> None:
    (root / "theirs").mkdir()
    for uid, directory in (("1", "ours"), ("2", "theirs")):
        published(export, uid, directory, use_existing=True)
        export.reclaim(f"pvc-{uid}", uid, Action.RETAIN)

    export.create(plan("3", "ours"), ["pvc-1"])
    export.create(plan("4", "theirs"), ["pvc-2"])

    assert not found(export, "3").foreign
    assert found(export, "4").foreign


def test_the_trash_of_another_cluster_is_left_to_its_own_provisioner(
    root: Path, export: Leading
) -> None:
    other = Leading(root, cluster="other")
    published(other)
    other.reclaim("pvc-1", "1", Action.DELETE)

    assert export.reap() == 1
    assert (root / ".holdfast/trash/pvc-1").is_dir()

    assert other.reap() == 0
    assert not (root / ".holdfast/trash/pvc-1").exists()


@pytest.mark.parametrize("action", Action)
def test_it_is_retained_whatever_is_asked_for(root: Path, export: Leading, action: Action) -> None:
    """Rule 3: what was there before its volume is never removed."""
    (root / "team/data").mkdir(0o700, parents=True)
    published(export, use_existing=True)
    before = touched(root / "team")

    assert export.reclaim("pvc-1", "1", action).outcome is Outcome.RETAINED
    assert touched(root / "team") == before
