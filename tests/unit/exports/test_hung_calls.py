"""A call about one volume that hangs holds up nothing else (rule 6)."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from holdfast.claims.parameters import Action
from holdfast.exports.errors import ExportError, Fenced, TimedOut
from holdfast.exports.interface import Grant
from tests.unit.exports.given import Leading, plan, published, visible

PATIENCE = 20


@dataclass
class Hang:
    """mkdir of one name hangs until `over`, and takes effect then."""

    over: threading.Event = field(default_factory=threading.Event)
    begun: threading.Event = field(default_factory=threading.Event)
    threads: list[threading.Thread] = field(default_factory=list)
    errors: list[ExportError] = field(default_factory=list)

    def around(self, hung: str) -> Callable[..., None]:
        make = os.mkdir

        def mkdir(name: str, *args: int, **place: int) -> None:
            if name == hung:
                self.begun.set()
                assert self.over.wait(PATIENCE)
            make(name, *args, **place)

        return mkdir

    def start(self, call: Callable[[], object]) -> threading.Thread:
        self.threads.append(threading.Thread(target=self._noted, args=(call,)))
        self.threads[-1].start()
        return self.threads[-1]

    def _noted(self, call: Callable[[], object]) -> None:
        try:
            call()
        except ExportError as error:
            self.errors.append(error)

    def end(self) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()


@pytest.fixture
def hang(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hang]:
    made = Hang()
    monkeypatch.setattr(os, "mkdir", made.around("hung"))
    yield made
    made.end()


@pytest.mark.parametrize("directory", ["hung", "hung/data"])
def test_a_term_begins_while_a_call_about_one_volume_hangs(
    root: Path, export: Leading, hang: Hang, directory: str
) -> None:
    grant = export.grant
    hang.start(lambda: export.exports.create(grant, plan("1", directory)))
    assert hang.begun.wait(PATIENCE)

    hang.start(export.begin).join(PATIENCE)
    assert export.takeover.term.number == grant.term.number + 1
    published(export, "2", "other")

    hang.end()
    assert [type(error) for error in hang.errors] == [Fenced]
    export.exports.sweep(export.grant)
    assert visible(root) == ["other"]
    assert list((root / ".holdfast/terms").rglob("+*")) == []


def test_the_intent_that_was_left_is_its_volume_s_own_to_end(
    root: Path, export: Leading, hang: Hang
) -> None:
    grant = export.grant
    hang.start(lambda: export.exports.create(grant, plan("1", "hung")))
    assert hang.begun.wait(PATIENCE)
    export.begin()
    hang.end()

    assert export.create(plan("1", "hung")).found is False
    export.exports.sweep(export.grant)
    assert visible(root) == ["hung"]


@pytest.mark.parametrize("directory", ["team/hung", "hung/data"])
def test_a_sweep_does_not_wait_for_a_call_that_hangs(
    export: Leading, hang: Hang, directory: str
) -> None:
    hang.start(lambda: export.create(plan("1", directory)))
    assert hang.begun.wait(PATIENCE)
    export.exports.undo(export.grant, "pvc-9")

    sweeping = hang.start(lambda: export.exports.sweep(export.grant))
    sweeping.join(PATIENCE / 2)

    assert not sweeping.is_alive()


def test_calls_that_wait_for_one_that_hangs_give_up_when_their_time_is_up(
    export: Leading, hang: Hang
) -> None:
    """They would fill the lane, and no call about any volume would get a place."""
    first = hang.start(lambda: export.create(plan("1", "hung/data-1")))
    assert hang.begun.wait(PATIENCE)
    term = export.takeover.term

    def create(uid: int) -> Callable[[], object]:
        return lambda: export.exports.create(Grant(term, 0.05), plan(f"{uid}", f"hung/data-{uid}"))

    waiting = [hang.start(create(uid)) for uid in range(2, 7)]
    for thread in waiting:
        thread.join(PATIENCE)

    assert first.is_alive()
    assert [type(error) for error in hang.errors] == [TimedOut] * 5


def test_the_reaper_does_not_wait_for_a_call_at_the_path_that_a_volume_had(
    export: Leading, hang: Hang
) -> None:
    """The trash of all others waits behind it."""
    published(export, "1", "data")
    export.reclaim("pvc-1", "1", Action.DELETE)
    hang.start(lambda: export.create(plan("2", "data/hung")))
    assert hang.begun.wait(PATIENCE)

    reaping = hang.start(export.reap)
    reaping.join(PATIENCE / 2)

    assert not reaping.is_alive()
    assert export.exports.trashed() == ()
