"""When work may be done (design, rule 4: a former leader that wakes up changes nothing)."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from holdfast.controller.circuit_breaker import CircuitBreaker
from holdfast.controller.requeue import LeadershipLost
from holdfast.controller.work_gate import WorkGate
from holdfast.exports.interface import Grant, Leader, Term
from tests.support import eventually

FIRST, SECOND = (Term(Leader("cluster", "lease"), number) for number in (1, 2))


class Bench:
    """A gate of a replica that leads, with two circuits that are closed."""

    def __init__(self) -> None:
        self.leads = True
        self.stop = threading.Event()
        self.circuits = tuple(
            CircuitBreaker(name, lambda: None, (OSError,)) for name in ("API", "export")
        )
        for circuit in self.circuits:
            circuit._close()
        self.gate = WorkGate(lambda: self.leads, self.circuits, self.stop)


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.stop.set()


def test_it_is_closed_until_a_term_has_begun(bench: Bench) -> None:
    assert bench.gate.can_begin()
    assert not bench.gate.is_open()

    bench.gate.open(FIRST)

    assert bench.gate.is_open()
    assert bench.gate.term == FIRST


@pytest.mark.parametrize("which", [0, 1])
def test_it_is_closed_while_one_thing_does_not_answer(bench: Bench, which: int) -> None:
    bench.gate.open(FIRST)

    bench.circuits[which].trip("no answer")

    assert not bench.gate.can_begin()
    assert not bench.gate.is_open()


def test_it_is_closed_while_another_leads(bench: Bench) -> None:
    bench.gate.open(FIRST)

    bench.leads = False

    assert not bench.gate.is_open()


def test_work_of_the_term_may_change_the_export(bench: Bench) -> None:
    bench.gate.open(FIRST)

    with bench.gate.within(FIRST):
        bench.gate.check_term()
        assert bench.gate.grant(7.0) == Grant(FIRST, 7.0)


def test_what_is_not_part_of_any_work_may_change_nothing(bench: Bench) -> None:
    bench.gate.open(FIRST)
    with bench.gate.within(FIRST):
        pass

    with pytest.raises(LeadershipLost):
        bench.gate.check_term()
    with pytest.raises(LeadershipLost):
        bench.gate.grant(1.0)


def test_work_of_a_term_that_has_ended_is_refused(bench: Bench) -> None:
    bench.gate.open(FIRST)

    with bench.gate.within(FIRST):
        bench.gate.close()
        with pytest.raises(LeadershipLost):
            bench.gate.check_term()
        with pytest.raises(LeadershipLost):
            bench.gate.grant(1.0)


def test_work_of_an_ended_term_is_refused_also_where_the_same_replica_leads_again(
    bench: Bench,
) -> None:
    bench.gate.open(FIRST)

    with bench.gate.within(FIRST):
        bench.gate.close()
        bench.gate.open(SECOND)
        with pytest.raises(LeadershipLost):
            bench.gate.grant(1.0)


def test_work_is_refused_as_soon_as_the_lease_is_lost(bench: Bench) -> None:
    bench.gate.open(FIRST)

    with bench.gate.within(FIRST):
        bench.leads = False
        with pytest.raises(LeadershipLost):
            bench.gate.check_term()


def test_a_leader_may_finish_what_it_began_while_the_export_hangs(bench: Bench) -> None:
    bench.gate.open(FIRST)
    bench.circuits[1].trip("no answer")

    with bench.gate.within(FIRST):
        bench.gate.check_term()


def test_the_work_of_one_thread_is_not_that_of_another(bench: Bench) -> None:
    bench.gate.open(FIRST)
    refused: list[bool] = []

    def elsewhere() -> None:
        try:
            bench.gate.check_term()
        except LeadershipLost:
            refused.append(True)

    with bench.gate.within(FIRST):
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()

    assert refused == [True]


def test_work_that_fails_ends_as_well(bench: Bench) -> None:
    bench.gate.open(FIRST)
    with pytest.raises(ZeroDivisionError), bench.gate.within(FIRST):
        raise ZeroDivisionError

    with pytest.raises(LeadershipLost):
        bench.gate.check_term()


def test_ending_a_term_that_is_over_does_not_end_the_next(bench: Bench) -> None:
    bench.gate.open(SECOND)

    bench.gate.end(FIRST)
    assert bench.gate.term == SECOND

    bench.gate.end(SECOND)
    assert bench.gate.term is None


def test_who_waits_is_given_the_term_as_soon_as_work_may_be_done(bench: Bench) -> None:
    bench.leads = False
    bench.gate.open(FIRST)
    given: list[Term | None] = []
    thread = threading.Thread(target=lambda: given.append(bench.gate.wait()))
    thread.start()
    assert not given

    bench.leads = True

    eventually(lambda: given)
    assert given == [FIRST]
    thread.join()


def test_who_waits_is_let_go_at_the_end(bench: Bench) -> None:
    bench.stop.set()

    assert bench.gate.wait() is None


def test_a_lease_that_lapsed_for_a_moment_ends_the_term(bench: Bench) -> None:
    """Else nobody would look for what the work had begun."""
    bench.gate.open(FIRST)
    with bench.gate.within(FIRST):
        bench.leads = False
        with pytest.raises(LeadershipLost):
            bench.gate.check_term()
    bench.leads = True

    assert bench.gate.term is None


def test_work_of_an_earlier_term_does_not_end_a_later_one(bench: Bench) -> None:
    bench.gate.open(SECOND)
    with bench.gate.within(FIRST), pytest.raises(LeadershipLost):
        bench.gate.check_term()

    assert bench.gate.term == SECOND
