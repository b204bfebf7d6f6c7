"""Many threads at once, as the workers of a controller are."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from holdfast.claims.parameters import Action
from holdfast.exports.errors import ExportError, Unsafe
from holdfast.exports.record import Record
from tests.unit.exports.given import Leading, listing, plan, published


def at_once(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """What each call gave, or the ExportError it raised, all begun at the same moment."""
    results: list[Any] = [None] * len(calls)
    begin = threading.Barrier(len(calls))

    def run(number: int) -> None:
        begin.wait(10)
        try:
            results[number] = calls[number]()
        except ExportError as error:  # any other ends the thread, which fails the test
            results[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not any(thread.is_alive() for thread in threads)
    return results


def refused(results: Sequence[Any]) -> int:
    """How many were refused because a directory overlaps one that another volume has."""
    words = "is being created for volume"
    return sum(isinstance(one, Unsafe) and words in one.message for one in results)


@pytest.mark.parametrize("round_", range(5))
def test_one_of_many_wins_a_path(root: Path, export: Leading, round_: int) -> None:
    path = f"team/data-{round_}"
    results = at_once([partial(export.create, plan(f"{n}", path)) for n in range(16)])

    won = [result for result in results if isinstance(result, Record)]
    assert len(won) == 1
    assert refused(results) == 15
    assert export.unconfirmed() == won
    assert (root / path).is_dir()


@pytest.mark.parametrize("round_", range(5))
def test_of_nested_paths_none_is_within_another(export: Leading, round_: int) -> None:
    paths = ["a", "a/b", "a/b/c", "a/b/c/d", "a/x", "a/x/y", "a/b/z", "a", "a/x", "b"] * 2
    results = at_once(
        [partial(export.create, plan(f"{round_}-{n}", path)) for n, path in enumerate(paths)]
    )

    won = sorted(record.directory for record in export.unconfirmed())
    assert "b" in won
    assert len(won) + refused(results) == len(paths)
    for one in won:
        assert [other for other in won if (other + "/").startswith(one + "/")] == [one]


def test_one_volume_made_by_many_is_one(root: Path, export: Leading) -> None:
    results = at_once([lambda: export.create(plan())] * 16)

    assert {result.volume for result in results} == {"pvc-1"}
    assert len(export.unconfirmed()) == 1
    assert (root / "team/data").is_dir()


def test_one_volume_reclaimed_by_many_is_moved_once(root: Path, export: Leading) -> None:
    published(export)
    (root / "team/data/file").write_text("data")

    results = at_once([lambda: export.reclaim("pvc-1", "1", Action.DELETE)] * 16)

    assert {result.outcome for result in results} == {"trashed"}
    assert (root / ".holdfast/trash/pvc-1/file").read_text() == "data"


def test_archives_of_equal_names_do_not_meet(root: Path, export: Leading) -> None:
    for number in range(16):
        published(export, f"{number}", f"team-{number}/data")
        (root / f"team-{number}/data/file").write_text(f"{number}")

    results = at_once(
        [partial(export.reclaim, f"pvc-{n}", f"{n}", Action.ARCHIVE) for n in range(16)]
    )

    assert {(root / moved.place / "file").read_text() for moved in results} == {
        f"{number}" for number in range(16)
    }


def test_a_record_on_its_way_is_always_found(export: Leading) -> None:
    missed: list[str] = []
    ended = threading.Event()

    def look() -> None:
        while not ended.is_set():
            names = [f"pvc-{number}" for number in range(60) if made[number]]
            missed.extend(name for name in names if export.find(name) is None)

    made = [False] * 60
    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        for number in range(60):
            export.create(plan(f"{number}", f"data-{number}"))
            made[number] = True
            export.confirm(f"pvc-{number}")
            export.reclaim(f"pvc-{number}", f"{number}", Action.DELETE)
    finally:
        ended.set()
        watcher.join(10)

    assert missed == []


def test_whole_lives_beside_each_other_leave_nothing(root: Path, export: Leading) -> None:
    before = listing(root)

    def live(uid: str) -> None:
        for _ in range(5):
            published(export, uid, f"data-{uid}")
            (root / f"data-{uid}/file").write_text(uid)
            export.reclaim(f"pvc-{uid}", uid, Action.DELETE)
            export.exports.reap(export.grant, f"pvc-{uid}", 10)

    results = at_once([partial(live, f"{n}") for n in range(8)])

    assert results == [None] * 8
    assert listing(root) == before
