"""The process ends before the lease can be had by another while a call hangs."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import pytest

from holdfast.controller import watchdog as module
from holdfast.controller.watchdog import LOST, Watchdog
from holdfast.kube import clock
from tests.logged import captured_logs


class Bench:
    """A watchdog whose looks are called by the test, on a clock that the test holds."""

    def __init__(self) -> None:
        self.leads, self.busy, self.now = False, True, 1000.0
        self.only = True
        self.codes: list[int] = []
        self.watchdog = Watchdog(
            lambda: self.leads, lambda: self.busy, may_exit=lambda: self.only, export="a"
        )

    def look(self, *, after: float) -> list[int]:
        """The exit codes after so many seconds more."""
        self.now += after
        self.watchdog._look()
        return self.codes


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    made = Bench()
    monkeypatch.setattr(clock, "boottime", lambda: made.now)
    monkeypatch.setattr(os, "_exit", made.codes.append)
    with captured_logs():
        yield made


def test_it_ends_once_the_last_calls_have_had_their_time(bench: Bench) -> None:
    assert bench.look(after=0) == []
    assert bench.look(after=1.9) == []
    assert bench.look(after=0.1) == [LOST]


@pytest.mark.parametrize("change", ["ended", "leads again"])
def test_it_does_not_when_they_end_or_it_leads_again(bench: Bench, change: str) -> None:
    bench.look(after=0)
    bench.busy, bench.leads = change != "ended", change == "leads again"
    assert bench.look(after=10) == []

    bench.busy, bench.leads = True, False
    assert bench.look(after=10) == []
    assert bench.look(after=2) == [LOST]


def test_a_log_that_cannot_be_written_to_does_not_hold_it_up(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = threading.Event()
    monkeypatch.setattr(module, "_log_lost", lambda *_: over.wait(30))
    monkeypatch.setattr(module, "_LOG", 0.01)

    bench.look(after=0)
    codes = bench.look(after=2)

    assert not over.is_set()
    over.set()
    assert codes == [LOST]


def test_a_process_that_serves_other_exports_stays_and_says_so_once(bench: Bench) -> None:
    bench.only = False
    with captured_logs() as logs:
        for _ in range(3):
            assert bench.look(after=5) == []

    [line] = logs
    assert line["export"] == "a"
    assert line["event"].endswith(": this replica will not lead again until they have ended")


def test_it_ends_as_soon_as_it_serves_nothing_else(bench: Bench) -> None:
    bench.only = False
    bench.look(after=0)
    bench.look(after=5)

    bench.only = True

    assert bench.look(after=1) == [LOST]


def test_it_says_so_again_of_other_calls(bench: Bench) -> None:
    bench.only = False
    with captured_logs() as logs:
        for busy in (True, False, True):
            bench.busy = busy
            bench.look(after=0)
            bench.look(after=5)

    assert len(logs) == 2


def test_the_exit_code_is_what_the_documentation_says() -> None:
    assert LOST == 4
