"""An undo that ends halfway, and the claim, still pending, is served after all (rules 1 and 4).

`undo` moves the empty directory to the term's folder, then removes it, then the record. Wherever
it ends, the volume has one directory afterwards, and what is done to the volume is done to that.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from holdfast.claims.parameters import Action
from holdfast.exports.errors import DirectoryGone, ExportError, Fenced, Unsafe
from holdfast.exports.record import Record, State
from tests.unit.exports.faults import Crash, Fault, each_call, injected
from tests.unit.exports.given import (
    Leading,
    adopted,
    export_at,
    found,
    joining_at_once,
    listing,
    plan,
    published,
    visible,
)
from tests.unit.exports.operations import undone_halfway

SHARED = pytest.mark.parametrize("shared", [False, True], ids=["alone", "shared"])


STEPS = 29  # more than an undo's changes and syncs


def term_of(root: Path) -> Path:
    """The folder of the only term."""
    (term,) = root.glob(".holdfast/terms/*/[0-9]*")
    return term


def cut_short(folder: Path, fault: Fault, *, shared: bool) -> Iterator[Leading]:
    """An export for each call of an undo at which that was cut short, and who leads it then."""
    for number in each_call():
        root = folder / f"{number}"
        export = export_at(root)
        export.create(plan(shared=shared))
        with injected(fault, number) as state, suppress(Crash, ExportError):
            export.undo("pvc-1")
        if not state.struck:
            assert number > 3
            return
        yield Leading(root) if fault is Fault.CRASH else export
        shutil.rmtree(root)


def served(export: Leading, *, shared: bool, action: Action = Action.DELETE) -> None:
    """The next attempt of the claim, whose volume is used then."""
    export.create(plan(shared=shared, action=action))
    export.confirm("pvc-1")
    (export.root / "team/data/file").write_text("precious")


@SHARED
@pytest.mark.parametrize("fault", Fault)
class TestAnywhere:
    """At each call, by each fault."""

    def test_the_next_attempt_leaves_nothing_to_put_back(
        self, memory: Path, fault: Fault, *, shared: bool
    ) -> None:
        for export in cut_short(memory, fault, shared=shared):
            served(export, shared=shared)

            assert export.exports.sweep(export.grant) == ()
            assert export.begin().moving == ()

    def test_the_volume_is_archived_with_its_data(
        self, memory: Path, fault: Fault, *, shared: bool
    ) -> None:
        for export in cut_short(memory, fault, shared=shared):
            served(export, shared=shared, action=Action.ARCHIVE)
            export.reclaim("pvc-1", "1", Action.ARCHIVE)

            assert (export.root / "archived-data/file").read_text() == "precious"
            assert not (export.root / "team").exists()

    def test_the_volume_is_deleted_with_its_data(
        self, memory: Path, fault: Fault, *, shared: bool
    ) -> None:
        for export in cut_short(memory, fault, shared=shared):
            served(export, shared=shared)
            export.reclaim("pvc-1", "1", Action.DELETE)

            assert export.reap() == 0
            assert (visible(export.root), export.recorded()) == ([], set())

    def test_the_volume_is_retained_with_its_data(
        self, memory: Path, fault: Fault, *, shared: bool
    ) -> None:
        for export in cut_short(memory, fault, shared=shared):
            served(export, shared=shared)
            export.reclaim("pvc-1", "1", Action.RETAIN)

            assert found(export).state is State.RETAINED
            assert (export.root / "team/data/file").read_text() == "precious"

    def test_a_second_undo_leaves_nothing(
        self, memory: Path, fault: Fault, *, shared: bool
    ) -> None:
        for export in cut_short(memory, fault, shared=shared):
            export.create(plan(shared=shared))
            export.undo("pvc-1")

            assert (visible(export.root), export.recorded()) == ([], set())
            export.create(plan("2", shared=shared))

    def test_another_volume_of_the_path_has_its_own_directory(
        self, memory: Path, fault: Fault, *, shared: bool
    ) -> None:
        """The class shares paths, or the first claim is deleted meanwhile."""
        for export in cut_short(memory, fault, shared=shared):
            if not shared:
                export.undo("pvc-1")
            published_beside(export, shared=shared)
            if shared:
                served(export, shared=True)
                export.reclaim("pvc-1", "1", Action.DELETE)

            assert (export.root / "team/data/other").read_text() == "precious"
            assert [moved.reason for moved in export.exports.sweep(export.grant)] == []


def published_beside(export: Leading, *, shared: bool) -> None:
    """The next volume of the path, which may have to wait for the end of the undo."""
    with suppress(Unsafe):
        published(export, "2", shared=shared)
    if export.find("pvc-2") is None:
        export.begin()
        export.create(plan(shared=shared))
        published(export, "2", shared=shared)
    (export.root / "team/data/other").write_text("precious")


@pytest.mark.parametrize("at", range(1, STEPS + 1))
def test_an_attempt_that_is_cut_short_too_is_finished_by_the_next(memory: Path, at: int) -> None:
    """Two crashes, one in the undo and one in the create after it, each at each step."""
    for number in each_call():
        root = memory / f"{number}"
        export = export_at(root)
        export.create(plan())
        with injected(Fault.CRASH, at) as undoing, suppress(Crash):
            export.undo("pvc-1")
        assert undoing.struck is (at < STEPS)
        with injected(Fault.CRASH, number) as creating, suppress(Crash):
            Leading(root).create(plan())
        again = Leading(root)
        served(again, shared=False)
        assert again.exports.sweep(again.grant) == ()
        again.reclaim("pvc-1", "1", Action.DELETE)
        again.reap()
        assert visible(root) == []
        if not creating.struck:
            return


@pytest.mark.parametrize("fault", [Fault.CRASH, Fault.LOST, Fault.LOST_THOUGH_DONE])
def test_a_volume_that_was_made_late_has_a_directory_once_it_is_confirmed(
    memory: Path, fault: Fault
) -> None:
    """The API server knows it after all: its directory is there, or it is not confirmed."""
    for export in cut_short(memory, fault, shared=False):
        if export.find("pvc-1") is None:
            continue
        try:
            export.confirm("pvc-1")
        except DirectoryGone:
            export.create(plan())
            export.confirm("pvc-1")
        assert (export.root / "team/data").is_dir()
        assert export.exports.sweep(export.grant) == ()


@pytest.mark.parametrize("fault", [Fault.CRASH, Fault.LOST, Fault.LOST_THOUGH_DONE])
@pytest.mark.parametrize("first", ["update", "recover"])
def test_a_volume_that_was_made_late_is_not_confirmed_in_passing(
    memory: Path, fault: Fault, first: str
) -> None:
    """A person sets it to Retain before its claim is looked at."""
    for export in cut_short(memory, fault, shared=False):
        if export.find("pvc-1") is None:
            continue
        with suppress(DirectoryGone):
            if first == "update":
                claim = found(export).claim
                export.exports.update_record(export.grant, "pvc-1", claim, "1Gi", "Retain")
            else:
                export.exports.recover(export.grant, "pvc-1", "Retain")
        assert export.exports.is_unfinished("pvc-1") or (export.root / "team/data").is_dir()
        export.create(plan())
        export.confirm("pvc-1")
        assert (export.root / "team/data").is_dir()


@pytest.mark.parametrize("use_existing", [False, True], ids=["made", "found"])
def test_a_volume_that_was_made_late_is_not_confirmed_at_anothers_directory(
    memory: Path, *, use_existing: bool
) -> None:
    """By the time that it is confirmed, a claim of another namespace may have the path."""
    for number in each_call():
        root = memory / f"{number}"
        export = export_at(root)
        if use_existing:
            (root / "team/data").mkdir(parents=True)
        export.create(plan(use_existing=use_existing))
        (root / "filler").mkdir()  # so that the inode number is not used again
        with injected(Fault.LOST, number) as state, suppress(ExportError):
            export.undo("pvc-1")
        if not state.struck:
            assert number > 3
            return
        with suppress(ExportError):
            published(export, "2", namespace="other", use_existing=use_existing)
        with suppress(ExportError):
            export.confirm("pvc-1")
        records = [export.find("pvc-1"), export.find("pvc-2")]
        assert sum(one is not None and not is_unconfirmed(root, one) for one in records) <= 1


def is_unconfirmed(root: Path, record: Record) -> bool:
    return (root / ".holdfast/creating" / record.volume).exists()


def test_a_call_of_the_former_leader_finds_nothing_to_undo(root: Path, export: Leading) -> None:
    undone_halfway(export, root)
    former = export.grant
    led = Leading(root)
    served(led, shared=False)

    with pytest.raises(Fenced):
        export.exports.undo(former, "pvc-1")
    assert (root / "team/data/file").read_text() == "precious"


def test_what_was_written_there_meanwhile_is_moved_back(root: Path, either: Leading) -> None:
    undone_halfway(either, root)
    (term_of(root) / "-pvc-1/file").write_text("precious")

    record = either.create(plan())

    assert (root / "team/data/file").read_text() == "precious"
    assert record.inode.number == (root / "team/data").stat().st_ino


def test_that_cannot_be_moved_back_over_what_another_volume_has_by_now(
    root: Path, export: Leading
) -> None:
    """Nobody is told to move that away."""
    export.create(plan(shared=True))
    (root / "team/data").rename(term_of(root) / "-pvc-1")
    (term_of(root) / "-pvc-1/file").write_text("precious")
    with joining_at_once():
        published(export, "2", shared=True)

    with pytest.raises(Unsafe, match="'team/data' is now in use by volume pvc-2: move"):
        export.create(plan(shared=True))
    assert (term_of(root) / "-pvc-1/file").read_text() == "precious"


@pytest.mark.parametrize("has_data", [False, True], ids=["empty", "with data"])
def test_what_was_made_in_place_of_a_shared_directory_is_undone_as_if_it_were_alone(
    root: Path, export: Leading, *, has_data: bool
) -> None:
    """That of the other volume is in the term's folder; an empty one would keep it there."""
    served(export, shared=True)
    (root / "team/data").rename(term_of(root) / "-pvc-1")
    with joining_at_once():
        export.create(plan("2", shared=True))
    if has_data:
        (root / "team/data/other").write_text("precious")

    export.undo("pvc-2")

    if has_data:
        assert (found(export, "2").state, (root / "team/data/other").exists()) == ("retained", True)
    else:
        assert export.find("pvc-2") is None
        assert export.exports.move_back(export.grant, "pvc-1") == "team/data"
        assert (root / "team/data/file").read_text() == "precious"


class TestAnotherDirectory:
    """In the term's folder under the volume's name: nobody takes it for the volume's."""

    CALLS = pytest.mark.parametrize(
        "call",
        [
            *(
                partial(Leading.reclaim, volume="pvc-1", claim_uid="1", action=one)
                for one in Action
            ),
            lambda export: export.exports.move_back(export.grant, "pvc-1"),
            lambda export: export.exports.leave(export.grant, "pvc-1", "1", Action.DELETE),
        ],
        ids=[*Action, "move back", "leave"],
    )

    @CALLS
    @pytest.mark.parametrize("is_gone", [False, True], ids=["there", "gone"])
    def test_one_with_data_is_left_alone_and_so_is_the_volumes_own(
        self, root: Path, export: Leading, call: Callable[[Leading], object], *, is_gone: bool
    ) -> None:
        served(export, shared=False)
        self.put(root, "file")
        if is_gone:
            shutil.rmtree(root / "team/data")
        before = listing(root)

        with pytest.raises(Unsafe, match="-pvc-1 is not the directory that was created for volume"):
            call(export)

        assert listing(root) == before

    @CALLS
    def test_an_empty_one_is_left_alone_where_the_volumes_own_is_not_at_its_path(
        self, root: Path, export: Leading, call: Callable[[Leading], object]
    ) -> None:
        published(export)
        self.put(root)
        (root / "team/data").rename(root / "team/elsewhere")

        with pytest.raises(Unsafe, match="-pvc-1 is not the directory that was created for volume"):
            call(export)

        assert (term_of(root) / "-pvc-1").is_dir()

    def test_a_sweep_removes_an_empty_one_that_an_earlier_version_left(
        self, root: Path, either: Leading
    ) -> None:
        served(either, shared=False)
        self.put(root)

        assert either.exports.sweep(either.grant) == ()

        assert not (term_of(root) / "-pvc-1").exists()
        assert either.reclaim("pvc-1", "1", Action.DELETE).outcome == "trashed"

    @pytest.mark.parametrize("state", ["live", "trashed", "archived", "without a record"])
    def test_a_sweep_reports_one_with_data(self, root: Path, either: Leading, state: str) -> None:
        if state != "without a record":
            served(either, shared=False)
        if state in {"trashed", "archived"}:
            action = Action.DELETE if state == "trashed" else Action.ARCHIVE
            either.reclaim("pvc-1", "1", action)
        either.begin()
        self.put(root, "file")

        (said,) = either.exports.sweep(either.grant)

        assert (said.volume, said.found_at) == ("pvc-1", ".holdfast/terms/…/-pvc-1")
        assert "move it to where it belongs" in said.reason.replace("the directory", "it")
        assert (term_of(root) / "-pvc-1/file").exists()

    def test_no_directory_is_made_for_a_volume_without_a_record_that_has_one_there(
        self, root: Path, either: Leading
    ) -> None:
        either.begin()
        self.put(root, "file")

        with pytest.raises(Unsafe, match=r"-pvc-1 has no record: move it to where it belongs"):
            either.create(plan())
        assert visible(root) == []

    def test_a_directory_in_the_trash_does_not_replace_an_empty_one(
        self, root: Path, export: Leading
    ) -> None:
        served(export, shared=False)
        (root / "team/data").rename(root / ".holdfast/trash/pvc-1")
        self.put(root)

        reasons = [moved.reason for moved in export.exports.sweep(export.grant)]

        assert len(reasons) == 2
        assert all("is not the directory that was created" in reason for reason in reasons)
        assert (root / ".holdfast/trash/pvc-1/file").read_text() == "precious"

    @pytest.mark.parametrize("action", Action)
    def test_a_record_without_an_inode_fits_both_so_that_neither_is_moved(
        self, root: Path, export: Leading, action: Action
    ) -> None:
        export.adopt(adopted("1", "data"))
        (root / "data").mkdir()
        self.put(root)
        before = listing(root)

        with pytest.raises(Unsafe, match="cannot tell which is the directory of volume pvc-1"):
            export.reclaim("pvc-1", "1", action)
        assert listing(root) == before

    def put(self, root: Path, *files: str) -> None:
        """A directory that is not the volume's."""
        (term_of(root) / "-pvc-1").mkdir()
        for name in files:
            (term_of(root) / "-pvc-1" / name).write_text("somebody's own")


def test_a_volume_in_use_whose_directory_is_being_moved_is_not_to_be_deleted(
    root: Path, either: Leading
) -> None:
    served(either, shared=False)
    (root / "team/data").rename(term_of(root) / "-pvc-1")

    with pytest.raises(Unsafe, match="Holdfast moves it back and will retry") as caught:
        either.create(plan())
    assert not isinstance(caught.value, DirectoryGone)
