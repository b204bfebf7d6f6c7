"""A circuit is open until something answers, and opens again when it does not."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from holdfast.controller.circuit_breaker import CircuitBreaker
from tests.logged import captured_logs
from tests.support import eventually


class Something:
    """What is asked: it answers while `up`, and counts how often it was asked."""

    def __init__(self) -> None:
        self.up = True
        self.asked = 0

    def __call__(self) -> None:
        self.asked += 1
        if not self.up:
            raise ConnectionError("nobody is there")


@pytest.fixture
def something() -> Something:
    return Something()


@pytest.fixture
def circuit(something: Something) -> Iterator[CircuitBreaker]:
    made = CircuitBreaker("thing", something, (ConnectionError,), period=0.2)
    yield made
    if made.thread.ident is not None:
        made.stop()
        assert not made.thread.is_alive()


def test_it_is_open_before_it_was_tried(circuit: CircuitBreaker) -> None:
    assert not circuit.available
    assert circuit.reason == "not probed yet"


def test_it_closes_when_there_is_an_answer(circuit: CircuitBreaker) -> None:
    circuit.start()

    eventually(lambda: circuit.available)

    assert circuit.reason == ""


def test_it_finds_out_by_itself_that_there_is_no_answer_any_more(
    circuit: CircuitBreaker, something: Something
) -> None:
    circuit.start()
    eventually(lambda: circuit.available)

    something.up = False

    eventually(lambda: not circuit.available)
    assert circuit.reason == "nobody is there"


def test_it_closes_again_once_there_is_an_answer_again(
    circuit: CircuitBreaker, something: Something
) -> None:
    something.up = False
    circuit.start()
    eventually(lambda: circuit.reason == "nobody is there")

    something.up = True

    eventually(lambda: circuit.available)


def test_a_worker_that_trips_it_has_it_tried_at_once(something: Something) -> None:
    """Not only at the end of its period, which is an hour here."""
    circuit = CircuitBreaker("thing", something, (ConnectionError,), period=3600)
    circuit.start()
    eventually(lambda: circuit.available)
    before = something.asked

    circuit.trip("a worker got no answer")

    eventually(lambda: something.asked > before and circuit.available)
    circuit.stop()


def test_a_trip_shows_its_reason_until_it_is_tried(
    circuit: CircuitBreaker, something: Something
) -> None:
    circuit.start()
    eventually(lambda: circuit.available)
    something.up = False

    circuit.trip("a worker got no answer")

    eventually(lambda: circuit.reason == "nobody is there")


def test_an_outage_is_logged_once_and_so_is_its_end(
    circuit: CircuitBreaker, something: Something
) -> None:
    with captured_logs() as lines:
        circuit.start()
        eventually(lambda: circuit.available)
        something.up = False
        asked = something.asked
        eventually(lambda: something.asked > asked + 2)
        something.up = True
        eventually(lambda: circuit.available)

    assert [line["event"] for line in lines] == ["thing available", "thing lost", "thing available"]


def test_what_never_answered_is_not_lost_but_not_available(
    circuit: CircuitBreaker, something: Something
) -> None:
    something.up = False
    with captured_logs() as lines:
        circuit.start()
        eventually(lambda: something.asked > 2)
        something.up = True
        eventually(lambda: circuit.available)

    assert [(line["event"], line["log_level"]) for line in lines] == [
        ("thing unavailable", "warning"),
        ("thing available", "info"),
    ]


def test_another_reason_while_it_is_away_is_logged_too(circuit: CircuitBreaker) -> None:
    with captured_logs() as lines:
        circuit._close()
        for reason in ("one", "one", "another"):
            circuit._open(reason)

    assert [line["event"] for line in lines] == [
        "thing available",
        "thing lost",
        "thing still unavailable",
    ]


def test_it_ends_also_while_it_waits_for_the_next_try(something: Something) -> None:
    circuit = CircuitBreaker("thing", something, (ConnectionError,), period=3600)
    circuit.start()
    eventually(lambda: circuit.available)

    circuit.stop()

    assert not circuit.thread.is_alive()


def test_it_ends_at_whatever_moment_it_is_told(something: Something) -> None:
    """Also between a look at the flag and the wait: a hundred tries hit that moment."""
    for _ in range(100):
        circuit = CircuitBreaker("thing", something, (ConnectionError,), period=3600)
        circuit.start()
        circuit.stop()
        assert not circuit.thread.is_alive()


def test_a_probe_that_hangs_does_not_hold_up_the_end() -> None:
    over = threading.Event()
    hang: Callable[[], object] = over.wait
    circuit = CircuitBreaker("thing", hang, (ConnectionError,))
    circuit.start()

    circuit.stop()

    assert circuit.thread.is_alive()
    over.set()
    circuit.thread.join()


def test_it_asks_each_period_and_further_and_further_apart_while_there_is_no_answer(
    something: Something, monkeypatch: pytest.MonkeyPatch
) -> None:
    circuit = CircuitBreaker("thing", something, (ConnectionError,), period=10)
    up = [True, True, *[False] * 7, True, False]
    waits: list[float] = []

    def wait(seconds: float) -> bool:
        waits.append(seconds)
        if len(waits) == len(up):
            circuit._stopping = True
        else:
            something.up = up[len(waits)]
        return False

    monkeypatch.setattr(circuit._wake, "wait", wait)
    circuit._run()

    assert waits[:2] == [10, 10]
    longest = [0.5, 1, 2, 4, 8, 10, 10]
    assert all(most / 2 <= wait <= most for wait, most in zip(waits[2:9], longest, strict=True))
    assert waits[9] == 10
    assert waits[10] <= 0.5
