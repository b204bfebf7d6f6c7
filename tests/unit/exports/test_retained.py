"""A claim reuses a retained directory: only that one, and not while it is somewhere else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from holdfast.claims.parameters import Action
from holdfast.exports import create, recover_directory
from holdfast.exports.errors import Unsafe
from holdfast.exports.interface import Outcome
from holdfast.exports.record import DirectoryTaken, State
from tests.unit.exports.faults import Crash, Fault, each_call, injected
from tests.unit.exports.given import Leading, export_at, found, listing, plan, published


@pytest.fixture
def retained(root: Path, export: Leading) -> Leading:
    """The retained directory of a deleted volume, with data."""
    published(export, "1", "team/data", policy="Retain")
    (root / "team/data/file").write_text("data")
    return export


def _replaced(root: Path) -> None:
    """A person moves the retained directory away, and puts another one there."""
    (root / "team/data").rename(root / "saved")
    (root / "team/data").mkdir()
    (root / "team/data/own").write_text("a person's")


def test_what_a_person_put_in_its_place_is_refused(root: Path, retained: Leading) -> None:
    _replaced(root)
    before = listing(root)

    with pytest.raises(Unsafe, match="is not the directory that was retained for volume pvc-1"):
        retained.create(plan("2"), ["pvc-1"])

    assert listing(root) == before


def test_what_a_person_put_in_its_place_is_foreign_where_the_class_uses_such(
    root: Path, retained: Leading
) -> None:
    _replaced(root)

    made = retained.create(plan("2", use_existing=True), ["pvc-1"])
    retained.confirm("pvc-2")

    assert (made.found, made.foreign) == (True, True)
    assert retained.reclaim("pvc-2", "2", Action.DELETE).outcome is Outcome.RETAINED
    assert (root / "team/data/own").exists()


def test_what_a_person_put_in_place_of_a_shared_one_is_refused(root: Path, export: Leading) -> None:
    """Else the last volume would remove it."""
    published(export, "1", shared=True)
    _replaced(root)

    with pytest.raises(Unsafe, match="is not the directory that was created for volume pvc-1"):
        export.create(plan("2", shared=True))

    assert export.find("pvc-2") is None


def test_what_a_person_put_in_place_of_a_shared_one_is_foreign_where_the_class_uses_such(
    root: Path, export: Leading
) -> None:
    published(export, "1", shared=True)
    _replaced(root)

    assert published(export, "2", shared=True, use_existing=True).foreign


def test_it_is_made_anew_where_a_person_has_removed_it(root: Path, retained: Leading) -> None:
    (root / "team/data/file").unlink()
    (root / "team/data").rmdir()

    made = retained.create(plan("2"), ["pvc-1"])
    retained.confirm("pvc-2")

    assert not made.found
    assert retained.recorded() == {"pvc-2"}


def _half_recovered(root: Path, monkeypatch: pytest.MonkeyPatch) -> Leading:
    """The process ends after the record was moved back from the trash, before the directory."""
    export = export_at(root)
    published(export, "1", "team/data")
    (root / "team/data/file").write_text("data")
    export.reclaim("pvc-1", "1", Action.DELETE)

    def crash(*_: object) -> str:
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(recover_directory, "_move_to_path", crash)
        with pytest.raises(Crash):
            export.exports.recover(export.grant, "pvc-1", "Retain")
    record = found(export)
    export.exports.update_record(export.grant, "pvc-1", record.claim, "1Gi", "Retain")
    return Leading(root)


def test_one_that_is_still_in_the_trash_is_waited_for(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = _half_recovered(root, monkeypatch)

    with pytest.raises(Unsafe, match=r"volume pvc-1 is at '\.holdfast/trash/pvc-1', not at"):
        export.create(plan("2"), ["pvc-1"])

    export.exports.sweep(export.grant)
    assert export.create(plan("2"), ["pvc-1"]).found
    assert (root / "team/data/file").read_text() == "data"


def test_one_that_very_many_shared_is_reused_once_few_of_their_records_are_left(
    root: Path, export: Leading, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A record that names thousands would be too long."""
    monkeypatch.setattr(create, "_MOST_REUSED", 2)
    monkeypatch.setattr(create, "_AT_ONCE", 3)
    for uid in "1234567":
        published(export, uid, policy="Retain", shared=True)
    (root / "team/data/file").write_text("data")

    for left in (4, 2):
        with pytest.raises(Unsafe, match="all but 2 first, in parts, and will retry"):
            export.create(plan("8"), sorted(export.recorded()))
        assert len(export.recorded()) == left
    assert set(export.create(plan("8"), sorted(export.recorded())).succeeds) < export.recorded()
    export.confirm("pvc-8")

    assert export.recorded() == {"pvc-8"}
    assert (root / "team/data/file").read_text() == "data"


def _half_confirmed(folder: Path, files: Sequence[str]) -> Iterator[Leading]:
    """Exports on which a reuse of two volumes' directory was confirmed up to each step."""
    for number in each_call():
        root = folder / f"{number}"
        export = export_at(root)
        for uid in "12":
            published(export, uid, policy="Retain", shared=True)
        for name in files:
            (root / "team/data" / name).write_text("data")
        export.create(plan("3"), ["pvc-1", "pvc-2"])
        with injected(Fault.CRASH, number) as state, suppress(Crash):
            export.confirm("pvc-3")
        if not state.struck:
            assert number > 5
            return
        yield Leading(root)


FILES = pytest.mark.parametrize("files", [(), ("file",)], ids=["empty", "with data"])


@FILES
def test_one_stays_with_its_record_if_its_reuse_ends_halfway_and_is_undone(
    memory: Path, files: Sequence[str]
) -> None:
    """Neither the claim nor the volume exist any more when the next term begins."""
    for export in _half_confirmed(memory, files):
        export.undo("pvc-3")

        assert (export.root / "team/data").is_dir()
        recorded = export.recorded()
        assert recorded in ({"pvc-1", "pvc-2"}, {"pvc-1"}, {"pvc-2"}, {"pvc-3"})
        assert set(export.create(plan("4"), sorted(recorded)).succeeds) == recorded
        export.confirm("pvc-4")
        assert export.recorded() == {"pvc-4"}


@FILES
def test_one_stays_if_its_reuse_ends_halfway_is_tried_again_and_undone_then(
    memory: Path, files: Sequence[str]
) -> None:
    for export in _half_confirmed(memory, files):
        if "pvc-3" not in {record.volume for record in export.unconfirmed()}:
            continue
        export.create(plan("3"))
        export.undo("pvc-3")

        assert (export.root / "team/data").is_dir()
        assert export.recorded()


@pytest.mark.parametrize("cluster", ["cluster", "another"])
def test_one_that_is_still_in_the_folder_of_a_term_is_waited_for(
    root: Path, retained: Leading, cluster: str
) -> None:
    (term,) = root.glob(".holdfast/terms/cluster.nfs/[0-9]*")
    (root / "team/data").rename(term / "-pvc-1")
    export = retained if cluster == "cluster" else Leading(root, cluster=cluster)

    with pytest.raises(Unsafe, match=r"volume pvc-1 is at '\.holdfast/terms/.*', not at"):
        export.create(plan("2"), ["pvc-1"])

    retained.exports.sweep(retained.grant)
    assert export.create(plan("2"), ["pvc-1"]).found


def test_one_that_is_in_the_trash_is_waited_for_though_another_is_at_its_path(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = _half_recovered(root, monkeypatch)
    (root / "team/data").mkdir(parents=True)

    with pytest.raises(Unsafe, match=r"volume pvc-1 is at '\.holdfast/trash/pvc-1', not at"):
        export.create(plan("2", use_existing=True), ["pvc-1"])


def test_a_volume_that_is_live_only_by_its_record_is_not_joined_but_reused(
    root: Path, export: Leading
) -> None:
    """It was deleted with policy Retain: nobody told the export."""
    published(export, "1", policy="Retain", shared=True)
    (root / "team/data/file").write_text("data")

    with pytest.raises(DirectoryTaken) as caught:
        export.create(plan("2", shared=True, joins=False))
    assert [record.volume for record in caught.value.records] == ["pvc-1"]

    made = export.create(plan("2", shared=True, joins=False), ["pvc-1"])
    export.confirm("pvc-2")
    assert (made.found, made.foreign, made.succeeds) == (True, False, ("pvc-1",))
    assert export.find("pvc-1") is None
    assert (root / "team/data/file").exists()


def test_an_attempt_that_has_not_ended_is_joined(export: Leading) -> None:
    export.create(plan("1", shared=True))

    made = export.create(plan("2", shared=True, joins=False))

    assert made.succeeds == ()
    export.confirm("pvc-2")
    assert export.find("pvc-1") is not None


def _kept(export: Leading, root: Path) -> None:
    """The undo of an attempt has retained the directory, as it held a file."""
    export.create(plan())
    (root / "team/data/file").write_text("data")
    export.undo("pvc-1")


def test_the_next_attempt_of_the_same_claim_gets_what_its_undo_has_kept(
    root: Path, export: Leading
) -> None:
    _kept(export, root)

    record = export.create(plan(), ["pvc-1"])

    assert (record.state, record.moved, record.succeeds) == (State.LIVE, "", ())
    assert export.exports.is_unfinished("pvc-1")
    assert (root / "team/data/file").read_text() == "data"
    export.undo("pvc-1")
    assert found(export).state is State.RETAINED


def test_what_a_volume_that_shared_it_demanded_outlives_the_undo(
    root: Path, export: Leading
) -> None:
    export.create(plan("2", shared=True))
    export.confirm("pvc-2")
    (root / "team/data/file").write_text("data")
    export.create(plan(shared=True))
    export.reclaim("pvc-2", "2", Action.RETAIN)
    export.undo("pvc-1")

    export.create(plan(shared=True), ["pvc-1"])
    export.confirm("pvc-1")

    assert export.reclaim("pvc-1", "1", Action.DELETE).outcome is Outcome.RETAINED
    assert (root / "team/data/file").read_text() == "data"


def test_it_is_asked_whether_the_next_attempt_may_have_it(root: Path, export: Leading) -> None:
    _kept(export, root)

    with pytest.raises(DirectoryTaken):
        export.create(plan())

    assert found(export).state is State.RETAINED


@pytest.mark.parametrize("other", ["claim", "directory"])
def test_no_other_claim_and_path_gets_it_by_the_name_of_the_volume(
    root: Path, export: Leading, other: str
) -> None:
    _kept(export, root)
    wanted = plan(directory="other") if other == "directory" else plan()
    if other == "claim":
        wanted = replace(wanted, claim=replace(wanted.claim, uid="2"))

    with pytest.raises(DirectoryTaken):
        export.create(wanted, ["pvc-1"])

    assert found(export).state is State.RETAINED
