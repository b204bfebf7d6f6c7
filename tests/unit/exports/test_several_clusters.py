"""Clusters that share an export touch only their own records (rules 3 and 9), and those of the
clusters that they take over."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from holdfast.claims.objects import ClaimRef
from holdfast.claims.parameters import Action
from holdfast.exports.errors import Fenced, Unsafe
from holdfast.exports.interface import Leader, Outcome
from holdfast.exports.record import State
from tests.unit.exports.given import (
    ID,
    Leading,
    adopted,
    export_at,
    found,
    listing,
    plan,
    published,
)

GONE = "gone"
TRASH = ".holdfast/trash/pvc-1"
COPIED = ClaimRef("elsewhere", "copied", "7")


def _update(export: Leading, policy: str = "Delete") -> None:
    export.exports.update_record(export.grant, "pvc-1", COPIED, "2Gi", policy)


def _leave(export: Leading) -> None:
    export.exports.leave(export.grant, "pvc-1", "1", Action.DELETE)


# What a cluster does about a volume, or a claim, that it knows by the name `pvc-1`.
OF_A_VOLUME: dict[str, Callable[[Leading], object]] = {
    "delete": lambda export: export.reclaim("pvc-1", "1", Action.DELETE),
    "archive": lambda export: export.reclaim("pvc-1", "1", Action.ARCHIVE),
    "retain": lambda export: export.reclaim("pvc-1", "1", Action.RETAIN),
    "leave": _leave,
    "update_record": _update,
    "adopt": lambda export: export.adopt(adopted("1")),
    "create": lambda export: export.create(plan()),
}
OF_AN_ATTEMPT: dict[str, Callable[[Leading], object]] = {
    "confirm": lambda export: export.confirm("pvc-1"),
    "undo": lambda export: export.undo("pvc-1"),
    "delete": lambda export: export.reclaim("pvc-1", "1", Action.DELETE),
    "update_record": _update,
    "create": lambda export: export.create(plan()),
}


@pytest.fixture
def first(root: Path) -> Leading:
    """The cluster that the records belong to."""
    return export_at(root, cluster=GONE)


def with_data(export: Leading) -> None:
    published(export)
    (export.root / "team/data/file").write_text("data")


def crash(*_: object) -> None:
    raise KeyboardInterrupt


class TestAnotherCluster:
    @pytest.mark.parametrize("name", OF_A_VOLUME)
    def test_a_volume_of_the_same_name_does_not_touch_the_directory(
        self, root: Path, first: Leading, either: Leading, name: str
    ) -> None:
        with_data(first)
        _ = either.grant
        before = listing(root)

        with pytest.raises(
            Unsafe, match=r"another cluster, gone.*HOLDFAST_TAKES_OVER=gone"
        ) as told:
            OF_A_VOLUME[name](either)

        assert "set its reclaim policy to Retain, and delete it" in told.value.message
        assert listing(root) == before

    @pytest.mark.parametrize("name", OF_AN_ATTEMPT)
    def test_an_attempt_of_the_same_name_is_neither_confirmed_nor_undone(
        self, root: Path, first: Leading, either: Leading, name: str
    ) -> None:
        first.create(plan())
        _ = either.grant
        before = listing(root)

        with pytest.raises(Unsafe, match="another cluster, gone"):
            OF_AN_ATTEMPT[name](either)

        assert listing(root) == before

    def test_its_trash_is_not_retained(self, root: Path, first: Leading, either: Leading) -> None:
        with_data(first)
        first.reclaim("pvc-1", "1", Action.DELETE)
        _ = either.grant
        before = listing(root)

        with pytest.raises(Unsafe, match="another cluster, gone"):
            _update(either, "Retain")

        assert listing(root) == before

    def test_a_record_without_a_directory_is_not_removed(
        self, root: Path, first: Leading, either: Leading
    ) -> None:
        published(first)
        (root / "team/data").rmdir()

        assert not either.exports.forget(either.grant, "pvc-1")

        assert first.exports.forget(first.grant, "pvc-1")

    def test_a_move_is_not_ended(self, root: Path, first: Leading, either: Leading) -> None:
        with_data(first)
        (term,) = root.glob(f".holdfast/terms/{GONE}.nfs/[0-9]*")
        (root / "team/data").rename(term / "-pvc-1")
        _ = either.grant
        before = listing(root)

        assert either.exports.move_back(either.grant, "pvc-1") == ""

        assert listing(root) == before

    def test_one_of_unknown_uid_still_creates_and_confirms_beside_it(
        self, root: Path, first: Leading
    ) -> None:
        """Which records of unknown origin are its own cannot be told, but those in the making."""
        first.begin()
        (root / f".holdfast/terms/{GONE}.nfs").rename(root / f".holdfast/terms/{GONE}.other")
        unknown = Leading(root, cluster="")

        published(unknown)

        with pytest.raises(Unsafe, match="has no `origin`, and several clusters"):
            unknown.reclaim("pvc-1", "1", Action.DELETE)


class TestTheHeir:
    """A cluster that takes over the records of one that is gone."""

    @pytest.fixture
    def heir(self, root: Path, either: Leading) -> Leading:
        return Leading(root, exports=either.exports, takes_over=("other", GONE))

    @pytest.mark.parametrize("action", Action)
    def test_reclaims_its_volumes(self, first: Leading, heir: Leading, action: Action) -> None:
        with_data(first)

        moved = heir.reclaim("pvc-1", "1", action)

        outcomes = {
            Action.DELETE: Outcome.TRASHED,
            Action.ARCHIVE: Outcome.ARCHIVED,
            Action.RETAIN: Outcome.RETAINED,
        }
        assert moved.outcome is outcomes[action]

    def test_empties_its_trash(self, root: Path, first: Leading, heir: Leading) -> None:
        with_data(first)
        first.reclaim("pvc-1", "1", Action.DELETE)

        assert heir.reap() == 0

        assert not (root / TRASH).exists()

    def test_recovers_its_directories(self, root: Path, first: Leading, heir: Leading) -> None:
        with_data(first)
        first.reclaim("pvc-1", "1", Action.ARCHIVE)

        assert heir.exports.recover(heir.grant, "pvc-1", "Retain") == "team/data"

        assert (root / "team/data/file").exists()

    def test_puts_back_what_a_late_call_moved(
        self, root: Path, first: Leading, heir: Leading
    ) -> None:
        with_data(first)
        _ = heir.grant
        (root / "team/data").rename(root / TRASH)

        [moved] = heir.exports.sweep(heir.grant)

        assert (moved.directory, moved.reason) == ("team/data", "")

    def test_writes_its_own_uid_into_what_it_follows(
        self, root: Path, first: Leading, heir: Leading
    ) -> None:
        """So the variable can be dropped."""
        with_data(first)

        _update(heir)

        assert (found(heir).origin, found(heir).claim) == ("cluster", COPIED)
        without = Leading(root)
        assert without.reclaim("pvc-1", COPIED.uid, Action.DELETE).outcome is Outcome.TRASHED
        assert without.reap() == 0

    def test_does_not_make_a_record_one_of_an_unknown_cluster(
        self, root: Path, first: Leading
    ) -> None:
        with_data(first)
        (root / f".holdfast/terms/{GONE}.nfs").rename(root / f".holdfast/terms/{GONE}.other")
        heir = Leading(root, cluster="", takes_over=(GONE,))

        _update(heir)

        assert (found(heir).origin, found(heir).claim) == (GONE, COPIED)

    def test_is_told_of_its_unfinished_volumes(
        self, root: Path, first: Leading, heir: Leading
    ) -> None:
        begun = first.create(plan())

        assert heir.takeover.unfinished == (begun,)
        heir.undo("pvc-1")

        assert not (root / "team").exists()
        assert heir.recorded() == set()

    def test_ends_its_intents(
        self, root: Path, first: Leading, heir: Leading, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as patch:
            patch.setattr("holdfast.exports.ledger.Ledger.write_creating", crash)
            with pytest.raises(KeyboardInterrupt):
                first.create(plan())
        assert (root / "team/data").is_dir()

        heir.begin()

        assert not (root / "team").exists()
        assert heir.create(plan("2")).volume == "pvc-2"

    def test_takes_over_what_was_being_moved(
        self, root: Path, first: Leading, heir: Leading, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with_data(first)
        with monkeypatch.context() as patch:
            patch.setattr("holdfast.exports.operation.Operation.put_down", crash)
            with pytest.raises(KeyboardInterrupt):
                first.reclaim("pvc-1", "1", Action.ARCHIVE)

        assert heir.takeover.moving == ("pvc-1",)
        assert heir.exports.move_back(heir.grant, "pvc-1") == "team/data"

        assert (root / "team/data/file").exists()

    def test_fences_it(self, first: Leading, heir: Leading) -> None:
        with_data(first)
        _ = heir.grant

        with pytest.raises(Fenced):
            first.reclaim("pvc-1", "1", Action.DELETE)

    def test_has_the_records_of_unknown_origin_if_no_third_cluster_uses_the_export(
        self, root: Path, first: Leading, heir: Leading
    ) -> None:
        with_data(first)
        path = root / ".holdfast/volumes/pvc-1"
        path.write_text(json.dumps({**json.loads(path.read_text()), "origin": ""}))
        first.reclaim("pvc-1", "1", Action.DELETE)

        assert heir.reap() == 0

    def test_leaves_a_third_clusters_records_alone(
        self, root: Path, either: Leading, heir: Leading
    ) -> None:
        third = Leading(root, cluster="third")
        with_data(third)

        with pytest.raises(Unsafe, match="another cluster, third"):
            heir.reclaim("pvc-1", "1", Action.DELETE)

        assert found(either).state is State.LIVE

    def test_that_names_itself_ends_no_term_of_its_other_provisioners(
        self, root: Path, either: Leading
    ) -> None:
        other = Leading(root)
        other.exports.begin(Leader("cluster", "other-lease"))
        heir = Leading(root, exports=either.exports, takes_over=("cluster",))
        _ = heir.grant

        assert [path.name for path in root.glob(".holdfast/terms/cluster.other-lease/[0-9]*")] == [
            f"1.{ID}"
        ]
