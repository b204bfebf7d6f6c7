"""Calls that may still take effect (issue 12, fencing by term)."""

from __future__ import annotations

import threading

import pytest

from holdfast.controller.outstanding_calls import Outstanding, Ticket
from holdfast.exports.errors import TimedOut


def test_nothing_is_outstanding_at_first() -> None:
    assert not Outstanding()


def test_a_call_counts_before_it_is_begun_and_no_more_once_it_has_ended() -> None:
    outstanding = Outstanding()

    with outstanding.counted() as ticket:
        assert outstanding
        assert ticket.run(lambda: "result") == "result"
        assert not outstanding

    assert not outstanding


def test_a_call_that_never_began_counts_no_more_once_its_caller_has_gone() -> None:
    outstanding = Outstanding()

    with pytest.raises(ZeroDivisionError), outstanding.counted():
        raise ZeroDivisionError

    assert not outstanding


def test_a_call_that_was_given_up_before_it_began_never_runs() -> None:
    outstanding = Outstanding()
    ran: list[bool] = []
    with outstanding.counted() as ticket:
        pass

    with pytest.raises(TimedOut, match="not started in time"):
        ticket.run(lambda: ran.append(True))

    assert not ran
    assert not outstanding


@pytest.mark.parametrize("ran", [True, False])
def test_the_next_call_counts_whatever_became_of_the_one_before(*, ran: bool) -> None:
    outstanding = Outstanding()
    with outstanding.counted() as ticket:
        if ran:
            ticket.run(lambda: None)

    with outstanding.counted() as ticket:
        assert outstanding
        ticket.run(lambda: None)

    assert not outstanding


def test_a_call_that_fails_has_ended() -> None:
    outstanding = Outstanding()

    with outstanding.counted() as ticket, pytest.raises(ZeroDivisionError):
        ticket.run(lambda: 1 / 0)

    assert not outstanding


def hung(ticket: Ticket, over: threading.Event) -> threading.Thread:
    """A thread in which a call hangs until `over`."""
    begun = threading.Event()

    def call() -> None:
        begun.set()
        over.wait(60)

    thread = threading.Thread(target=lambda: ticket.run(call))
    thread.start()
    begun.wait(60)
    return thread


def test_one_that_hangs_counts_until_it_ends() -> None:
    outstanding, over = Outstanding(), threading.Event()
    with outstanding.counted() as ticket:
        thread = hung(ticket, over)

    assert outstanding  # its caller has gone

    over.set()
    thread.join()
    assert not outstanding


def test_each_of_several_counts() -> None:
    outstanding, overs = Outstanding(), [threading.Event(), threading.Event()]
    with outstanding.counted() as one, outstanding.counted() as other:
        threads = [hung(one, overs[0]), hung(other, overs[1])]

    overs[0].set()
    threads[0].join()
    assert outstanding

    overs[1].set()
    threads[1].join()
    assert not outstanding
