"""The broadcaster: told at once, sent when possible, counted instead of repeated, bounded."""

from __future__ import annotations

import math
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from kubernetes.client import Configuration

from holdfast.kube import event_broadcaster as module
from holdfast.kube.api import Api
from holdfast.kube.backoff import Backoff
from holdfast.kube.errors import ServerError, Throttled
from holdfast.kube.event_broadcaster import EventBroadcaster, ObjectReference
from holdfast.kube.lru import LRU
from holdfast.kube.resources import EVENTS, Json
from holdfast.kube.token_buckets import TokenBuckets
from testbed.waiting import until
from tests.fake.apiserver import FakeApiServer, Fault
from tests.unit.kube.mirror import gaps

CLAIM = ObjectReference("PersistentVolumeClaim", "v1", "n", "c", "uid-c", "7")
VOLUME = ObjectReference("PersistentVolume", "v1", "", "v", "uid-v")

Lines = list[dict[str, object]]


@pytest.fixture
def broadcaster(api: Api) -> Iterator[EventBroadcaster]:
    """A broadcaster that sends."""
    one = EventBroadcaster(api, "p_host_uuid")
    one.start()
    yield one
    one.stop()
    assert not [thread for thread in threading.enumerate() if thread.name == "events"]


def sent(server: FakeApiServer) -> list[Json]:
    return [obj for path, obj in sorted(server.objects.by_path.items()) if "/events/" in path]


def test_an_event_says_what_happened_to_which_object(
    broadcaster: EventBroadcaster, server: FakeApiServer
) -> None:
    broadcaster.event(CLAIM, "Warning", "ProvisioningFailed", "no space")
    until(lambda: len(sent(server)) == 1)

    event = sent(server)[0]
    assert event["involvedObject"] == {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "namespace": "n",
        "name": "c",
        "uid": "uid-c",
        "resourceVersion": "7",
    }
    assert (event["type"], event["reason"]) == ("Warning", "ProvisioningFailed")
    assert (event["message"], event["count"]) == ("no space", 1)
    assert event["source"] == {"component": "p_host_uuid"}
    assert event["metadata"]["namespace"] == "n"
    assert (event["apiVersion"], event["kind"]) == ("v1", "Event")
    assert re.fullmatch(r"c\.[0-9a-f]{16}", event["metadata"]["name"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", event["firstTimestamp"])
    assert event["firstTimestamp"] == event["lastTimestamp"]


def test_what_is_said_again_says_when_it_was_last_so(
    broadcaster: EventBroadcaster, server: FakeApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = ["first", "second"]
    monkeypatch.setattr(module, "_now", lambda: times.pop(0))
    for _ in range(2):
        broadcaster.event(CLAIM, "Warning", "Failed", "again")
    until(lambda: server.count("patch") == 1)

    assert server.requests[-1].body == {"count": 2, "lastTimestamp": "second"}
    until(lambda: sent(server)[0]["lastTimestamp"] == "second")
    assert sent(server)[0]["firstTimestamp"] == "first"


def test_events_about_cluster_scoped_objects_are_kept_in_default(
    broadcaster: EventBroadcaster, server: FakeApiServer
) -> None:
    broadcaster.event(VOLUME, "Normal", "Reclaimed", "gone")
    until(lambda: len(sent(server)) == 1)

    assert sent(server)[0]["metadata"]["namespace"] == "default"
    assert "namespace" not in sent(server)[0]["involvedObject"]


def test_the_same_again_raises_the_count(
    broadcaster: EventBroadcaster, server: FakeApiServer
) -> None:
    for _ in range(3):
        broadcaster.event(CLAIM, "Normal", "Waiting", "for a node")
    broadcaster.event(CLAIM, "Normal", "Waiting", "for a class")
    until(lambda: server.count("create") == 2)

    assert [(event["message"], event["count"]) for event in sent(server)] == [
        ("for a node", 3),
        ("for a class", 1),
    ]


def test_what_the_server_has_forgotten_is_told_anew(
    broadcaster: EventBroadcaster, server: FakeApiServer
) -> None:
    broadcaster.event(CLAIM, "Normal", "Waiting", "for a node")
    until(lambda: len(sent(server)) == 1)
    server.objects.delete(EVENTS.path("n", sent(server)[0]["metadata"]["name"]))
    broadcaster.event(CLAIM, "Normal", "Waiting", "for a node")
    until(lambda: server.count("create") == 2)
    broadcaster.event(CLAIM, "Normal", "Waiting", "for a node")
    until(lambda: bool(sent(server)) and sent(server)[0]["count"] == 2)


def test_an_object_has_so_many_events_at_once_and_others_are_not_held_up(
    broadcaster: EventBroadcaster, server: FakeApiServer
) -> None:
    for number in range(30):
        broadcaster.event(CLAIM, "Normal", "Busy", f"{number}")
    broadcaster.event(VOLUME, "Normal", "Fine", "told")
    until(lambda: any(event["reason"] == "Fine" for event in sent(server)))

    assert sum(event["reason"] == "Busy" for event in sent(server)) == 25


def test_a_long_message_is_cut_at_the_servers_limit_between_characters(
    broadcaster: EventBroadcaster, server: FakeApiServer
) -> None:
    broadcaster.event(CLAIM, "Normal", "Long", "ä" * 1000)
    until(lambda: len(sent(server)) == 1)

    message = sent(server)[0]["message"]
    assert message == "ä" * 510 + "…"
    assert len(message.encode()) <= 1024


@pytest.mark.parametrize(
    ("length", "told"), [(1024, "x" * 1024), (1025, "x" * 1021 + "…"), (5000, "x" * 1021 + "…")]
)
def test_a_message_is_as_long_as_the_server_takes(
    broadcaster: EventBroadcaster, server: FakeApiServer, length: int, told: str
) -> None:
    broadcaster.event(CLAIM, "Normal", "Long", "x" * length)
    until(lambda: len(sent(server)) == 1)

    assert sent(server)[0]["message"] == told


def test_half_a_character_is_told_by_its_number(
    broadcaster: EventBroadcaster, server: FakeApiServer
) -> None:
    """The name of a file that is not UTF-8 has one."""
    broadcaster.event(CLAIM, "Normal", "Odd", "cannot remove 'a\udcff'")
    until(lambda: len(sent(server)) == 1)

    assert sent(server)[0]["message"] == r"cannot remove 'a\udcff'"


def test_a_long_name_makes_a_name_the_server_accepts(
    broadcaster: EventBroadcaster, server: FakeApiServer
) -> None:
    name = "x" * 229 + "." + "y" * 23
    broadcaster.event(
        ObjectReference("PersistentVolume", "v1", "", name, "u"), "Normal", "Made", "it"
    )
    until(lambda: len(sent(server)) == 1)

    made = sent(server)[0]["metadata"]["name"]
    assert len(made) <= 253
    assert ".." not in made


def test_telling_does_not_wait_for_a_frozen_server(
    broadcaster: EventBroadcaster, server: FakeApiServer
) -> None:
    server.freeze()
    began = time.monotonic()
    for number in range(20):
        broadcaster.event(CLAIM, "Normal", "Told", f"{number}")
    told = time.monotonic() - began
    server.thawed.set()
    until(lambda: len(sent(server)) == 20)

    assert told < module.TIMEOUT


def test_events_outlast_a_server_that_is_away_in_their_order_and_with_their_time(
    server: FakeApiServer, logged: Lines, api: Api
) -> None:
    server.stop()
    broadcaster = EventBroadcaster(api, "p")
    broadcaster.start()
    broadcaster.event(CLAIM, "Normal", "First", "1")
    broadcaster.event(CLAIM, "Normal", "Second", "2")
    until(lambda: bool(logged))
    server.start()
    until(lambda: len(sent(server)) == 2)
    broadcaster.stop()

    assert [event["reason"] for event in sent(server)] == ["First", "Second"]
    assert [line["event"] for line in logged] == ["API server lost", "API server back"]


def test_an_event_that_was_sent_but_not_answered_is_not_sent_twice(
    broadcaster: EventBroadcaster, server: FakeApiServer, logged: Lines
) -> None:
    server.fail("create", Fault(409, "AlreadyExists"))
    broadcaster.event(CLAIM, "Normal", "Sent", "once")
    broadcaster.event(VOLUME, "Normal", "Next", "one")
    until(lambda: len(sent(server)) == 1)

    assert sent(server)[0]["reason"] == "Next"
    assert logged == []


def test_a_refused_event_is_dropped_and_does_not_hold_up_others(
    broadcaster: EventBroadcaster, server: FakeApiServer
) -> None:
    server.fail("create", Fault(403))
    broadcaster.event(CLAIM, "Normal", "Refused", "by rights")
    broadcaster.event(VOLUME, "Normal", "Fine", "told")
    until(lambda: len(sent(server)) == 1)

    assert sent(server)[0]["reason"] == "Fine"
    assert server.count("create") == 2


@pytest.mark.parametrize("fault", [Fault(500, "InternalError"), Fault(504, "Timeout"), Fault(429)])
def test_an_event_that_the_server_fails_on_is_sent_after_the_others(
    api: Api, server: FakeApiServer, fault: Fault
) -> None:
    """As where an admission webhook for the events of one namespace is down."""
    broadcaster = EventBroadcaster(api, "p")
    broadcaster._backoff = Backoff(0.01, 0.01)
    server.fail("create", fault, times=2)
    broadcaster.event(CLAIM, "Normal", "Failed", "twice")
    broadcaster.event(VOLUME, "Normal", "Failed", "once")
    broadcaster.event(VOLUME, "Normal", "Fine", "told")
    broadcaster.start()
    until(lambda: len(sent(server)) == 3)
    broadcaster.stop()

    made = [request.body["message"] for request in server.requests]
    assert made == ["twice", "once", "told", "twice", "once"]


def test_one_event_that_the_server_fails_on_makes_no_other_wait(
    api: Api, server: FakeApiServer
) -> None:
    broadcaster = EventBroadcaster(api, "p")
    broadcaster._backoff = Backoff(3600.0, 3600.0)
    server.fail("create", Fault(500, "InternalError"))
    broadcaster.event(CLAIM, "Normal", "Failed", "once")
    broadcaster.event(VOLUME, "Normal", "Fine", "told")
    broadcaster.start()
    until(lambda: len(sent(server)) == 2)
    broadcaster.stop()


def test_an_event_that_the_server_always_fails_on_is_dropped_where_others_are_sent(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []

    def create(_: object, __: Json, namespace: str, **___: object) -> None:
        tried.append(namespace)
        if namespace == CLAIM.namespace:
            raise ServerError(500, "InternalError", "failed calling webhook")

    monkeypatch.setattr(api, "create", create)
    broadcaster = EventBroadcaster(api, "p")
    broadcaster.event(CLAIM, "Normal", "Failed", "always")
    for number in range(module.MOST_FAILURES):
        broadcaster.event(VOLUME, "Normal", "Fine", f"{number}")
        for _ in range(2):
            broadcaster._deliver(broadcaster._queue.popleft())
    assert [said.message for said in broadcaster._queue] == ["always"]

    broadcaster._deliver(broadcaster._queue.popleft())

    assert list(broadcaster._queue) == []
    assert tried.count(CLAIM.namespace) == module.MOST_FAILURES + 1


def test_an_event_that_the_server_has_no_time_for_is_kept_although_others_are_sent(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by its priority and fairness: what it refuses for now says nothing of the event."""

    def create(_: object, __: Json, namespace: str, **___: object) -> None:
        if namespace == CLAIM.namespace:
            raise Throttled("later")

    monkeypatch.setattr(api, "create", create)
    broadcaster = EventBroadcaster(api, "p")
    broadcaster.event(CLAIM, "Normal", "Kept", "one")
    for number in range(2 * module.MOST_FAILURES):
        broadcaster.event(VOLUME, "Normal", "Fine", f"{number}")
        for _ in range(2):
            broadcaster._deliver(broadcaster._queue.popleft())

    assert [said.message for said in broadcaster._queue] == ["one"]


def test_the_servers_wish_to_be_left_alone_is_heeded(
    broadcaster: EventBroadcaster, server: FakeApiServer
) -> None:
    broadcaster._backoff = Backoff(0.01, 0.01)
    server.fail("create", Fault(429, headers={"Retry-After": "1"}))
    broadcaster.event(CLAIM, "Warning", "Sent", "later")
    until(lambda: len(sent(server)) == 1)

    assert min(gaps(server, "create")) >= 1.0


def test_no_event_is_dropped_while_the_server_fails_on_all(api: Api, server: FakeApiServer) -> None:
    """As while etcd is away, for as long as it likes."""
    broadcaster = EventBroadcaster(api, "p")
    broadcaster._backoff = Backoff(0.01, 0.01)
    server.lasting["create"] = Fault(500, "InternalError")
    broadcaster.event(CLAIM, "Normal", "Kept", "one")
    broadcaster.event(VOLUME, "Normal", "Kept", "another")
    broadcaster.start()
    until(lambda: server.count("create") > 4 * module.MOST_FAILURES)
    server.lasting.clear()
    until(lambda: len(sent(server)) == 2)
    broadcaster.stop()


def test_a_full_queue_drops_the_oldest(
    api: Api, server: FakeApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LONGEST_QUEUE", 3)
    broadcaster = EventBroadcaster(api, "p")
    for number in range(5):
        broadcaster.event(CLAIM, "Normal", "Queued", f"{number}")
    broadcaster.start()
    broadcaster.stop()

    assert [event["message"] for event in sent(server)] == ["2", "3", "4"]


def test_stopping_sends_what_waits_and_takes_nothing_more(api: Api, server: FakeApiServer) -> None:
    broadcaster = EventBroadcaster(api, "p")
    broadcaster.start()
    for number in range(10):
        broadcaster.event(CLAIM, "Normal", "Last", f"{number}")
    broadcaster.stop()
    broadcaster.event(CLAIM, "Normal", "Late", "too late")

    assert len(sent(server)) == 10


def test_stopping_is_prompt_while_the_server_is_frozen(server: FakeApiServer) -> None:
    api = Api(Configuration(host=server.url))
    broadcaster = EventBroadcaster(api, "p")
    broadcaster.start()
    server.freeze()
    broadcaster.event(CLAIM, "Normal", "Never", "sent")
    until(lambda: server.count("create") == 1)
    broadcaster.stop(timeout=1.0)

    assert not [thread for thread in threading.enumerate() if thread.name == "events"]
    api.close()


def test_stopping_shares_its_time_between_sending_and_hanging_up(
    broadcaster: EventBroadcaster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("holdfast.kube.event_broadcaster.time.monotonic", lambda: 1000.0)
    waits: list[float] = []
    with monkeypatch.context() as patched:
        patched.setattr(broadcaster._thread, "join", waits.append)
        broadcaster.stop(timeout=10.0)

    assert (waits, broadcaster._end) == ([8.0, 2.0], 1008.0)


@pytest.mark.parametrize(("end", "seconds"), [(math.inf, 5.0), (1002.0, 2.0), (999.0, 0.1)])
def test_a_request_waits_no_longer_than_is_left(
    api: Api, monkeypatch: pytest.MonkeyPatch, end: float, seconds: float
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(api, "create", lambda *_, timeout: waits.append(timeout))
    monkeypatch.setattr(api, "patch", lambda *_, timeout: waits.append(timeout))
    monkeypatch.setattr("holdfast.kube.event_broadcaster.time.monotonic", lambda: 1000.0)
    broadcaster = EventBroadcaster(api, "p")
    broadcaster.event(CLAIM, "Normal", "Sent", "in time")
    broadcaster._end = end
    for _ in range(2):
        broadcaster._send(broadcaster._queue[0])

    assert waits == [seconds, seconds]


def test_the_waits_for_a_server_that_is_away_grow_to_half_a_minute(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("holdfast.kube.backoff.random.random", lambda: 0.0)
    backoff = EventBroadcaster(api, "p")._backoff

    assert [backoff.next() for _ in range(7)] == [0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30.0]


def test_a_recorder_that_was_never_started_can_be_stopped(api: Api) -> None:
    EventBroadcaster(api, "p").stop()


def test_stopping_tries_once_more_although_it_was_waiting_for_the_server(
    api: Api, server: FakeApiServer, logged: Lines
) -> None:
    server.stop()
    broadcaster = EventBroadcaster(api, "p")
    broadcaster._backoff = Backoff(60.0, 60.0)
    broadcaster.start()
    broadcaster.event(CLAIM, "Normal", "Kept", "till the end")
    until(lambda: bool(logged))
    server.start()
    broadcaster.stop()

    assert [event["reason"] for event in sent(server)] == ["Kept"]


def test_an_allowance_grows_back_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("holdfast.kube.token_buckets.time.monotonic", lambda: now[0])
    buckets = TokenBuckets[str](2, 300.0, most=10)
    assert [buckets.take("a") for _ in range(3)] == [True, True, False]
    now[0] = 300.0

    assert [buckets.take("a") for _ in range(2)] == [True, False]
    now[0] = 10_000.0
    assert [buckets.take("a") for _ in range(3)] == [True, True, False]


def test_only_the_most_recent_are_remembered() -> None:
    lru = LRU[str, int](2)
    for number, key in enumerate("abac"):
        lru.set(key, number)

    assert [lru.get(key) for key in "abc"] == [2, None, 3]


def test_the_allowance_of_an_object_holds_among_thousands(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("holdfast.kube.event_broadcaster.BURST", 3)
    monkeypatch.setattr("holdfast.kube.event_broadcaster.LONGEST_QUEUE", 100_000)
    broadcaster = EventBroadcaster(api, "component")
    for _ in range(6):
        for number in range(1500):
            about = replace(CLAIM, uid=str(number))
            broadcaster.event(about, "Warning", "ProvisioningFailed", "it is refused")

    assert len(broadcaster._queue) == 1500 * 3


def test_a_bucket_that_is_full_again_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("holdfast.kube.token_buckets.time.monotonic", lambda: now[0])
    buckets = TokenBuckets[str](2, 300.0, most=10)
    for key in "abc":
        buckets.take(key)

    now[0] = 300.0
    buckets.take("d")

    assert list(buckets._left._values) == ["d"]
