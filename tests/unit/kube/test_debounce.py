"""What can wait waits until a burst of work is over, and no longer than it may."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from holdfast.kube.api import Api
from holdfast.kube.debounce import Debounce
from holdfast.kube.event_broadcaster import EventBroadcaster, ObjectReference
from testbed.waiting import until
from tests.fake.apiserver import FakeApiServer
from tests.support import Clock

CLAIM = ObjectReference("PersistentVolumeClaim", "v1", "n", "c", "uid-c", "7")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("holdfast.kube.debounce.monotonic", clock)
    return clock


@pytest.fixture
def broadcaster(api: Api) -> Iterator[EventBroadcaster]:
    one = EventBroadcaster(api, "p_host_uuid")
    one.start()
    yield one
    one.stop()


def reasons(server: FakeApiServer) -> list[str]:
    events = [obj for path, obj in server.objects.by_path.items() if "/events/" in path]
    return [event["reason"] for event in sorted(events, key=lambda one: one["metadata"]["name"])]


def test_what_comes_after_silence_is_due_at_once(clock: Clock) -> None:
    debounce = Debounce(1.0, 30.0)
    debounce.start()
    debounce.postpone()
    assert debounce.remaining() == 0

    clock.now += 1.0
    debounce.postpone()
    assert debounce.remaining() == 0


def test_what_comes_in_a_burst_is_due_when_it_is_over(clock: Clock) -> None:
    debounce = Debounce(1.0, 30.0)
    debounce.postpone()
    debounce.start()
    for _ in range(10):
        clock.now += 0.75
        debounce.postpone()
        assert debounce.remaining() == 1.0

    clock.now += 1.0
    assert debounce.remaining() == 0


def test_a_burst_without_end_does_not_keep_it_for_ever(clock: Clock) -> None:
    debounce = Debounce(1.0, 3.0)
    debounce.postpone()
    debounce.start()
    for _ in range(5):
        clock.now += 0.75
        debounce.postpone()

    assert debounce.remaining() == 0


@pytest.mark.usefixtures("clock")
def test_what_has_ended_is_not_held_again_by_the_same_burst() -> None:
    debounce = Debounce(1.0, 30.0)
    debounce.postpone()
    debounce.start()
    debounce.postpone()
    assert debounce.remaining() == 1.0
    debounce.fire()
    debounce.postpone()
    assert debounce.remaining() == 0

    debounce.start()
    debounce.postpone()
    assert debounce.remaining() == 1.0


@pytest.mark.usefixtures("clock")
def test_bad_news_does_not_wait_and_takes_along_what_does(
    broadcaster: EventBroadcaster, server: FakeApiServer
) -> None:
    broadcaster.event(CLAIM, "Normal", "First", "at once")
    broadcaster.event(CLAIM, "Normal", "Second", "in a burst that never ends")
    broadcaster.event(CLAIM, "Warning", "Third", "bad news")
    until(lambda: len(reasons(server)) == 3)

    assert reasons(server) == ["First", "Second", "Third"]


def test_good_news_of_a_burst_is_told_when_work_has_ended(
    broadcaster: EventBroadcaster, server: FakeApiServer, clock: Clock
) -> None:
    broadcaster.event(CLAIM, "Normal", "First", "at once")
    until(lambda: reasons(server) == ["First"])
    broadcaster.event(CLAIM, "Normal", "Second", "in a burst")
    for _ in range(3):
        clock.now += 0.75
        broadcaster.postpone()
    assert broadcaster._debounce.remaining() == 1.0
    assert reasons(server) == ["First"]

    clock.now += 1.0
    until(lambda: reasons(server) == ["First", "Second"])
