"""The work queue: merged keys, one worker for each, retries further and further apart."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from holdfast.kube.work_queue import WorkQueue
from testbed.waiting import until


@pytest.fixture
def queue() -> WorkQueue:
    return WorkQueue(initial=0.05, maximum=10.0, jitter=0.0)


def test_keys_are_worked_on_in_the_order_they_became_due(queue: WorkQueue) -> None:
    for key in "bca":
        queue.add(key)

    assert [queue.get(0) for _ in range(4)] == ["b", "c", "a", None]


def test_a_key_added_ten_times_is_one_piece_of_work(queue: WorkQueue) -> None:
    for _ in range(10):
        queue.add("a")

    assert queue.depth() == 1
    assert [queue.get(0), queue.get(0)] == ["a", None]


def test_a_key_is_never_with_two_workers(queue: WorkQueue) -> None:
    queue.add("a")
    assert queue.get(0) == "a"
    queue.add("a")

    assert queue.get(0) is None
    queue.done("a")
    assert queue.get(0) == "a"


def test_a_key_without_news_is_not_queued_again_when_done(queue: WorkQueue) -> None:
    queue.add("a")
    queue.get(0)
    queue.done("a")

    assert queue.get(0) is None


def test_failures_lengthen_the_wait_up_to_the_maximum_and_success_forgets_them() -> None:
    queue = WorkQueue(initial=1.0, maximum=4.0, jitter=0.0)

    assert [queue.retry("a") for _ in range(4)] == [1.0, 2.0, 4.0, 4.0]
    assert (queue.failures("a"), queue.failures("b")) == (4, 0)

    queue.forget("a")
    assert (queue.failures("a"), queue.retry("a")) == (0, 1.0)


def test_a_retried_key_is_due_when_its_wait_is_over_and_not_before(queue: WorkQueue) -> None:
    began = time.monotonic()
    seconds = queue.retry("a")

    assert queue.depth() == 0
    assert queue.get(5.0) == "a"
    assert time.monotonic() >= began + seconds


def test_news_about_a_waiting_key_makes_it_due_at_once_without_forgetting_failures() -> None:
    queue = WorkQueue(initial=60.0)
    queue.retry("a")
    queue.add("a")

    assert queue.get(0) == "a"
    assert queue.failures("a") == 1


def test_a_delay_that_news_overtook_is_forgotten(queue: WorkQueue) -> None:
    queue.add_after("a", 0.05)
    queue.add("a")
    assert queue.get(0) == "a"
    queue.done("a")
    assert queue.get(0.2) is None

    queue.add_after("a", 0.05)
    assert queue.get(5.0) == "a"


def test_of_two_delays_the_shorter_counts(queue: WorkQueue) -> None:
    queue.add_after("a", 60.0)
    queue.add_after("a", 0.01)
    queue.add_after("a", 60.0)

    assert queue.get(5.0) == "a"
    queue.done("a")
    assert queue.get(0.05) is None


def test_no_delay_is_due_now(queue: WorkQueue) -> None:
    queue.add_after("a", 0.0)

    assert queue.depth() == 1


def test_a_key_that_waits_is_taken_by_a_worker_that_came_before_it(queue: WorkQueue) -> None:
    taken: list[str | None] = []
    worker = threading.Thread(target=lambda: taken.append(queue.get(10.0)))
    worker.start()
    queue.add_after("a", 0.05)
    worker.join(5.0)

    assert taken == ["a"]


def test_without_patience_it_says_at_once_that_nothing_is_due(
    queue: WorkQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: 5.0)  # no time passes

    assert queue.get(0) is None


def test_shutting_down_frees_every_waiting_worker_and_takes_nothing_more(queue: WorkQueue) -> None:
    taken: list[str | None] = []
    workers = [threading.Thread(target=lambda: taken.append(queue.get())) for _ in range(4)]
    for worker in workers:
        worker.start()
    queue.add_after("late", 60.0)
    queue.shut_down()
    for worker in workers:
        worker.join(5.0)
    queue.add("a")
    queue.retry("b")

    assert taken == [None] * 4
    assert (queue.get(), queue.depth()) == (None, 0)


def test_what_becomes_due_after_the_end_is_no_work(queue: WorkQueue) -> None:
    queue.add_after("late", 0.001)
    queue.add("due")
    queue.shut_down()
    until(lambda: queue._clock[0][0] < time.monotonic())

    assert (queue.depth(), queue.get(0)) == (0, None)


def test_eight_workers_do_all_the_work_and_never_share_a_key(queue: WorkQueue) -> None:
    keys = [f"k{number}" for number in range(20)]
    busy, done, shared = set[str](), Counter[str](), list[str]()
    lock = threading.Lock()

    def work() -> None:
        while (key := queue.get()) is not None:
            with lock:
                shared.extend({key} & busy)
                busy.add(key)
            time.sleep(0)
            with lock:
                busy.discard(key)
                done[key] += 1
            queue.done(key)

    workers = [threading.Thread(target=work) for _ in range(8)]
    for worker in workers:
        worker.start()
    for _ in range(50):
        for key in keys:
            queue.add(key)
    until(lambda: queue.depth() == 0 and not busy)
    queue.shut_down()
    for worker in workers:
        worker.join(5.0)

    assert shared == []
    assert set(done) == set(keys)


class Asleep(threading.Condition):
    """Tells when a thread waits on it: whoever then has the lock knows it asleep."""

    def __init__(self) -> None:
        super().__init__()
        self.by = threading.Semaphore(0)

    def wait(self, timeout: float | None = None) -> bool:
        self.by.release()
        return super().wait(timeout)


def sleeper(queue: WorkQueue, taken: list[str | None]) -> threading.Thread:
    """A worker that is asleep in `get`, without a timeout."""
    queue._changed = asleep = Asleep()
    worker = threading.Thread(target=lambda: taken.append(queue.get()))
    worker.start()
    assert asleep.by.acquire(timeout=5.0)
    return worker


def test_a_sleeping_worker_takes_a_key_with_news_when_another_lets_go_of_it(
    queue: WorkQueue,
) -> None:
    queue.add("a")
    assert queue.get(0) == "a"
    queue.add("a")
    taken: list[str | None] = []
    worker = sleeper(queue, taken)
    queue.done("a")
    worker.join(5.0)
    alive = worker.is_alive()
    queue.shut_down()
    worker.join(5.0)

    assert (alive, taken) == (False, ["a"])


@pytest.mark.parametrize("wake", [lambda queue: queue.add("a"), lambda queue: queue.retry("a")])
def test_a_sleeping_worker_is_woken_by_what_becomes_due(
    queue: WorkQueue, wake: Callable[[WorkQueue], object]
) -> None:
    taken: list[str | None] = []
    worker = sleeper(queue, taken)
    wake(queue)
    worker.join(5.0)
    alive = worker.is_alive()
    queue.shut_down()
    worker.join(5.0)

    assert (alive, taken) == (False, ["a"])


class Model(RuleBasedStateMachine):
    """The queue against what it should hold: due keys in order, keys that wait, keys in work."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = WorkQueue(initial=1000.0, maximum=9000.0, jitter=0.0)
        self.due: list[str] = []
        self.working: list[str] = []
        self.failures: Counter[str] = Counter()

    keys = st.sampled_from("abcd")

    @rule(key=keys)
    def add(self, key: str) -> None:
        self.queue.add(key)
        if key not in self.due:
            self.due.append(key)

    @rule(key=keys)
    def retry(self, key: str) -> None:
        self.failures[key] += 1
        assert self.queue.retry(key) == min(9000.0, 1000.0 * 2 ** (self.failures[key] - 1))

    @rule(key=keys)
    def forget(self, key: str) -> None:
        self.failures[key] = 0
        self.queue.forget(key)

    @rule()
    def get(self) -> None:
        free = [key for key in self.due if key not in self.working]
        assert self.queue.get(0) == (free[0] if free else None)
        if free:
            self.due.remove(free[0])
            self.working.append(free[0])

    @precondition(lambda self: self.working)
    @rule(data=st.data())
    def done(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(self.working))
        self.working.remove(key)
        self.queue.done(key)

    @invariant()
    def agrees(self) -> None:
        assert self.queue.depth() == len(self.due)
        assert {key: self.queue.failures(key) for key in "abcd"} == {
            key: self.failures[key] for key in "abcd"
        }


Model.TestCase.settings = settings(max_examples=60, stateful_step_count=30)
TestModel = Model.TestCase
