"""The reflector: a store that follows the server."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from holdfast.kube import reflector as module
from holdfast.kube.api import Api
from holdfast.kube.reflector import Reflector
from holdfast.kube.resources import VOLUMES, Json, Resource
from holdfast.kube.store import Store
from holdfast.kube.watch import Watch
from testbed.waiting import until
from tests.fake.apiserver import FakeApiServer, Fault
from tests.unit.kube.mirror import Mirror, gaps, volume

Lines = list[dict[str, object]]
Start = Callable[..., Mirror]


def bookmark(version: int) -> Json:
    return {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": str(version)}}}


def events_of(lines: Lines) -> list[object]:
    return [connection["event"] for connection in lines]


def test_what_is_there_is_listed_and_what_happens_is_followed(
    mirror: Start, server: FakeApiServer, api: Api
) -> None:
    server.objects.create(VOLUMES.path(), volume("a"))
    mine = mirror()
    assert mine.reflector.synced.wait(5.0)
    assert mine.changes == ["a"]

    api.create(VOLUMES, volume("b"))
    mine.holds(a=1, b=1)
    api.patch(VOLUMES, "a", {"spec": {"size": 2}})
    mine.holds(a=2, b=1)
    api.delete(VOLUMES, "b")
    mine.holds(a=2)

    assert mine.changes == ["a", "b", "a", "b"]
    assert (server.count("list"), server.count("watch")) == (1, 1)


def test_a_long_list_comes_in_pages_and_is_complete(mirror: Start, server: FakeApiServer) -> None:
    for number in range(1201):
        server.objects.create(VOLUMES.path(), volume(f"v{number}"))

    mine = mirror()

    assert mine.reflector.synced.wait(10.0)
    assert len(mine.store.keys()) == 1201
    lists = [request for request in server.requests if request.verb == "list"]
    pages = [request.query.get("continue", "") for request in lists]
    # On a busy machine one may take too long, and the list begins anew.
    began = max(index for index, page in enumerate(pages) if not page)
    assert len({*pages[began:]}) == 3


def test_a_list_read_anew_makes_items_of_what_changed_alone(api: Api) -> None:
    read, changed = list[str](), list[str]()

    def parse(obj: Json) -> str:
        read.append(obj["metadata"]["name"])
        return str(obj["spec"]["size"])

    reflector = Reflector(api, VOLUMES, Store[str](), parse, changed.append)
    for name in "abc":
        api.create(VOLUMES, volume(name))
    reflector._list()
    assert (read, changed) == (["a", "b", "c"], ["a", "b", "c"])

    api.patch(VOLUMES, "b", {"spec": {"size": 2}})
    api.delete(VOLUMES, "c")
    reflector._list()

    assert read[3:] == ["b"]
    assert changed[3:] == ["b", "c"]


def test_a_list_that_is_asked_for_just_before_the_watch_begins_is_read_at_once(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not when the watch ends: an export that was added waits for it."""
    mine, done = Mirror(api, silence=60.0), list[threading.Event]()
    watch = api.watch

    def asked_meanwhile(resource: Resource, version: str, *, seconds: int, silence: float) -> Watch:
        if not done:
            done.append(threading.Event())
            mine.reflector.relist(*done)
        return watch(resource, version, seconds=seconds, silence=silence)

    monkeypatch.setattr(api, "watch", asked_meanwhile)
    mine.start()
    try:
        until(lambda: bool(done))
        assert done[0].wait(5.0)
    finally:
        mine.reflector.stop()


def test_a_list_that_expires_midway_is_begun_again_at_once(
    mirror: Start, server: FakeApiServer
) -> None:
    for number in range(501):
        server.objects.create(VOLUMES.path(), volume(f"v{number}"))
    server.expire_continue = Fault(410, "Expired")

    mine = mirror(wait=10.0)

    assert mine.reflector.synced.wait(5.0)
    assert len(mine.store.keys()) == 501


def test_objects_of_no_interest_are_not_kept_and_leave_when_they_become_so(
    mirror: Start, api: Api
) -> None:
    api.create(VOLUMES, volume("none", 0))
    api.create(VOLUMES, volume("some", 3))
    mine = mirror()
    mine.holds(some=3)

    api.patch(VOLUMES, "some", {"spec": {"size": 0}})
    api.delete(VOLUMES, "none")
    api.create(VOLUMES, volume("last"))
    mine.holds(last=1)

    assert mine.changes == ["some", "some", "last"]


def test_an_object_that_cannot_be_read_is_logged_and_hides_no_other(
    mirror: Start, api: Api, logged: Lines
) -> None:
    api.create(VOLUMES, {"metadata": {"name": "odd"}})
    api.create(VOLUMES, volume("a"))
    mine = mirror()
    mine.holds(a=1)

    api.create(VOLUMES, {"metadata": {"name": "odder"}})
    api.create(VOLUMES, volume("b"))
    mine.holds(a=1, b=1)

    assert events_of(logged) == ["object skipped", "object skipped"]


def test_a_clean_end_is_watched_on_from_the_last_version_seen_bookmarks_included(
    mirror: Start, server: FakeApiServer, api: Api
) -> None:
    server.script(bookmark(77), "end")
    mine = mirror()
    until(lambda: server.count("watch") == 2)
    server.objects.version = 80
    api.create(VOLUMES, volume("a"))

    mine.holds(a=1)
    watches = [request for request in server.requests if request.verb == "watch"]
    assert [request.query["resourceVersion"] for request in watches] == ["10", "77"]
    assert all(300 <= int(request.query["timeoutSeconds"]) <= 600 for request in watches)
    assert server.count("list") == 1


@pytest.mark.parametrize(("chosen", "seconds"), [(min, "300"), (max, "600")])
def test_watches_last_five_to_ten_minutes(
    mirror: Start,
    server: FakeApiServer,
    monkeypatch: pytest.MonkeyPatch,
    chosen: Callable[[int, int], int],
    seconds: str,
) -> None:
    monkeypatch.setattr("holdfast.kube.reflector.random.randint", chosen)
    mirror()
    until(lambda: server.count("watch") == 1)

    assert server.requests[-1].query["timeoutSeconds"] == seconds


def test_watches_that_end_at_once_do_not_spin(mirror: Start, server: FakeApiServer) -> None:
    for _ in range(100):
        server.script("end")
    mirror(wait=0.2)

    until(lambda: server.count("watch") >= 4)

    assert min(gaps(server, "watch")) >= 0.19


def test_after_a_watch_that_lived_the_next_follows_at_once(
    mirror: Start, server: FakeApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "HEALTHY", 0.0)
    server.script("end")
    server.script("end")

    mirror(wait=60.0)

    until(lambda: server.count("watch") == 3)


def test_an_expired_version_is_listed_anew_at_once_the_first_time(
    mirror: Start, server: FakeApiServer, api: Api
) -> None:
    server.fail("watch", Fault(410, "Expired"))
    mine = mirror(wait=60.0)
    until(lambda: server.count("list") == 2)

    api.create(VOLUMES, volume("a"))
    mine.holds(a=1)


def test_expiry_in_mid_watch_is_listed_anew_too(
    mirror: Start, server: FakeApiServer, api: Api
) -> None:
    server.script({"type": "ERROR", "object": {"kind": "Status", "code": 410}})
    mine = mirror(wait=60.0)
    until(lambda: server.count("list") == 2)

    api.create(VOLUMES, volume("a"))
    mine.holds(a=1)


def test_a_server_whose_versions_always_expire_is_not_hammered(
    mirror: Start, server: FakeApiServer
) -> None:
    server.lasting["watch"] = Fault(410, "Expired")
    mirror(wait=0.2)

    until(lambda: server.count("list") >= 4)

    assert min(gaps(server, "list")[1:]) >= 0.19
