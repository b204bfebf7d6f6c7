"""The reflector with a server that expires, fails, is frozen or is away."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable

import pytest
from kubernetes.client import Configuration

from holdfast.kube.api import Api
from holdfast.kube.backoff import Backoff
from holdfast.kube.errors import KubeError, ServerUnavailable, Throttled
from holdfast.kube.log_once import LogOnce
from holdfast.kube.reflector import Reflector
from holdfast.kube.resources import VOLUMES
from holdfast.kube.store import Store
from testbed.waiting import until
from tests.fake.apiserver import FakeApiServer, Fault
from tests.unit.kube.mirror import Mirror, gaps, size_of, volume

Lines = list[dict[str, object]]
Start = Callable[..., Mirror]


def events_of(lines: Lines) -> list[object]:
    return [line["event"] for line in lines]


@pytest.mark.parametrize("code", [500, 503, 429])
def test_a_server_that_fails_every_watch_is_not_hammered(
    mirror: Start, server: FakeApiServer, code: int
) -> None:
    server.lasting["watch"] = Fault(code)
    mirror(wait=0.2)

    until(lambda: server.count("watch") >= 4)

    assert min(gaps(server, "watch")) >= 0.19


def test_the_wish_to_be_left_alone_is_heeded(mirror: Start, server: FakeApiServer) -> None:
    server.fail("list", Fault(429, headers={"Retry-After": "1"}))
    mine = mirror(wait=0.01)

    assert mine.reflector.synced.wait(5.0)

    assert min(gaps(server, "list")) >= 1.0


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (Throttled("later", 7.0), 7.0),
        (Throttled("much later", 1000.0), 60.0),
        (Throttled("later", None), 0.0),
        (ServerUnavailable("away"), 0.0),
    ],
)
def test_the_wish_to_be_left_alone_is_heeded_within_bounds(
    api: Api, error: KubeError, seconds: float
) -> None:
    mine = Mirror(api, wait=0.0)

    assert mine.reflector._pause(error) == seconds


def test_what_ends_a_watch_that_lived_or_one_that_is_stopped_is_no_loss(
    api: Api, logged: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = Mirror(api).reflector
    with monkeypatch.context() as patched:
        patched.setattr("holdfast.kube.reflector.HEALTHY", 0.0)
        one._pause(ServerUnavailable("away"))
    one._stopping.set()
    one._pause(ServerUnavailable("away"))
    assert logged == []

    one._stopping.clear()
    one._pause(ServerUnavailable("away"))
    assert events_of(logged) == ["API server lost"]


def test_the_usual_waits_grow_to_ten_seconds(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("holdfast.kube.backoff.random.random", lambda: 0.0)
    one = Reflector(api, VOLUMES, Store[int](), size_of, list[str]().append)

    assert [one._pause(ServerUnavailable("away")) for _ in range(5)] == [0.8, 1.6, 3.2, 6.4, 10.0]


def test_starting_before_the_server_is_no_failure_and_logged_once(
    mirror: Start, server: FakeApiServer, logged: Lines
) -> None:
    server.stop()
    mine = mirror(wait=0.02)
    until(lambda: events_of(logged) == ["API server lost"])
    assert not mine.reflector.synced.wait(0.3)
    server.start()

    assert mine.reflector.synced.wait(5.0)
    until(lambda: len(logged) == 2)
    assert events_of(logged) == ["API server lost", "API server back"]
    assert "connection refused" in str(logged[0]["reason"])


def test_a_server_that_is_down_is_tried_at_the_pace_of_the_back_off(server: FakeApiServer) -> None:
    server.stop()
    tries: list[float] = []
    api = Api(Configuration(host=server.url), observe=lambda *_: tries.append(time.monotonic()))
    mine = Mirror(api, wait=0.2).start()

    until(lambda: len(tries) >= 4)
    mine.reflector.stop()

    assert min(later - earlier for earlier, later in itertools.pairwise(tries)) >= 0.19


def test_a_server_that_was_away_is_caught_up_with(mirror: Start, server: FakeApiServer) -> None:
    server.objects.create(VOLUMES.path(), volume("a"))
    mine = mirror()
    mine.holds(a=1)
    server.stop()
    server.objects.delete(f"{VOLUMES.path()}/a")
    server.objects.create(VOLUMES.path(), volume("b"))
    server.start()

    mine.holds(b=1)


def test_a_server_put_back_from_a_backup_is_believed(mirror: Start, server: FakeApiServer) -> None:
    server.objects.version = 1000
    server.objects.create(VOLUMES.path(), volume("a"))
    server.objects.create(VOLUMES.path(), volume("ghost"))
    mine = mirror()
    mine.holds(a=1, ghost=1)
    server.stop()
    server.objects.by_path.clear()
    server.objects.history.clear()
    server.objects.version = 20
    server.objects.create(VOLUMES.path(), volume("a", 7))
    server.start()

    mine.holds(a=7)
    server.objects.patch(f"{VOLUMES.path()}/a", {"spec": {"size": 8}})
    mine.holds(a=8)


def test_a_server_put_back_to_before_what_was_watched_is_believed(
    mirror: Start, server: FakeApiServer, api: Api
) -> None:
    mine = mirror()
    assert mine.reflector.synced.wait(5.0)
    server.objects.version = 1000
    api.create(VOLUMES, volume("ghost"))
    mine.holds(ghost=1)
    server.stop()
    server.objects.by_path.clear()
    server.objects.history.clear()
    server.objects.version = 20
    server.objects.create(VOLUMES.path(), volume("a", 7))
    server.start()

    mine.holds(a=7)


class Counted(LogOnce):
    """LogOnce that counts the answers."""

    answers = 0

    def answered(self) -> None:
        self.answers += 1
        super().answered()


def test_each_page_of_a_list_is_an_answer(api: Api, server: FakeApiServer) -> None:
    for number in range(501):
        server.objects.create(VOLUMES.path(), volume(f"v{number}"))
    one = Mirror(api).reflector
    one._server_log = counted = Counted("testing")
    one._list()

    assert counted.answers == 2


def test_the_begin_each_event_and_the_end_of_a_watch_are_answers(
    api: Api, server: FakeApiServer
) -> None:
    one = Mirror(api).reflector
    one._version, one._server_log = "10", (counted := Counted("testing"))
    metadata = {"name": "a", "resourceVersion": "11"}
    server.script({"type": "BOOKMARK", "object": {"metadata": metadata}}, "end")
    one._watch()

    assert counted.answers == 3


def test_a_frozen_server_is_noticed_and_its_return_too(
    mirror: Start, server: FakeApiServer, api: Api, logged: Lines
) -> None:
    mine = mirror(silence=0.3)
    assert mine.reflector.synced.wait(5.0)
    server.freeze()
    until(lambda: "API server lost" in events_of(logged))
    server.thawed.set()
    api.create(VOLUMES, volume("a"))

    mine.holds(a=1)


def test_our_own_write_is_not_undone_by_an_older_event(
    mirror: Start, server: FakeApiServer, api: Api
) -> None:
    server.delivering.clear()
    mine = mirror()
    assert mine.reflector.synced.wait(5.0)
    api.create(VOLUMES, volume("a", 1))
    newest = api.patch(VOLUMES, "a", {"spec": {"size": 2}})
    mine.store.apply("a", int(newest["metadata"]["resourceVersion"]), 2)
    server.delivering.set()
    api.create(VOLUMES, volume("end"))
    mine.holds(a=2, end=1)

    assert mine.changes == ["end"]


@pytest.mark.parametrize("verb", ["list", "watch"])
def test_stopping_is_prompt_while_the_server_is_frozen(server: FakeApiServer, verb: str) -> None:
    api = Api(Configuration(host=server.url), read_timeout=60.0)
    mine = Mirror(api, silence=60.0)
    if verb == "list":
        server.freeze()
    mine.start()
    until(lambda: any(request.verb == verb for request in server.requests))
    server.freeze()

    began = time.monotonic()
    mine.reflector.stop(timeout=30.0)

    assert time.monotonic() - began < 10.0
    assert not [thread for thread in threading.enumerate() if "reflector" in thread.name]
    api.close()


def test_stopping_does_not_wait_for_a_long_back_off(
    mirror: Start, server: FakeApiServer, logged: Lines
) -> None:
    server.stop()
    mine = mirror(wait=60.0)
    until(lambda: bool(logged))

    mine.reflector.stop(timeout=5.0)

    assert not [thread for thread in threading.enumerate() if "reflector" in thread.name]


def test_one_that_was_never_started_can_be_stopped(api: Api) -> None:
    Mirror(api).reflector.stop()


def test_a_listener_that_fails_does_not_blind_the_reflector(
    api: Api, server: FakeApiServer, logged: Lines
) -> None:
    store, failures = Store[int](), [RuntimeError("once")]

    def on_change(_: str) -> None:
        if failures:
            raise failures.pop()

    server.objects.create(VOLUMES.path(), volume("a"))
    blind = Reflector(api, VOLUMES, store, size_of, on_change, backoff=Backoff(0.01, 0.1))
    blind.start()
    until(lambda: "API server back" in events_of(logged))
    api.create(VOLUMES, volume("b"))
    until(lambda: store.get("b") == 1)
    blind.stop()

    assert "unexpected error" in events_of(logged)
