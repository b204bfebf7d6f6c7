"""What becomes of a key, for each way in which the work on it can end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from holdfast.controller.circuit import Circuit
from holdfast.controller.gate import Gate
from holdfast.controller.outcome import Again, NotLeading
from holdfast.controller.workers import Workers
from holdfast.exports import errors as exports
from holdfast.kube import errors as kube
from holdfast.kube.queue import WorkQueue
from tests.support import eventually


class Bench:
    """One worker, with circuits that nobody probes and a gate that is open."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.leads = True
        self.queue = WorkQueue(initial=0.01, maximum=0.02)
        self.api, self.export = (
            Circuit(name, lambda: None, (OSError,)) for name in ("API server", "export")
        )
        self.api._close()
        self.export._close()
        self.gate = Gate(lambda: self.leads, (self.api, self.export), self.stop)
        self.gate.begun.set()
        self.ends: list[Exception | None] = []
        self.worked: list[str] = []
        self.workers = Workers(
            "test", self.queue, self._handle, self.gate, api=self.api, export=self.export, count=1
        )

    def _handle(self, key: str) -> None:
        self.worked.append(key)
        if self.ends and (error := self.ends.pop(0)):
            raise error

    def work(self, *ends: Exception | None) -> None:
        """Has the worker take up a key, and the work end so."""
        self.ends = list(ends)
        self.workers.start()
        self.queue.add("key")

    def close(self) -> None:
        self.stop.set()
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
        Again(),
        exports.Failed("the file system says no"),
        exports.Unsafe("it is a symlink"),
        kube.Forbidden(403, "Forbidden", "you may not"),
        RuntimeError("a fault of ours"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_of_one_key_is_tried_again_and_concerns_nobody_else(
    bench: Bench, error: Exception
) -> None:
    bench.work(error, error, None)

    eventually(is_done(bench, 3))

    assert bench.api.closed
    assert bench.export.closed
    assert bench.queue.failures("key") == 0


def test_an_export_that_does_not_answer_closes_the_gate_until_it_does(bench: Bench) -> None:
    bench.work(exports.Unavailable("no answer"), None)
    eventually(lambda: not bench.export.closed)
    assert bench.export.reason == "no answer"
    assert len(bench.worked) == 1

    bench.export._close()

    eventually(is_done(bench, 2))


def test_an_api_server_that_does_not_answer_closes_the_gate_until_it_does(bench: Bench) -> None:
    bench.work(kube.Unavailable("no answer"), None)
    eventually(lambda: not bench.api.closed)
    assert bench.export.closed
    assert len(bench.worked) == 1

    bench.api._close()

    eventually(is_done(bench, 2))


def test_one_that_may_not_lead_any_more_works_on_when_it_leads_again(bench: Bench) -> None:
    bench.leads = False
    bench.workers.start()
    bench.queue.add("key")
    eventually(lambda: bench.queue._working)
    assert bench.worked == []

    bench.ends = [NotLeading()]
    bench.leads = True

    eventually(is_done(bench, 2))


def test_a_fault_in_one_key_does_not_end_the_worker(bench: Bench) -> None:
    bench.work(ZeroDivisionError())
    eventually(is_done(bench, 2))

    bench.queue.add("another")

    eventually(lambda: bench.worked[-1] == "another")


class TestGate:
    def test_it_is_closed_until_what_an_earlier_leader_left_was_read(self, bench: Bench) -> None:
        bench.gate.begun.clear()

        assert bench.gate.can_begin()
        assert not bench.gate.is_open()
        with pytest.raises(NotLeading):
            bench.gate.fence()

    def test_a_fence_lets_a_leader_through_whose_export_hangs(self, bench: Bench) -> None:
        """What was begun may be finished; only another leader forbids that."""
        bench.export.trip("no answer")

        assert not bench.gate.is_open()
        bench.gate.fence()

    def test_a_fence_stops_one_that_does_not_lead(self, bench: Bench) -> None:
        bench.leads = False

        with pytest.raises(NotLeading):
            bench.gate.fence()

    def test_who_waits_at_a_closed_gate_is_let_go_at_the_end(self, bench: Bench) -> None:
        bench.leads = False
        bench.stop.set()

        assert bench.gate.wait() is False
