"""What becomes of a key, for each way in which the work on it can end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from holdfast.controller.circuit_breaker import CircuitBreaker
from holdfast.controller.requeue import LeadershipLost, Requeue
from holdfast.controller.work_gate import WorkGate
from holdfast.controller.workers import Workers
from holdfast.exports import errors as exports
from holdfast.exports.interface import Leader, Term
from holdfast.kube import errors as kube
from holdfast.kube.work_queue import WorkQueue
from tests.support import eventually

API_ERRORS = (
    kube.ServerError(500, "InternalError", "failed calling webhook"),
    kube.Throttled("later", 7.0),
    kube.TimedOut("no answer in time"),
)
TERM, NEXT = (Term(Leader("cluster", "lease"), number) for number in (1, 2))


class Bench:
    """One worker, with circuits that nobody probes and a gate that is open."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.leads = True
        self.queue = WorkQueue(initial=0.01, maximum=0.02)
        self.outage: OSError | None = None  # what a probe of the API server finds
        self.api = CircuitBreaker("API server", self._probe, (OSError,))
        self.export = CircuitBreaker("export", lambda: None, (OSError,))
        self.api._close()
        self.export._close()
        self.gate = WorkGate(lambda: self.leads, (self.api, self.export), self.stop)
        self.gate.open(TERM)
        self.ends: list[Exception | None] = []
        self.worked: list[str] = []
        self.terms: list[Term] = []
        self.workers = Workers(
            "test", self.queue, self._handle, self.gate, api=self.api, export=self.export, count=1
        )

    def _probe(self) -> None:
        if self.outage:
            raise self.outage

    def _handle(self, key: str) -> None:
        self.worked.append(key)
        self.terms.append(self.gate.grant(1).term)
        if self.ends and (error := self.ends.pop(0)):
            raise error

    def work(self, *ends: Exception | None) -> None:
        """Has the worker take up a key, and the work end so."""
        self.ends = list(ends)
        self.workers.start()
        self.queue.add("key")

    def close(self) -> None:
        self.stop.set()
        if self.api.thread.ident is not None:
            self.api.stop()
        self.queue.shut_down()
        for thread in self.workers.threads:
            if thread.ident is not None:
                thread.join(10)
            assert not thread.is_alive()


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.close()


def is_done(bench: Bench, times: int) -> Callable[[], bool]:
    return lambda: len(bench.worked) == times and not bench.queue._working


def test_work_that_went_well_is_done_with(bench: Bench) -> None:
    bench.work(None)

    eventually(is_done(bench, 1))

    assert bench.queue.failures("key") == 0


@pytest.mark.parametrize(
    "error",
    [
        Requeue(),
        exports.Failed("the file system says no"),
        exports.TimedOut("it hangs"),
        exports.Unsafe("it is a symlink"),
        kube.Forbidden(403, "Forbidden", "you may not"),
        *API_ERRORS,
        RuntimeError("a fault of ours"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_of_one_key_is_tried_again_and_concerns_nobody_else(
    bench: Bench, error: Exception
) -> None:
    bench.work(error, error, None)

    eventually(is_done(bench, 3))

    assert bench.api.available
    assert bench.export.available
    assert bench.queue.failures("key") == 0


def test_an_export_that_does_not_answer_closes_the_gate_until_it_does(bench: Bench) -> None:
    bench.work(exports.ExportUnavailable("no answer"), None)
    eventually(lambda: not bench.export.available)
    assert bench.export.reason == "no answer"
    assert len(bench.worked) == 1

    bench.export._close()

    eventually(is_done(bench, 2))


def test_an_api_server_that_does_not_answer_closes_the_gate_until_it_does(bench: Bench) -> None:
    bench.work(kube.ServerUnavailable("no answer"), None)
    eventually(lambda: not bench.api.available)
    assert bench.export.available
    assert len(bench.worked) == 1

    bench.api._close()

    eventually(is_done(bench, 2))


@pytest.mark.parametrize("error", API_ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_of_one_key_has_the_api_server_probed_which_tells_whether_it_is_away(
    bench: Bench, error: kube.KubeError
) -> None:
    probed = threading.Event()
    bench.api._probe = probed.set
    bench.api.start()
    assert probed.wait(30)
    bench.api._probe, bench.outage = bench._probe, OSError("it is away")

    bench.work(error)

    eventually(lambda: not bench.api.available)
    assert bench.api.reason == "it is away"


def test_one_that_may_not_lead_any_more_works_on_when_it_leads_again(bench: Bench) -> None:
    bench.leads = False
    bench.workers.start()
    bench.queue.add("key")
    eventually(lambda: bench.queue._working)
    assert bench.worked == []

    bench.ends = [LeadershipLost()]
    bench.leads = True

    eventually(is_done(bench, 2))


def test_a_fault_in_one_key_does_not_end_the_worker(bench: Bench) -> None:
    bench.work(ZeroDivisionError())
    eventually(is_done(bench, 2))

    bench.queue.add("another")

    eventually(lambda: bench.worked[-1] == "another")


def test_one_that_leads_no_more_has_the_work_done_in_its_next_term(bench: Bench) -> None:
    bench.work(LeadershipLost(), None)

    eventually(is_done(bench, 2))

    assert bench.queue.failures("key") == 0


def test_work_that_a_later_term_fences_ends_the_term_and_is_done_in_the_next(bench: Bench) -> None:
    """It may be another process, without a lease, or one that the lease has gone to."""
    bench.work(exports.Fenced("a later term has begun"), None)
    eventually(lambda: bench.gate.term is None)
    assert bench.terms == [TERM]

    bench.gate.open(NEXT)

    eventually(is_done(bench, 2))
    assert bench.terms == [TERM, NEXT]
    assert bench.queue.failures("key") == 0
    assert bench.export.available


def test_what_was_fenced_late_does_not_end_the_next_term(bench: Bench) -> None:
    def fenced_late(key: str) -> None:
        if not bench.worked:
            bench.worked.append(key)
            bench.gate.open(NEXT)
            raise exports.Fenced("the term has ended")

    bench.workers._handle = fenced_late
    bench.work()

    eventually(is_done(bench, 1))

    assert bench.gate.term == NEXT


def test_a_worker_ends_while_it_waits_at_the_closed_gate(bench: Bench) -> None:
    bench.gate.close()
    bench.work()
    eventually(lambda: bench.queue._working)

    bench.stop.set()
    bench.workers.stop(10)

    assert not bench.workers.threads[0].is_alive()
    assert bench.worked == []
