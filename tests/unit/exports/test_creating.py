"""Making directories: what is made, what is found there, and whose it is."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from holdfast.claims.objects import ClaimRef
from holdfast.claims.ownership import Ownership
from holdfast.claims.parameters import Action
from holdfast.exports.errors import DirectoryGone, Unsafe
from holdfast.exports.inode import UNKNOWN
from holdfast.exports.record import DirectoryTaken, State
from tests.unit.exports.given import (
    ID,
    Leading,
    adopted,
    export_at,
    found,
    listing,
    plan,
    published,
    touched,
    visible,
)


@pytest.fixture
def export(either: Leading) -> Leading:
    """All of this holds for each implementation of the interface."""
    return either


def test_directory_and_parents_have_their_modes_whatever_the_umask(root: Path) -> None:
    before = os.umask(0o077)
    try:
        export_at(root).create(plan(ownership=Ownership(0o2775)))
    finally:
        os.umask(before)

    assert stat.S_IMODE((root / "team/data").stat().st_mode) == 0o2775
    assert stat.S_IMODE((root / "team").stat().st_mode) == 0o755


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives directories away")
def test_a_directory_has_the_owner_asked_for_and_keeps_setgid(root: Path, export: Leading) -> None:
    export.create(plan(ownership=Ownership(0o2770, 1234, 5678)))

    status = (root / "team/data").stat()
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (1234, 5678, 0o2770)


def test_nothing_is_put_into_the_directory(root: Path, export: Leading) -> None:
    published(export)

    assert visible(root) == ["team", "team/data"]


def test_the_record_says_everything_that_was_planned(export: Leading) -> None:
    given = plan(action=Action.RETAIN, policy="Retain", ownership=Ownership(0o750, 0, 0))

    record = export.create(given)

    assert record == found(export)
    assert record.claim == given.claim
    assert (record.directory, record.storage_class, record.size) == ("team/data", "nfs", "1Gi")
    assert (record.reclaim_policy, record.on_delete) == ("Retain", Action.RETAIN)
    assert (record.mode, record.uid, record.gid) == ("0750", 0, 0)
    assert (record.state, record.found, record.shared) == (State.LIVE, False, False)
    assert record.created.endswith("Z")


def test_a_volume_is_unconfirmed_until_it_is_confirmed(export: Leading) -> None:
    record = export.create(plan())

    assert (export.unconfirmed(), export.recorded()) == ([record], {"pvc-1"})
    export.confirm("pvc-1")
    assert (export.unconfirmed(), export.recorded()) == ([], {"pvc-1"})
    assert found(export) == record


def test_undo_leaves_no_trace_of_a_directory_without_parents(root: Path, export: Leading) -> None:
    before = listing(root)
    export.create(plan(directory="data"))

    export.undo("pvc-1")

    assert listing(root) == before
    assert export.find("pvc-1") is None


def test_undo_of_what_is_confirmed_or_unknown_does_nothing(root: Path, export: Leading) -> None:
    published(export)
    before = listing(root)

    export.undo("pvc-1")
    export.undo("pvc-2")

    assert listing(root) == before


def test_undo_keeps_a_directory_that_holds_data_and_says_whose_it_was(
    root: Path, export: Leading
) -> None:
    export.create(plan())
    (root / "team/data/file").write_text("data")

    export.undo("pvc-1")

    assert (root / "team/data/file").read_text() == "data"
    assert found(export).state is State.RETAINED
    assert found(export).was_retained
    assert export.unconfirmed() == []


def test_a_directory_that_was_there_keeps_mode_contents_and_after_undo_its_place(
    root: Path, export: Leading
) -> None:
    (root / "team/data").mkdir(0o710, parents=True)
    (root / "team/data/file").write_text("data")
    before = touched(root / "team")

    assert export.create(plan(use_existing=True)).found
    assert touched(root / "team") == before
    export.undo("pvc-1")

    assert touched(root / "team") == before
    assert export.recorded() == set()


def test_an_empty_directory_that_was_there_survives_undo(root: Path, export: Leading) -> None:
    (root / "team/data").mkdir(parents=True)
    export.create(plan(use_existing=True))

    export.undo("pvc-1")

    assert (root / "team/data").is_dir()


def test_a_directory_in_use_keeps_the_mode_that_its_user_gave_it(
    root: Path, export: Leading
) -> None:
    published(export)
    (root / "team/data").chmod(0o700)

    export.create(plan())

    assert stat.S_IMODE((root / "team/data").stat().st_mode) == 0o700
    assert export.unconfirmed() == []


def test_the_class_may_be_edited_between_two_attempts(root: Path, export: Leading) -> None:
    export.create(plan())
    export.create(plan(directory="elsewhere", action=Action.RETAIN))

    assert found(export).directory == "elsewhere"
    assert found(export).on_delete is Action.RETAIN
    assert visible(root) == ["elsewhere"]
    export.create(plan("2"))


def test_the_record_of_a_repeated_attempt_is_that_of_the_class_as_it_is_now(
    export: Leading,
) -> None:
    export.create(plan(action=Action.DELETE))
    export.create(plan(action=Action.RETAIN))

    assert found(export).on_delete is Action.RETAIN


def test_a_volume_has_one_directory_once_it_is_published(root: Path, export: Leading) -> None:
    published(export)
    before = listing(root)

    with pytest.raises(
        DirectoryTaken, match="'team/data' belongs to volume pvc-1 of claim team/data-1"
    ):
        export.create(plan(directory="elsewhere"))
    assert listing(root) == before


OVERLAPPING = ["team/data", "team", "team/data/deeper", "team/data/a/b/c"]


@pytest.mark.parametrize("other", OVERLAPPING)
def test_a_second_volume_gets_no_directory_that_overlaps(
    root: Path, export: Leading, other: str
) -> None:
    published(export)
    before = listing(root)

    with pytest.raises(DirectoryTaken, match="pvc-1 of claim team/data-1") as caught:
        export.create(plan("2", other))

    assert [record.volume for record in caught.value.records] == ["pvc-1"]
    assert listing(root) == before


@pytest.mark.parametrize("other", OVERLAPPING)
def test_a_volume_in_the_making_is_not_gone_whatever_its_policy(
    root: Path, export: Leading, other: str
) -> None:
    export.create(plan(policy="Retain"))
    before = listing(root)

    for succeeds in ([], ["pvc-1"]):
        with pytest.raises(Unsafe, match="is being created for volume pvc-1 of claim team/data-1"):
            export.create(plan("2", other), succeeds)
    assert listing(root) == before


def test_a_claim_made_anew_is_not_told_to_have_another_directory(export: Leading) -> None:
    """The message named the very claim that it was for."""
    export.create(plan())
    anew = replace(plan("2"), claim=ClaimRef("team", "data-1", "2"))

    with pytest.raises(Unsafe) as caught:
        export.create(anew)

    assert "volume pvc-1 of an earlier claim of this name" in caught.value.message
    assert "pathPattern" not in caught.value.message


def test_a_claim_of_this_name_in_another_cluster_is_not_called_an_earlier_one(
    root: Path, export: Leading
) -> None:
    """Only that cluster confirms or undoes its volume, and no event here says anything of it."""
    Leading(root, cluster="another").create(plan())
    same = replace(plan("2"), claim=ClaimRef("team", "data-1", "2"))

    with pytest.raises(Unsafe, match="claim team/data-1 of another cluster, another: change path"):
        export.create(same)


def test_a_volume_whose_directory_is_gone_gets_no_empty_one(root: Path, export: Leading) -> None:
    """Pods may use it: whoever asks finds out first whether the API server knows the volume."""
    published(export)
    (root / "team/data").rmdir()
    before = listing(root)

    with pytest.raises(DirectoryGone, match=r"directory 'team/data' of volume pvc-1 is gone"):
        export.create(plan())

    assert listing(root) == before


@pytest.mark.parametrize("other", ["team/data2", "team/dat", "data", "team/da/ta", "teams/data"])
def test_a_name_that_only_looks_alike_is_free(export: Leading, other: str) -> None:
    published(export)

    assert export.create(plan("2", other)).directory == other


def test_all_volumes_in_the_way_are_named(export: Leading) -> None:
    for uid, directory in (("1", "team/a"), ("2", "team/b/c"), ("3", "other")):
        published(export, uid, directory)

    with pytest.raises(DirectoryTaken) as caught:
        export.create(plan("4", "team"))

    assert {record.volume for record in caught.value.records} == {"pvc-1", "pvc-2"}


@pytest.mark.parametrize(("first", "second"), [(True, False), (False, True), (False, False)])
def test_a_path_is_shared_only_where_both_say_so(
    export: Leading, *, first: bool, second: bool
) -> None:
    published(export, shared=first)

    with pytest.raises(DirectoryTaken):
        export.create(plan("2", shared=second))


def test_a_shared_directory_is_one_and_stays_as_the_first_made_it(
    root: Path, export: Leading
) -> None:
    published(export, shared=True, ownership=Ownership(0o750))
    export.create(plan("2", shared=True, ownership=Ownership(0o777)))

    assert visible(root) == ["team", "team/data"]
    assert stat.S_IMODE((root / "team/data").stat().st_mode) == 0o750


def test_undoing_the_first_of_two_that_share_leaves_the_directory_to_the_other(
    root: Path, export: Leading
) -> None:
    export.create(plan("1", shared=True))
    published(export, "2", shared=True)

    export.undo("pvc-1")

    assert (root / "team/data").is_dir()
    assert export.recorded() == {"pvc-2"}


@pytest.mark.parametrize("data", [True, False])
def test_undoing_the_last_of_two_that_share_leaves_no_directory_to_nobody(
    root: Path, export: Leading, *, data: bool
) -> None:
    before = listing(root)
    published(export, "1", shared=True)
    export.create(plan("2", shared=True))
    export.reclaim("pvc-1", "1", Action.DELETE)
    assert export.reap() == 0
    if data:
        (root / "team/data/file").write_text("data")

    export.undo("pvc-2")

    if data:
        assert found(export, "2").state is State.RETAINED
    else:
        assert listing(root) == before


def test_what_is_about_to_be_moved_away_is_not_shared_any_more(root: Path, export: Leading) -> None:
    published(export, shared=True)
    record = root / ".holdfast/volumes/pvc-1"
    fields = json.loads(record.read_text()) | {"target": "archived-data"}
    record.write_text(json.dumps(fields))

    with pytest.raises(DirectoryTaken):
        export.create(plan("2", shared=True))


def test_a_retained_directory_is_taken_up_as_it_is(root: Path, export: Leading) -> None:
    published(export)
    (root / "team/data/file").write_text("data")
    (root / "team/data").chmod(0o711)
    export.reclaim("pvc-1", "1", Action.RETAIN)
    before = touched(root / "team")

    with pytest.raises(DirectoryTaken) as caught:
        export.create(plan("2", ownership=Ownership(0o777)))
    assert [record.was_retained for record in caught.value.records] == [True]
    record = export.create(plan("2", ownership=Ownership(0o777)), ["pvc-1"])
    export.confirm("pvc-2")

    assert record.succeeds == ("pvc-1",)
    assert touched(root / "team") == before
    assert export.recorded() == {"pvc-2"}
    assert export.reclaim("pvc-2", "2", Action.DELETE).outcome == "trashed"


def test_a_directory_whose_policy_was_retain_counts_as_retained(export: Leading) -> None:
    assert published(export, policy="Retain").was_retained
    assert published(export, "2", "b", action=Action.RETAIN).was_retained
    assert not published(export, "3", "c").was_retained


def test_taking_up_can_be_undone_and_the_record_of_before_stays(
    root: Path, export: Leading
) -> None:
    published(export)
    (root / "team/data/file").write_text("data")
    export.reclaim("pvc-1", "1", Action.RETAIN)
    before = listing(root)
    export.create(plan("2"), ["pvc-1"])

    export.undo("pvc-2")

    assert listing(root) == before


def test_what_an_archive_was_begun_of_is_not_taken_up(root: Path, export: Leading) -> None:
    published(export, policy="Retain")
    record = root / ".holdfast/volumes/pvc-1"
    fields = json.loads(record.read_text()) | {"target": "archived-data"}
    record.write_text(json.dumps(fields))

    with pytest.raises(DirectoryTaken):
        export.create(plan("2"), ["pvc-1"])


def test_only_the_same_path_is_taken_up(export: Leading) -> None:
    published(export)
    export.reclaim("pvc-1", "1", Action.RETAIN)

    for other in ("team", "team/data/deeper"):
        with pytest.raises(DirectoryTaken):
            export.create(plan("2", other), ["pvc-1"])


def test_an_adopted_volume_has_a_record_and_its_directory(root: Path, export: Leading) -> None:
    (root / "team/data").mkdir(parents=True)
    before = touched(root)

    export.adopt(adopted())

    record = found(export)
    assert record.inode != UNKNOWN
    assert record == adopted(
        created=record.created, inode=record.inode, export=ID, origin="cluster"
    )
    assert touched(root) == before
    assert export.recorded() == {"pvc-1"}
    with pytest.raises(DirectoryTaken):
        export.create(plan("2"))


def test_adopting_does_not_change_a_record_that_is_there(export: Leading) -> None:
    record = published(export)

    export.adopt(adopted(directory="elsewhere"))

    assert found(export) == record
    export.create(plan("2", "elsewhere"))
