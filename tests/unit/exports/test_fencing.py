"""A former leader changes nothing, or what it changes is put back (rule 4), at each single change.

The worst moment for another term to begin is when a change has passed every check and is on its
way to the kernel. So it begins there, at each change of each operation in turn.
"""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

from holdfast.claims.parameters import Action
from holdfast.exports import fencing
from holdfast.exports.errors import ExportError, Failed, Fenced, Unsafe
from holdfast.exports.interface import Grant, Leader, Outcome, Term
from holdfast.exports.record import DirectoryTaken
from holdfast.exports.removed_folders import DRAFT
from tests.unit.exports.faults import CHANGES, Crash, each_call, is_change
from tests.unit.exports.given import (
    ID,
    Leading,
    drafts,
    export_at,
    listing,
    plan,
    published,
    visible,
)
from tests.unit.exports.operations import OPERATIONS, Operation

WITHOUT = {"initialise", "create again while in use"}  # a term; a change
TERMED = {name: operation for name, operation in OPERATIONS.items() if name not in WITHOUT}
PATHS = {"7": "archived-data", "8": "elsewhere/data", "9": "team/data"}
LEADER = Leader("cluster", "nfs")


class Serves(Enum):
    """What the next leader does with the paths of the former one's volumes."""

    FILES = "volumes, and their pods write files"
    EMPTY = "volumes that are empty: only their directories can be lost"
    NOTHING = "no volume, so that what is left over is seen"


class Deposed(Exception):
    """Another replica leads now."""


@dataclass
class Changing:
    """The changes of one process, and what comes before the one with a number."""

    at: int = 0
    before: Callable[[], object] = lambda: None
    after: Callable[[], object] = lambda: None
    calls: list[str] = field(default_factory=list)
    entries: list[str] = field(default_factory=list)  # by call, what it changes
    done: int = 0  # of the calls from that one on
    is_counting: bool = True

    def around(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            if not self.is_counting or not is_change(name, args):
                return call(*args, **kwargs)
            self.calls.append(name)
            self.entries.append(str(args[0]))
            is_late = len(self.calls) == self.at
            if is_late:
                self._aside(self.before)
            try:
                result = call(*args, **kwargs)
                self.done += bool(self.at) and len(self.calls) >= self.at
                return result
            finally:
                if is_late:
                    self._aside(self.after)

        return wrapped

    def _aside(self, call: Callable[[], object]) -> None:
        self.is_counting = False
        call()
        self.is_counting = True


@contextmanager
def followed(state: Changing) -> Iterator[None]:
    """Every change within is told."""
    with pytest.MonkeyPatch.context() as patch:
        for name in (*CHANGES, "open"):
            patch.setattr(os, name, state.around(name, getattr(os, name)))
        yield


@pytest.fixture(params=TERMED)
def operation(request: pytest.FixtureRequest) -> Operation:
    """Each operation of a term."""
    return TERMED[request.param]


def test_permission_is_asked_for_before_each_change(root: Path, operation: Operation) -> None:
    operation.before(export_at(root), root)
    state = Changing()
    asked: list[int] = []
    export = Leading(root, lambda: asked.append(len(state.calls)))
    export.begin()
    asked.clear()

    with followed(state):
        operation.run(export)

    assert set(asked) >= set(range(len(state.calls)))
    assert len(state.calls) > 0


def test_once_permission_is_withdrawn_nothing_is_changed_but_what_is_in_the_terms_folder(
    root: Path, operation: Operation
) -> None:
    """A draft is removed, and a folder or directory that is being moved goes back."""
    for number in each_call(0):
        operation.before(export_at(root), root)
        state = Changing()
        permission = Permission(state)
        export = Leading(root, permission.ask)
        export.begin()
        permission.until = number

        with followed(state), suppress(Deposed):
            operation.run(export)
        shutil.rmtree(root)
        if not permission.is_withdrawn:
            break
        assert len(state.calls) >= number
        assert all(one.startswith((DRAFT, fencing.MOVING)) for one in state.entries[number:])

    assert number > 0


@dataclass
class Permission:
    """Leave to change something, until so many changes were made."""

    by: Changing
    until: int = 10**6
    is_withdrawn: bool = False

    def ask(self) -> None:
        self.is_withdrawn = self.is_withdrawn or len(self.by.calls) >= self.until
        if self.is_withdrawn:
            raise Deposed


@dataclass
class Successor:
    """The next leader, which takes over and serves the same paths again."""

    root: Path
    action: Action
    serves: Serves
    knows: bool  # whether the API server knows what is in the making
    leading: Leading
    paths: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.paths = {} if self.serves is Serves.NOTHING else dict(PATHS)

    def take_over(self) -> None:
        takeover = self.leading.begin()
        assert drafts(self.root) == []
        for record in takeover.unfinished:
            (self.leading.confirm if self.knows else self.leading.undo)(record.volume)
        kept = [volume for volume in ("pvc-1", "pvc-2") if self._stays(volume)]
        assert self.leading.reap() == 0
        if "9" in self.paths and self.leading.find("pvc-1") is None and not self.knows:
            # Its claim asks again.
            self.paths["1"] = self.paths.pop("9")
        for uid, path in self.paths.items():
            self.leading.create(plan(uid, path, use_existing=True), kept)
            self.leading.confirm(f"pvc-{uid}")
            if self.serves is Serves.FILES:
                (self.root / path / f"precious-{uid}").write_text(uid)
        self.check()

    def _stays(self, volume: str) -> bool:
        """Reclaims a volume; whether its directory stays where it was."""
        record = self.leading.find(volume)
        if record is None:
            return False
        if record.inherited:
            self.leading.adopt(record)  # as the controller, which ends an adoption first
        grant, claim = self.leading.grant, record.claim
        self.leading.exports.update_record(grant, volume, claim, record.size, "Delete")
        moved = self.leading.reclaim(volume, claim.uid, self.action)
        self.paths = {uid: path for uid, path in self.paths.items() if path != moved.place}
        if moved.outcome is not Outcome.RETAINED:
            return False
        if self.paths:
            self.paths["9"] = record.directory
        return True

    def check(self) -> None:
        """Asserts that each directory and file is where it belongs, and known."""
        for uid, path in self.paths.items():
            record = self.leading.find(f"pvc-{uid}")
            assert record is not None
            assert record.in_place
            assert (self.root / path).is_dir()
            mark = "/.holdfast/".join(path.split("/"))
            assert (self.root / ".holdfast/directories" / mark / f"pvc-{uid}").exists()
            if self.serves is Serves.FILES:
                assert (self.root / path / f"precious-{uid}").read_text() == uid


@contextmanager
def _its_term_is_over() -> Iterator[None]:
    """Lets pass what an operation ends with whose term is over, and no other error."""
    try:
        yield
    except (Fenced, DirectoryTaken):  # DirectoryTaken: by the next leader's volume, which it sees
        pass
    except Failed as error:  # the change itself found the term's folder gone
        if not isinstance(error.__cause__, FileNotFoundError):
            raise
    except Unsafe as error:  # the next leader has reclaimed the volume
        if not error.message.startswith("no record names volume"):
            raise


def _data(root: Path) -> list[str]:
    """What the volumes hold that were there before."""
    return [path.read_text() for path in root.rglob("file")]


@dataclass(frozen=True)
class Case:
    """An operation that another term interrupts."""

    name: str
    action: Action
    serves: Serves
    root: Path

    def run(self, number: int, *, late: bool) -> tuple[Changing, dict[str, tuple[str, ...]]]:
        """Runs it up to a change, there has another take over, and goes on or ends there."""
        operation = TERMED[self.name]
        operation.before(export_at(self.root), self.root)
        held = _data(self.root)
        first = Leading(self.root)
        first.begin()
        knows = self.name.startswith(KNOWN)
        next_ = Successor(self.root, self.action, self.serves, knows, Leading(self.root))
        state = Changing(number, after=next_.check if late else lambda: None)

        def before() -> None:
            try:
                next_.take_over()
            except ExportError as error:  # its own would pass for one of the first's
                raise AssertionError(error) from error
            if not late:
                raise Crash

        state.before = before
        with followed(state), _its_term_is_over(), suppress(Crash):
            operation.run(first)
        if len(state.calls) >= number:
            next_.leading.exports.sweep(next_.leading.grant)
            assert next_.leading.reap() == 0
            next_.check()
            with pytest.raises(Fenced):
                first.create(plan("6", "six"))
            is_trashed = self.name.startswith(("delete", "reap", "recover"))
            if self.action is Action.ARCHIVE and not is_trashed:
                assert _data(self.root) == held
        after = listing(self.root)
        shutil.rmtree(self.root)
        return state, after


KNOWN = ("confirm", "delete", "archive", "retain", "update_record")


def test_a_term_that_begins_late_is_none(root: Path) -> None:
    """The beginning of a term is interrupted by that of the next at each change."""
    for number in each_call():
        _leave_something(root)
        state, next_ = Changing(number), Leading(root)
        permission = Permission(state, until=number)
        late = Leading(root, permission.ask)
        state.before = next_.begin

        with followed(state), suppress(Deposed, Fenced):
            late.begin()
        if len(state.calls) < number:
            break
        assert next_.takeover.moving == ("pvc-1",)
        with pytest.raises(Fenced):
            Leading(root).exports.create(Grant(Term(LEADER, 1, ID)), plan("6", "six"))
        assert next_.reclaim("pvc-1", "1", Action.ARCHIVE).place == "archived-data"
        assert (root / "archived-data/file").read_text() == "data"
        assert drafts(root) == []
        next_.exports.sweep(next_.grant)
        assert visible(root) == ["archived-data", "archived-data/file"]
        shutil.rmtree(root)

    assert number > 5


def _leave_something(root: Path) -> None:
    """A draft, an intent, and a directory on its way out, as a crash leaves them in term 1."""
    export = export_at(root)
    published(export)
    (root / "team/data/file").write_text("data")
    (term,) = root.glob(".holdfast/terms/*/[0-9]*")
    (term / ".draft-1").write_text("half")
    (term / ".draft-2").mkdir()
    (term / "+pvc-2").symlink_to("team/other")
    (root / "team/data").rename(term / "-pvc-1")


@pytest.mark.parametrize(
    ("name", "action", "serves"),
    [
        *itertools.product(TERMED, [Action.DELETE], Serves),
        # A volume whose directory is reaped is gone: no action of it is carried out any more.
        *((name, Action.ARCHIVE, Serves.FILES) for name in TERMED if name != "reap"),
    ],
)
def test_a_change_that_comes_after_the_next_term_has_begun_harms_nothing(
    root: Path, name: str, action: Action, serves: Serves
) -> None:
    case = Case(name, action, serves, root)
    for number in each_call():
        state, after = case.run(number, late=True)
        if len(state.calls) < number:
            break
        assert state.done <= 1, state.calls
        _, expected = case.run(number, late=False)
        assert after == expected, f"{state.calls[number - 1]}, change {number}"
    assert number > 1
