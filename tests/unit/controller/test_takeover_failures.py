"""What is told of a leader that cannot begin a term, and when another replica may try."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from holdfast.controller.requeue import LeadershipLost
from holdfast.controller.takeover_failures import TakeoverFailures
from holdfast.exports.errors import Failed, TimedOut, WrongExport
from holdfast.kube.errors import KubeError, ServerUnavailable
from tests.logged import captured_logs

MODULE = "holdfast.controller.takeover_failures"


class Bench:
    """Failures on a clock that the test holds."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.told: list[str] = []
        self.failures = TakeoverFailures(self.told.append)

    def fail(self, error: Exception, *, times: int = 1, seconds: float = 0.0) -> None:
        """Attempts that take so many seconds each."""
        for _ in range(times):
            with pytest.raises(type(error)), self.failures.noted():
                self._fail(error, seconds)

    def _fail(self, error: Exception, seconds: float) -> None:
        self.now += seconds
        raise error

    def succeed(self) -> None:
        with self.failures.noted():
            pass


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    made = Bench()
    monkeypatch.setattr(f"{MODULE}.time.monotonic", lambda: made.now)
    with captured_logs():
        yield made


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (Failed("cannot begin a term: no space left"), "cannot begin a term: no space left"),
        (KubeError("no answer"), "cannot begin a term: no answer"),
        (RuntimeError("odd"), "cannot begin a term: unexpected error: RuntimeError"),
    ],
)
def test_the_reason_is_told_once_and_kept(bench: Bench, error: Exception, reason: str) -> None:
    bench.fail(error, times=2)

    assert bench.failures.reason == reason
    assert bench.told == [reason]


def test_another_reason_is_told_too(bench: Bench) -> None:
    for why in ("one", "another", "another"):
        bench.fail(Failed(why))

    assert bench.told == ["cannot begin a term: one", "cannot begin a term: another"]


@pytest.mark.parametrize("error", [WrongExport("it is away"), ServerUnavailable("it is away")])
def test_what_is_told_elsewhere_or_could_not_be_is_not_told(bench: Bench, error: Exception) -> None:
    """A wrong export has an event of its own; no event reaches an API server that is away."""
    bench.fail(error)

    assert bench.told == []
    assert bench.failures.reason == "cannot begin a term: it is away"


def test_the_end_of_the_leadership_is_no_failure(bench: Bench) -> None:
    bench.fail(LeadershipLost(), times=9)

    assert bench.failures.reason == ""
    assert bench.failures.may_lead()


def test_a_term_that_begins_ends_the_count_and_the_reason(bench: Bench) -> None:
    bench.fail(Failed("no"), times=3)
    bench.succeed()
    assert bench.failures.reason == ""

    bench.fail(Failed("no"), times=3)

    assert bench.failures.may_lead()
    assert len(bench.told) == 2


def test_after_four_tries_another_replica_has_20_seconds(bench: Bench) -> None:
    bench.fail(Failed("no"), times=4)
    assert not bench.failures.may_lead()

    bench.now += 20
    assert bench.failures.may_lead()

    bench.fail(Failed("no"), times=3)
    assert bench.failures.may_lead()
    bench.fail(Failed("no"))
    assert not bench.failures.may_lead()


def test_failures_long_before_count_no_more(bench: Bench) -> None:
    """Two a week ago and two today were four in a row."""
    bench.fail(Failed("no"), times=3)
    bench.now += 61
    bench.fail(Failed("no"))
    assert bench.failures.may_lead()

    for _ in range(2):
        bench.now += 60
        bench.fail(Failed("no"))
        assert bench.failures.may_lead()
    bench.now += 60
    bench.fail(Failed("no"))
    assert not bench.failures.may_lead()


def test_attempts_that_take_minutes_are_still_in_a_row(bench: Bench) -> None:
    """The deadline of a call can be set that long."""
    bench.fail(TimedOut("no answer"), times=3, seconds=300)
    assert bench.failures.may_lead()

    bench.fail(TimedOut("no answer"), seconds=300)
    assert not bench.failures.may_lead()


def test_a_replica_that_has_long_stood_by_is_ready_again(bench: Bench) -> None:
    """Another one leads, and nobody knows whether this one could by now."""
    bench.fail(Failed("no"), times=4)
    bench.now += 60
    assert bench.failures.reason

    bench.now += 1
    assert bench.failures.reason == ""
