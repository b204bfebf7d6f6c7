"""A directory in the trash whose volume exists, or is to be retained, goes back (rules 4, 5)."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from pathlib import Path

import pytest

from holdfast.claims.objects import ClaimRef
from holdfast.claims.parameters import Action
from holdfast.exports import recover_directory as recovering
from holdfast.exports.errors import DirectoryGone, ExportError, Failed, Unsafe
from holdfast.exports.inode import UNKNOWN
from holdfast.exports.interface import Outcome
from holdfast.exports.ledger import Ledger
from holdfast.exports.record import DirectoryTaken, State
from tests.unit.exports.faults import Crash
from tests.unit.exports.given import Leading, export_at, found, plan, published, visible

TRASH = ".holdfast/trash/pvc-1"


def trash(export: Leading, **of: object) -> None:
    """Deletes a volume with data."""
    published(export, "1", "team/data", **of)
    (export.root / "team/data/file").write_text("data")
    export.reclaim("pvc-1", "1", Action.DELETE)


def recover(export: Leading, policy: str = "Delete") -> str:
    return export.exports.recover(export.grant, "pvc-1", policy)


@pytest.mark.parametrize("policy", ["Delete", "Retain"])
def test_it_is_at_its_path_and_its_record_is_live_again(
    root: Path, either: Leading, policy: str
) -> None:
    trash(either)

    assert recover(either, policy) == "team/data"

    assert (root / "team/data/file").read_text() == "data"
    assert (found(either).state, found(either).reclaim_policy) == (State.LIVE, policy)
    assert either.exports.trashed() == ()
    assert recover(either, policy) == ""
    assert either.reclaim("pvc-1", "1", Action.DELETE).outcome is Outcome.TRASHED


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC, errno.EDQUOT])
def test_retain_is_heeded_by_the_next_leader_although_the_disk_refused_at_first(
    root: Path, export: Leading, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """The volume is gone before its directory can be moved back, and so is the process."""
    trash(export)

    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "mark", refuse)
        with pytest.raises(ExportError):
            recover(export, "Retain")
    export_at(root).reap()

    assert (root / "team/data/file").read_text() == "data"


def test_retain_is_recorded_although_the_process_ends_before_the_directory_is_back(
    root: Path, export: Leading, monkeypatch: pytest.MonkeyPatch
) -> None:
    trash(export)

    def crash(*_: object) -> str:
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(recovering, "_move_to_path", crash)
        with pytest.raises(Crash):
            recover(export, "Retain")
    later = export_at(root)
    later.exports.sweep(later.grant)

    assert (root / "team/data/file").read_text() == "data"
    assert found(later).was_retained


def test_a_volume_without_a_record_has_nothing_to_recover(either: Leading) -> None:
    assert recover(either) == ""


def test_what_was_retained_stays_as_it_is(root: Path, export: Leading) -> None:
    published(export, "1", "data")
    export.reclaim("pvc-1", "1", Action.RETAIN)
    before = visible(root), found(export)

    assert recover(export, "Retain") == ""

    assert (visible(root), found(export)) == before


def archive(export: Leading) -> None:
    """Archives a volume with data."""
    published(export, "1", "team/data")
    (export.root / "team/data/file").write_text("data")
    export.reclaim("pvc-1", "1", Action.ARCHIVE)


class TestArchived:
    """An archive is whole: nothing of it was removed."""

    @pytest.mark.parametrize("policy", ["Delete", "Retain"])
    def test_it_is_at_its_path_and_its_record_is_live_again(
        self, root: Path, either: Leading, policy: str
    ) -> None:
        archive(either)

        assert recover(either, policy) == "team/data"

        record = found(either)
        assert (record.state, record.reclaim_policy) == (State.LIVE, policy)
        assert (record.in_place, record.moved) == (True, "")
        assert visible(root) == ["team", "team/data", "team/data/file"]
        assert recover(either, policy) == ""
        assert either.reclaim("pvc-1", "1", Action.ARCHIVE).place == "archived-data"

    def test_its_name_is_free_for_another_archive(self, root: Path, export: Leading) -> None:
        archive(export)
        recover(export)
        published(export, "2", "other/data")

        assert export.reclaim("pvc-2", "2", Action.ARCHIVE).place == "archived-data"

        assert (root / "team/data/file").exists()

    def test_another_volumes_directory_is_left_to_it(self, root: Path, export: Leading) -> None:
        archive(export)
        published(export, "2", "team/data")

        with pytest.raises(DirectoryTaken, match="belongs to volume pvc-2"):
            recover(export, "Retain")

        assert (root / "archived-data/file").read_text() == "data"
        assert found(export).state is State.ARCHIVED
        assert export.reclaim("pvc-2", "2", Action.DELETE).outcome is Outcome.TRASHED

    def test_what_a_person_put_there_is_left_alone(self, root: Path, export: Leading) -> None:
        archive(export)
        (root / "team/data").mkdir(parents=True)

        with pytest.raises(Unsafe, match="'team/data' exists, move it away"):
            recover(export, "Retain")

        assert (root / "archived-data/file").exists()
        assert found(export).state is State.ARCHIVED
        (root / "team/data").rmdir()
        assert recover(export, "Retain") == "team/data"

    def test_one_that_a_person_has_moved_back_is_live_again(
        self, root: Path, export: Leading
    ) -> None:
        archive(export)
        (root / "team").mkdir()
        (root / "archived-data").rename(root / "team/data")

        assert recover(export) == ""

        assert found(export).in_place
        assert (root / "team/data/file").exists()

    def test_another_directory_of_its_name_is_left_alone(self, root: Path, export: Leading) -> None:
        archive(export)
        (root / "archived-data").rename(root / "away")
        (root / "archived-data").mkdir()

        with pytest.raises(DirectoryGone, match="neither at 'team/data' nor at 'archived-data'"):
            recover(export)

        assert visible(root) == ["archived-data", "away", "away/file"]
        assert found(export).state is State.ARCHIVED

    def test_what_another_cluster_archived_is_left_to_it(self, root: Path, export: Leading) -> None:
        archive(export)

        with pytest.raises(Unsafe, match="belongs to another cluster"):
            recover(Leading(root, cluster="another"))

        assert (root / "archived-data/file").exists()

    def test_one_that_a_crash_left_in_the_term_is_put_back_by_the_sweep(
        self, export: Leading, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        archive(export)
        with monkeypatch.context() as patch:
            patch.setattr("holdfast.exports.recover_directory.move_back", _away)
            with pytest.raises(Failed):
                recover(export)

        [moved] = export.exports.sweep(export.grant)

        assert (moved.directory, moved.reason) == ("team/data", "")
        assert found(export).in_place

    def test_one_whose_recovery_a_crash_cut_short_may_be_archived_after_all(
        self, root: Path, export: Leading, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        archive(export)
        with monkeypatch.context() as patch:
            patch.setattr("holdfast.exports.recover_directory._move_to_path", _away)
            with pytest.raises(Failed):
                recover(export)

        assert export.reclaim("pvc-1", "1", Action.ARCHIVE).place == "archived-data"

        assert (root / "archived-data/file").exists()
        assert found(export).state is State.ARCHIVED


def test_one_that_is_not_archived_after_all_names_no_archive(root: Path, export: Leading) -> None:
    """A crash came while it was moved there; nothing dropped the name afterwards."""
    published(export, "1", "team/data")
    place = root / ".holdfast/volumes/pvc-1"
    place.write_bytes(replace(found(export), target="archived-data").dump())
    (term,) = root.glob(".holdfast/terms/*/[0-9]*")
    (root / "team/data").rename(term / "-pvc-1")

    assert export.exports.move_back(export.grant, "pvc-1") == "team/data"

    assert found(export).in_place


class TestTakenPath:
    def test_another_volumes_directory_is_left_to_it(self, root: Path, either: Leading) -> None:
        trash(either)
        published(either, "2", "team/data")

        with pytest.raises(DirectoryTaken, match="belongs to volume pvc-2"):
            recover(either, "Retain")

        assert (root / TRASH / "file").read_text() == "data"
        assert found(either).state is State.TRASHED
        assert either.reclaim("pvc-2", "2", Action.DELETE).outcome is Outcome.TRASHED
        assert recover(either, "Retain") == "team/data"

    @pytest.mark.parametrize("kind", ["directory", "file", "symlink"])
    def test_what_a_person_put_there_is_left_alone(
        self, root: Path, export: Leading, kind: str
    ) -> None:
        trash(export)
        (root / "team").mkdir()
        place = root / "team/data"
        if kind == "symlink":
            place.symlink_to("elsewhere")
        else:
            place.mkdir() if kind == "directory" else place.touch()

        with pytest.raises(Unsafe, match="'team/data' exists, move it away"):
            recover(export)

        assert (root / TRASH / "file").exists()
        assert found(export).state is State.TRASHED
        place.rename(root / "away")
        assert recover(export) == "team/data"

    def test_a_directory_that_is_only_shared_is_given_back(
        self, root: Path, export: Leading
    ) -> None:
        for uid in "12":
            published(export, uid, "data", shared=True)
        assert export.reclaim("pvc-1", "1", Action.DELETE).outcome is Outcome.SHARED

        assert recover(export) == ""

        assert found(export).state is State.LIVE
        assert export.reclaim("pvc-2", "2", Action.DELETE).outcome is Outcome.SHARED
        assert (root / "data").is_dir()


def test_one_that_is_nowhere_any_more_is_refused(root: Path, export: Leading) -> None:
    trash(export)
    (root / TRASH).rename(root / "away")

    with pytest.raises(DirectoryGone, match="is neither at 'team/data' nor"):
        recover(export)

    assert found(export).state is State.TRASHED


def test_another_directory_in_the_trash_is_left_alone(root: Path, export: Leading) -> None:
    trash(export)
    (root / TRASH).rename(root / "away")
    (root / TRASH).mkdir()

    with pytest.raises(Unsafe, match="is not the directory that was created for volume pvc-1"):
        recover(export)

    assert visible(root) == ["away", "away/file"]


def test_what_another_cluster_deleted_is_left_to_it(root: Path, export: Leading) -> None:
    trash(export)
    other = Leading(root, cluster="another")

    with pytest.raises(Unsafe, match="belongs to another cluster"):
        recover(other)

    assert (root / TRASH / "file").exists()


def test_another_clusters_live_directory_needs_no_recovery(root: Path, export: Leading) -> None:
    published(export, "1", "team/data")
    other = Leading(root, cluster="another")

    assert recover(other, "Retain") == ""

    assert found(export).reclaim_policy == "Delete"


def test_one_that_a_crash_left_in_the_trash_is_found_by_the_sweep(
    root: Path, export: Leading
) -> None:
    trash(export)
    (root / ".holdfast/trashed/pvc-1").rename(root / ".holdfast/volumes/pvc-1")

    [moved] = export.exports.sweep(export.grant)

    assert (moved.directory, moved.reason) == ("team/data", "")
    assert (root / "team/data/file").exists()


class TestRecordWithoutInode:
    """A record of version 1: the sweep tells a live volume's directory by its inode."""

    @pytest.fixture
    def trashed(self, root: Path, export: Leading) -> Leading:
        published(export, "1", "team/data")
        (root / "team/data/file").write_text("data")
        place = root / ".holdfast/volumes/pvc-1"
        place.write_bytes(replace(found(export), version=1, inode=UNKNOWN).dump())
        export.reclaim("pvc-1", "1", Action.DELETE)
        return export

    def test_a_crash_before_the_directory_is_moved_is_repaired_by_the_sweep(
        self, root: Path, trashed: Leading, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The reaper recovers what is to be retained, and knows of no live record later."""
        self.recover_in_part(trashed, monkeypatch)

        [moved] = trashed.exports.sweep(trashed.grant)

        assert (moved.directory, moved.reason) == ("team/data", "")
        assert (root / "team/data/file").exists()

    def test_or_by_the_next_recovery(
        self, root: Path, trashed: Leading, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.recover_in_part(trashed, monkeypatch)

        assert recover(trashed, "Retain") == "team/data"

        assert (root / "team/data/file").exists()

    def recover_in_part(self, export: Leading, monkeypatch: pytest.MonkeyPatch) -> None:
        """The record goes back, and its directory does not."""
        with monkeypatch.context() as patch:
            patch.setattr("holdfast.exports.recover_directory._move_to_path", _away)
            with pytest.raises(Failed):
                recover(export, "Retain")
        assert found(export).state is State.LIVE


def _away(*_: object) -> None:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


class TestReaper:
    """It never removes what was set to Retain, whatever kept it from its path."""

    @pytest.fixture
    def blocked(self, root: Path, export: Leading) -> Leading:
        """A volume was set to Retain, and its path is in use."""
        trash(export)
        (root / "team/data").mkdir(parents=True)
        with pytest.raises(Unsafe):
            recover(export, "Retain")
        return export

    def test_it_leaves_what_cannot_be_moved_back(self, root: Path, blocked: Leading) -> None:
        for leader in (blocked, export_at(root)):
            with pytest.raises(ExportError, match="exists, move it away"):
                leader.reap()

        assert (root / TRASH / "file").read_text() == "data"

    def test_it_moves_it_back_once_that_can_be_done(self, root: Path, blocked: Leading) -> None:
        (root / "team/data").rmdir()

        assert blocked.reap() == 0

        assert (root / "team/data/file").read_text() == "data"
        assert found(blocked).was_retained

    def test_a_volume_that_is_to_be_deleted_after_all_is(
        self, root: Path, blocked: Leading
    ) -> None:
        claim = ClaimRef("team", "later", "9")

        blocked.exports.update_record(blocked.grant, "pvc-1", claim, "1Gi", "Delete")

        assert (found(blocked).state, found(blocked).claim) == (State.TRASHED, claim)
        assert blocked.reclaim("pvc-1", "9", Action.DELETE).outcome is Outcome.TRASHED
        assert blocked.reap() == 0
        assert blocked.find("pvc-1") is None
        assert visible(root) == ["team", "team/data"]

    def test_a_policy_from_before_the_deletion_keeps_nothing(
        self, root: Path, export: Leading
    ) -> None:
        """The volume was switched to Delete, or its class says Retain and version 1 deleted it."""
        trash(export, policy="Retain")

        assert export.reap() == 0

        assert export.find("pvc-1") is None
        assert visible(root) == []

    @pytest.mark.parametrize("kept_by", ["a failed recovery", "an update of the record"])
    def test_a_retain_after_the_deletion_counts_though_the_policy_was_the_same_before(
        self, root: Path, export: Leading, kept_by: str
    ) -> None:
        trash(export, policy="Retain")
        if kept_by == "a failed recovery":
            (root / "team/data").mkdir(parents=True)
            with pytest.raises(Unsafe):
                recover(export, "Retain")
            (root / "team/data").rmdir()
        else:
            export.exports.update_record(
                export.grant, "pvc-1", found(export).claim, "1Gi", "Retain"
            )

        assert export.reap() == 0

        assert (root / "team/data/file").read_text() == "data"

    @pytest.mark.parametrize("crash", ["none", "before the directory", "after the directory"])
    def test_what_was_moved_back_and_is_deleted_again_is_removed(
        self, root: Path, blocked: Leading, crash: str
    ) -> None:
        """The record does not keep what an earlier stay in the trash was to become."""
        (root / "team/data").rmdir()
        if crash == "none":
            blocked.reap()
        else:
            (root / ".holdfast/trashed/pvc-1").rename(root / ".holdfast/volumes/pvc-1")
        if crash == "after the directory":
            (root / TRASH).rename(root / "team/data")

        assert blocked.reclaim("pvc-1", "1", Action.DELETE).outcome is Outcome.TRASHED
        assert blocked.reap() == 0

        assert blocked.find("pvc-1") is None
        assert visible(root) == ["team"]

    def test_it_waits_while_a_directory_is_moved_back(self, export: Leading) -> None:
        """Its open handle would follow the directory to its path."""
        trash(export)
        held = export.exports._open.locks.held  # type: ignore[attr-defined]

        with held(TRASH, 0), pytest.raises(ExportError, match="has not ended"):
            export.exports.reap(type(export.grant)(export.takeover.term, 0.01), "pvc-1", 9)

        assert export.reap() == 0


def test_a_path_that_is_free_again_serves_a_new_claim_after_a_failed_recovery(
    root: Path, export: Leading
) -> None:
    """What was marked for the attempt is not in the way of the path's next owner."""
    trash(export)
    (root / "team").mkdir()
    (root / "team/data").touch()
    with pytest.raises(Unsafe):
        recover(export)
    (root / "team/data").unlink()

    assert export.create(plan("2", "team/data")).directory == "team/data"
