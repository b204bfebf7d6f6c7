"""Each operation is cut short at each of its system calls, and repeated by a fresh process.

In the end the export is as after an undisturbed run, in every entry of the whole tree.
"""

from __future__ import annotations

import errno
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from holdfast.exports.errors import ExportError, ExportUnavailable, Failed, Fenced
from tests.unit.exports.faults import Crash, Fault, Injected, each_call, injected
from tests.unit.exports.given import Leading, export_at, listing
from tests.unit.exports.operations import OPERATIONS, Operation


@dataclass(frozen=True)
class Stage:
    """An operation's export before it, and what it is after an undisturbed run."""

    folder: Path
    operation: Operation

    def fresh(self, name: str) -> Path:
        """An export of its own: in a copy each directory would have another inode."""
        root = self.folder / name
        self.operation.before(export_at(root), root)
        return root

    def undisturbed(self) -> tuple[Any, dict[str, tuple[str, ...]]]:
        root = self.fresh("undisturbed")
        result = self.operation.run(Leading(root))
        return _comparable(result), listing(root)


@pytest.fixture(params=OPERATIONS)
def stage(request: pytest.FixtureRequest, memory: Path) -> Stage:
    return Stage(memory, OPERATIONS[request.param])


@pytest.mark.parametrize("fault", Fault)
def test_what_was_cut_short_is_finished_by_doing_it_again(stage: Stage, fault: Fault) -> None:
    """By the next process after a crash, by the same one in its term after an error."""
    result, expected = stage.undisturbed()

    for number in each_call():
        root = stage.fresh(str(number))
        export = Leading(root)
        with injected(fault, number) as state:
            came_to = _cut_short(stage.operation, export)
        if not state.struck:
            break
        assert came_to in {*_how_it_may_end(state), result, stage.operation.in_part}
        again = Leading(root) if fault is Fault.CRASH else export
        assert _comparable(stage.operation.run(again)) == result
        assert listing(root) == expected, f"{fault.value} at call {number}"
        shutil.rmtree(root)

    assert number > 3


@pytest.mark.parametrize("name", [name for name in OPERATIONS if name.startswith("create")])
def test_what_was_cut_short_in_the_making_can_be_undone(memory: Path, name: str) -> None:
    """Rule 4: a crash leaves nothing that the next run does not undo."""
    stage = Stage(memory, OPERATIONS[name])
    for number in each_call():
        root = stage.fresh(str(number))
        before = listing(root)
        with injected(Fault.CRASH, number) as state, suppress(Crash):
            stage.operation.run(Leading(root))
        if not state.struck:
            break
        for volume in ("pvc-1", "pvc-2"):
            Leading(root).undo(volume)
        left = set(listing(root)) - set(before)
        assert left == set(), f"at change {number}"
        shutil.rmtree(root)


def _cut_short(operation: Operation, export: Leading) -> Any:
    try:
        return _comparable(operation.run(export))
    except ExportUnavailable as error:
        return "stale" if error.stale else "lost"
    except (Crash, ExportError) as error:
        return type(error)


def _how_it_may_end(state: Injected) -> set[Any]:
    """Only what concerns the export's own folders is said of the whole export."""
    if state.fault is Fault.CRASH:
        return {Crash}
    if state.fault is Fault.FULL:
        return {Failed}
    if state.fault is Fault.SENT_TWICE:  # the term that begins may be another's, by the answer
        return {Failed, Fenced}
    if state.number == errno.ESTALE:  # a server says that of the folder of a term that has ended
        return {Failed, Fenced, "stale"}
    return {Failed, "lost"}


def _comparable(result: Any) -> Any:
    return getattr(result, "outcome", None) or getattr(result, "volume", result)


def test_what_is_done_may_be_done_again(stage: Stage) -> None:
    root = stage.fresh("twice")
    first = stage.operation.run(Leading(root))
    once = listing(root)

    assert _comparable(stage.operation.run(Leading(root))) == _comparable(first)
    assert listing(root) == once
