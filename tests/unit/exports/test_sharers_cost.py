"""What a volume costs does not grow with those that share its directory (rule 6)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from holdfast.claims.parameters import Action
from holdfast.exports.errors import Unsafe
from holdfast.exports.interface import Outcome
from holdfast.exports.record import DirectoryTaken
from tests.unit.exports.given import (
    Leading,
    adopted,
    found,
    joining_at_once,
    opened,
    plan,
    published,
)

_MANY = 40
_MARGIN = 12  # the folder of marks comes and goes


def _made(export: Leading, *, use_existing: bool = False) -> None:
    published(export, "x", "data", shared=True, use_existing=use_existing)


def _released(export: Leading) -> None:
    assert export.reclaim("pvc-x", "x", Action.DELETE).outcome is Outcome.SHARED


def _left(export: Leading) -> None:
    left = export.exports.leave(export.grant, "pvc-x", "x", Action.DELETE)
    assert left is not None
    assert left.outcome is Outcome.SHARED


def _undone(export: Leading) -> None:
    export.undo("pvc-x")


@pytest.mark.parametrize(
    ("before", "act"),
    [
        (lambda _: None, _made),
        (_made, _released),
        (_made, _left),
        (lambda export: export.create(plan("x", "data", shared=True)), _undone),
    ],
)
def test_an_operation_reads_as_much_with_many_sharers_as_with_two(
    export: Leading,
    monkeypatch: pytest.MonkeyPatch,
    before: Callable[[Leading], object],
    act: Callable[[Leading], None],
) -> None:
    for uid in "12":
        published(export, uid, "data", shared=True)
    before(export)
    few = opened(monkeypatch, lambda: act(export))
    if export.find("pvc-x"):
        export.reclaim("pvc-x", "x", Action.DELETE)
        export.reap()
    for number in range(_MANY):
        published(export, f"more-{number}", "data", shared=True)
    before(export)

    many = opened(monkeypatch, lambda: act(export))

    assert many <= few + _MARGIN


def test_one_that_does_not_share_is_refused_by_every_sharer(export: Leading) -> None:
    for uid in "12":
        published(export, uid, "data", shared=True)

    for directory in ("data", "data/deeper"):
        with pytest.raises(DirectoryTaken):
            export.create(plan("3", directory, shared=directory != "data"))


def test_inherited_volumes_do_not_answer_for_each_other(root: Path, export: Leading) -> None:
    """Their class may have begun to share between them."""
    (root / "data").mkdir()
    for uid, shared in (("1", True), ("2", False), ("3", True)):
        export.adopt(adopted(uid, "data", shared=shared))

    with pytest.raises(DirectoryTaken) as caught:
        export.create(plan("4", "data", shared=True))

    assert [record.volume for record in caught.value.records] == ["pvc-2"]


def test_one_in_the_making_does_not_answer_for_what_it_reuses(export: Leading) -> None:
    published(export, "1", "data", shared=True)
    export.reclaim("pvc-1", "1", Action.RETAIN)
    export.create(plan("2", "data", shared=True), ["pvc-1"])

    with pytest.raises(DirectoryTaken) as caught:
        export.create(plan("3", "data", shared=True, namespace="other"))

    assert [record.volume for record in caught.value.records] == ["pvc-1"]


def test_one_whose_directory_a_person_replaced_does_not_answer_for_the_others(
    root: Path, export: Leading, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a restore: each record is read."""
    for number in range(_MANY):
        published(export, f"{number}", "data", shared=True)
    (root / "data").rename(root / "away")
    (root / "data").mkdir()

    joined = opened(monkeypatch, lambda: _made(export, use_existing=True))

    assert joined > 3 * _MANY


def test_the_last_is_not_left(root: Path, export: Leading) -> None:
    published(export, "1", "data", shared=True)
    before = found(export)

    assert export.exports.leave(export.grant, "pvc-1", "1", Action.DELETE) is None
    assert found(export) == before
    assert (root / "data").is_dir()


def test_one_that_is_retained_is_not_left_again(export: Leading) -> None:
    published(export, "1", "data", shared=True)
    export.reclaim("pvc-1", "1", Action.RETAIN)

    assert export.exports.leave(export.grant, "pvc-1", "1", Action.DELETE) is None


def test_leaving_can_be_repeated_and_asks_for_the_claims_uid(export: Leading) -> None:
    for uid in "12":
        published(export, uid, "data", shared=True)

    for _ in range(2):
        left = export.exports.leave(export.grant, "pvc-1", "1", Action.RETAIN)
        assert left is not None
        assert left.outcome is Outcome.SHARED
    with pytest.raises(Unsafe, match="no record names volume pvc-2"):
        export.exports.leave(export.grant, "pvc-2", "other", Action.RETAIN)
    assert export.reclaim("pvc-2", "2", Action.DELETE).outcome is Outcome.RETAINED


def test_one_that_is_foreign_is_left_to_be_retained(root: Path, export: Leading) -> None:
    (root / "data").mkdir()
    for uid in "12":
        published(export, uid, "data", shared=True, use_existing=True)

    export.exports.leave(export.grant, "pvc-1", "1", Action.DELETE)

    assert (root / ".holdfast/directories/data/.retain").is_file()


def test_a_directory_on_its_way_out_is_not_left_to_the_next_at_its_path(
    root: Path, export: Leading
) -> None:
    published(export, "1", "data", shared=True)
    (folder,) = root.glob(".holdfast/terms/cluster.nfs/[0-9]*")
    (root / "data").rename(folder / "-pvc-1")
    with joining_at_once():
        published(export, "2", "data", shared=True)

    assert export.exports.leave(export.grant, "pvc-1", "1", Action.DELETE) is None
