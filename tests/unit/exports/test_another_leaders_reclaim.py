"""A sweep and another leader's reclaim at the same time: neither undoes what the other does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from holdfast.claims.parameters import Action
from holdfast.exports.errors import Unsafe
from holdfast.exports.interface import Leader, Outcome, Takeover
from holdfast.exports.ledger import Ledger
from holdfast.exports.record import Record, State
from tests.unit.exports.given import Leading, export_at, found, published, visible


class Second(Leading):
    """A leader by another lease of the same cluster."""

    @property
    def takeover(self) -> Takeover:
        if self._takeover is None:
            self._takeover = self.exports.begin(Leader(self.cluster, "second"))
        return self._takeover


@pytest.fixture
def deleting(root: Path) -> Leading:
    """A leader with one volume, which holds data."""
    export = export_at(root)
    published(export, "1", "data")
    (root / "data/file").write_text("data")
    return export


@pytest.fixture
def before_the_record_moves(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Has something done once, between the rename into the trash and that of the record."""
    discard = Ledger.discard

    def arrange(do: Callable[[], object]) -> None:
        def discarded(self: Ledger, record: Record) -> None:
            monkeypatch.setattr(Ledger, "discard", discard)
            do()
            discard(self, record)

        monkeypatch.setattr(Ledger, "discard", discarded)

    return arrange


def _swept(export: Leading) -> list[str]:
    return [back.volume for back in export.exports.sweep(export.grant)]


def test_a_sweep_of_another_cluster_leaves_it_alone(
    root: Path, deleting: Leading, before_the_record_moves: Callable[..., None]
) -> None:
    other = Leading(root, cluster="another")
    swept = list[str]()
    before_the_record_moves(lambda: swept.extend(_swept(other) + _swept(other)))

    assert deleting.reclaim("pvc-1", "1", Action.DELETE).outcome is Outcome.TRASHED
    assert (swept, deleting.reap(), visible(root)) == ([], 0, [])


def test_one_sweep_of_another_leader_of_the_cluster_leaves_it_alone(
    root: Path, deleting: Leading, before_the_record_moves: Callable[..., None]
) -> None:
    other = Second(root)
    swept = list[str]()
    before_the_record_moves(lambda: swept.extend(_swept(other)))

    assert deleting.reclaim("pvc-1", "1", Action.DELETE).outcome is Outcome.TRASHED
    assert swept + _swept(other) + _swept(other) == []


def test_what_another_leader_has_put_back_is_deleted_by_the_next_attempt(
    root: Path, deleting: Leading, before_the_record_moves: Callable[..., None]
) -> None:
    """Of a leader that hangs for so long that the other sweeps twice."""
    other = Second(root)
    swept = list[str]()
    before_the_record_moves(lambda: swept.extend(_swept(other) + _swept(other)))

    with pytest.raises(Unsafe, match="moved back meanwhile"):
        deleting.reclaim("pvc-1", "1", Action.DELETE)

    assert swept == ["pvc-1"]
    assert (found(deleting).state, (root / "data/file").read_text()) == (State.LIVE, "data")
    assert deleting.reclaim("pvc-1", "1", Action.DELETE).outcome is Outcome.TRASHED
    assert (deleting.reap(), visible(root)) == (0, [])


def test_a_live_volumes_directory_is_put_back_by_the_second_sweep_where_there_are_two_leaders(
    root: Path, deleting: Leading
) -> None:
    """And of its own cluster's only: the other leads by another lease."""
    Second(root).begin()
    (root / "data").rename(root / ".holdfast/trash/pvc-1")

    assert [_swept(deleting) for _ in range(3)] == [[], ["pvc-1"], []]
    assert (root / "data/file").read_text() == "data"


def test_what_was_not_misplaced_in_between_has_to_be_seen_twice_again(
    root: Path, deleting: Leading
) -> None:
    Second(root).begin()
    for _ in range(2):
        (root / "data").rename(root / ".holdfast/trash/pvc-1")
        assert _swept(deleting) == []
        (root / ".holdfast/trash/pvc-1").rename(root / "data")
        assert _swept(deleting) == []


def test_where_another_clusters_leader_alone_is_there_the_first_sweep_puts_back(
    root: Path, deleting: Leading
) -> None:
    Leading(root, cluster="another").begin()
    (root / "data").rename(root / ".holdfast/trash/pvc-1")

    assert _swept(deleting) == ["pvc-1"]
