"""Leaders of two clusters share a directory: at each step of one's call, the other makes its own.

Their locks do not exclude each other, as they are in different processes.
"""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from holdfast.claims.parameters import Action
from holdfast.exports.errors import ExportError, Unsafe
from holdfast.exports.record import DirectoryTaken, State
from tests.unit.exports.faults import CHANGES, Crash, Fault, each_call, injected
from tests.unit.exports.given import Leading, adopted, export_at, plan, published

_CALLS = (*CHANGES, "scandir", "listdir", "stat", "readlink")
_RETRIES = 3  # of each: a call may have to wait until the other has ended


class Leaders(NamedTuple):
    """The leaders of two clusters on one export."""

    first: Leading
    second: Leading


Call = Callable[[Leaders], object]


@dataclass
class _Steps:
    """Counts the calls to the operating system, and has something done before one of them."""

    at: int
    act: Callable[[], object]
    count: int = 0

    def around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            self.count += 1
            if self.count == self.at:
                self.act()
            return call(*args, **kwargs)

        return wrapped


@contextmanager
def before_step(number: int, act: Callable[[], object]) -> Iterator[_Steps]:
    steps = _Steps(number, act)
    with pytest.MonkeyPatch.context() as patch:
        for name in _CALLS:
            patch.setattr(os, name, steps.around(getattr(os, name)))
        yield steps


def leaders_at(root: Path) -> Leaders:
    first = export_at(root, cluster="first")
    first.begin()
    second = Leading(root, cluster="second")
    second.begin()
    return Leaders(first, second)


# What is there before.


def one(both: Leaders) -> None:
    """A volume of the first cluster has the directory."""
    published(both.first, "1", "data", shared=True)
    (both.first.root / "data/file").write_text("data")


def two(both: Leaders) -> None:
    """A volume of each cluster has the directory."""
    one(both)
    published(both.second, "2", "data", shared=True)


def one_of_two(both: Leaders) -> None:
    """The second cluster's volume has left the directory."""
    two(both)
    release_second(both)


def trashed(both: Leaders) -> None:
    """The first cluster's volume was deleted, and is wanted after all."""
    one(both)
    release_first(both)


def unfinished(both: Leaders) -> None:
    """The API server does not know the first cluster's volume."""
    both.first.create(plan("1", "data", shared=True))


def inherited(both: Leaders) -> None:
    """A volume of nfs-subdir."""
    (both.first.root / "data").mkdir()
    both.first.adopt(adopted("1", "data"))


# What is done.


def release_first(both: Leaders) -> None:
    both.first.reclaim("pvc-1", "1", Action.DELETE)


def release_second(both: Leaders) -> None:
    both.second.reclaim("pvc-2", "2", Action.DELETE)


def archive_first(both: Leaders) -> None:
    both.first.reclaim("pvc-1", "1", Action.ARCHIVE)


def archive_second(both: Leaders) -> None:
    both.second.reclaim("pvc-2", "2", Action.ARCHIVE)


def leave_first(both: Leaders) -> None:
    """As the controller does, which asks first whether others share it."""
    first = both.first
    if first.exports.leave(first.grant, "pvc-1", "1", Action.DELETE) is None:
        release_first(both)


def undo_first(both: Leaders) -> None:
    both.first.undo("pvc-1")


def join(both: Leaders) -> None:
    both.second.create(plan("3", "data", shared=True))
    both.second.confirm("pvc-3")


def adopt(both: Leaders) -> None:
    both.second.adopt(adopted("3", "data"))


def come_back(both: Leaders) -> None:
    both.second.exports.recover(both.second.grant, "pvc-2", "Delete")


def come_back_first(both: Leaders) -> None:
    both.first.exports.recover(both.first.grant, "pvc-1", "Retain")


_CASES = [
    (one, release_first, join),
    (one, join, release_first),
    (one, archive_first, join),
    (one, join, archive_first),
    (inherited, release_first, adopt),
    (inherited, adopt, release_first),
    (one_of_two, release_first, come_back),
    (one_of_two, come_back, release_first),
    (trashed, come_back_first, join),
    (trashed, join, come_back_first),
    (two, release_first, release_second),
    (two, leave_first, release_second),
    (two, release_second, leave_first),
    (two, archive_first, release_second),
    (two, release_first, archive_second),
    (unfinished, undo_first, join),
    (unfinished, join, undo_first),
]


def attempt(call: Call, both: Leaders) -> None:
    """One attempt; what has to wait for the other is refused."""
    with suppress(Unsafe, DirectoryTaken):
        call(both)


def _named(call: Any) -> str:
    return str(call.__name__)


@pytest.mark.parametrize(("before", "call", "other"), _CASES, ids=_named)
def test_a_shared_directory_stays_as_long_as_a_volume_has_it_whatever_comes_in_between(
    memory: Path, before: Call, call: Call, other: Call
) -> None:
    for number in each_call():
        root = memory / str(number)
        both = leaders_at(root)
        before(both)
        with before_step(number, lambda both=both: attempt(other, both)) as steps:  # type: ignore[misc]
            attempt(call, both)
        if steps.count < number:
            break
        _finish(both, call, other)
        _check(both, {call, other}, number)
        shutil.rmtree(root)

    assert number > 10


@pytest.mark.parametrize("fault", [Fault.CRASH, Fault.LOST_THOUGH_DONE])
@pytest.mark.parametrize(("before", "call", "other"), _CASES, ids=_named)
def test_a_shared_directory_stays_as_long_as_a_volume_has_it_whatever_is_cut_short(
    memory: Path, before: Call, call: Call, other: Call, fault: Fault
) -> None:
    for number in each_call():
        root = memory / str(number)
        both = leaders_at(root)
        before(both)
        with injected(fault, number) as state, suppress(Crash, ExportError):
            call(both)
        if not state.struck:
            break
        attempt(other, both)
        if fault is Fault.CRASH:
            both = leaders_at(root)
        _finish(both, call, other)
        _check(both, {call, other}, number)
        shutil.rmtree(root)

    assert number > 3


def _finish(both: Leaders, *calls: Call) -> None:
    for _, call in itertools.product(range(_RETRIES), calls):
        attempt(call, both)


def _check(both: Leaders, calls: set[Call], number: int) -> None:
    root, states = both.first.root, _live_in_place(both)
    assert bool(states) == (root / "data").exists(), f"at step {number}"
    assert all(states.values()), f"at step {number}: {states}"
    if calls & {archive_first, archive_second}:
        assert states or (root / "archived-data/file").exists(), f"at step {number}"
    _join_once_more(both, adopt if adopt in calls else join)


def _join_once_more(both: Leaders, how: Call) -> None:
    """Nothing keeps the next one out."""
    if how is adopt:
        both.second.adopt(adopted("4", "data"))
    else:
        both.second.create(plan("4", "data", shared=True))


def _live_in_place(both: Leaders) -> dict[str, bool]:
    """Which volumes are live, and whether what is at their path is their directory.

    Without those that were adopted when it was gone already.
    """
    place = both.first.root / "data"
    number = place.stat().st_ino if place.exists() else 0
    records = filter(None, (both.first.find(f"pvc-{uid}") for uid in "123"))
    live = [one for one in records if one.state is State.LIVE and one.inode.number]
    return {record.volume: record.inode.number == number for record in live}
