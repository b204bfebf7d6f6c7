"""Calls that hang: the caller goes on in time, and no more threads gather than there are places."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from holdfast.exports.deadline import Lane
from holdfast.exports.errors import TimedOut
from holdfast.exports.record import DirectoryTaken


class Hang:
    """Calls that end when they are told to."""

    def __init__(self) -> None:
        self.begun = 0
        self._end = threading.Event()

    def __call__(self) -> str:
        self.begun += 1
        assert self._end.wait(30)
        return "late"

    def end(self) -> None:
        self._end.set()
        for thread in threading.enumerate():
            if thread.name == "export-call":
                thread.join(10)


@pytest.fixture
def hang() -> Iterator[Hang]:
    made = Hang()
    yield made
    made.end()
    assert "export-call" not in {thread.name for thread in threading.enumerate()}


def test_a_result_passes_through() -> None:
    assert Lane(linger=0).call(lambda: 42, "count") == 42
    assert Lane(linger=0).call(lambda: None, "do nothing") is None


@pytest.mark.parametrize(
    "error",
    [DirectoryTaken("data", []), FileNotFoundError("gone"), KeyboardInterrupt(), SystemExit(1)],
)
def test_an_exception_passes_through_as_it_is(error: BaseException) -> None:
    lane = Lane(width=1, linger=0)

    def fail() -> None:
        raise error

    for _ in range(3):
        with pytest.raises(type(error)) as caught:
            lane.call(fail, "fail")
        assert caught.value is error
    assert lane.call(lambda: "ok", "go on") == "ok"


def test_a_call_that_hangs_is_given_up_with_what_it_was(hang: Hang) -> None:
    lane = Lane(seconds=0.05, linger=0)

    with pytest.raises(TimedOut, match=r"cannot delete: the export did not answer in 0\.05 s"):
        lane.call(hang, "cannot delete")
    assert hang.begun == 1


def test_a_call_that_hangs_holds_its_place_and_no_more_begin_than_there_are(hang: Hang) -> None:
    lane = Lane(width=2, seconds=0.05, linger=0)
    for _ in range(2):
        with pytest.raises(TimedOut, match="did not answer"):
            lane.call(hang, "first")

    for _ in range(3):
        with pytest.raises(TimedOut, match="second: the export hangs in earlier calls"):
            lane.call(hang, "second")

    assert hang.begun == 2


def test_another_lane_is_not_held_up(hang: Hang) -> None:
    with pytest.raises(TimedOut):
        Lane(width=1, seconds=0.05, linger=0).call(hang, "hang")

    assert Lane(width=1, linger=0).call(lambda: "ok", "go on") == "ok"


def test_when_the_hang_ends_calls_work_again(hang: Hang) -> None:
    lane = Lane(width=1, seconds=0.05, linger=0)
    with pytest.raises(TimedOut):
        lane.call(hang, "hang")

    hang.end()

    assert [lane.call(lambda: "ok", "go on") for _ in range(5)] == ["ok"] * 5


def test_a_call_that_waits_for_a_place_gets_it_in_time(hang: Hang) -> None:
    lane = Lane(width=1, seconds=30, linger=0)
    results: list[str] = []
    threads = [
        threading.Thread(target=lambda call=call: results.append(lane.call(call, "wait")))
        for call in (hang, lambda: "ok")
    ]
    threads[0].start()
    while not hang.begun:
        time.sleep(0.001)
    threads[1].start()

    hang.end()
    for thread in threads:
        thread.join(10)

    assert sorted(results) == ["late", "ok"]


def test_calls_run_beside_each_other_up_to_the_width() -> None:
    lane, together = Lane(width=4, seconds=30, linger=0), threading.Barrier(4)
    threads = [
        threading.Thread(target=lambda: lane.call(lambda: together.wait(10), "meet"))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert not together.broken


def test_a_place_is_given_back_where_the_system_gives_no_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lane = Lane(width=1, seconds=0.05, linger=0)

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError):
            lane.call(lambda: "never", "begin")

    assert lane.call(lambda: "ok", "go on") == "ok"


def test_threads_left_behind_do_not_keep_the_process(hang: Hang) -> None:
    with pytest.raises(TimedOut):
        Lane(seconds=0.05, linger=0).call(hang, "hang")

    left = [thread for thread in threading.enumerate() if thread.name == "export-call"]
    assert [thread.daemon for thread in left] == [True]


def test_one_call_after_another_needs_one_thread() -> None:
    lane = Lane(seconds=30, linger=0.2)

    threads = {lane.call(threading.current_thread, "look") for _ in range(20)}

    assert len(threads) == 1
    threads.pop().join(10)  # and it leaves when nothing more comes


def test_calls_that_come_as_a_thread_leaves_are_served() -> None:
    lane = Lane(width=1, seconds=30, linger=0)

    assert [lane.call(lambda: "ok", "go on") for _ in range(2000)] == ["ok"] * 2000


def test_a_thread_that_hangs_is_not_counted_on(hang: Hang) -> None:
    lane = Lane(width=2, seconds=0.05, linger=0.2)
    assert lane.call(lambda: "ok", "first") == "ok"
    with pytest.raises(TimedOut):
        lane.call(hang, "hang")

    assert lane.call(lambda: "ok", "go on") == "ok"
    hang.end()


def test_idle_threads_leave_when_the_lane_is_closed() -> None:
    lane = Lane(seconds=30, linger=60)
    thread = lane.call(threading.current_thread, "look")

    lane.close()

    thread.join(10)
    assert not thread.is_alive()
