"""One watch: what it yields, how it ends, and that it can always be ended."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from kubernetes.client import Configuration

from holdfast.kube import errors
from holdfast.kube.api import Api
from holdfast.kube.resources import VOLUMES, Json
from holdfast.kube.watch import Watch
from testbed.waiting import until
from tests.fake.apiserver import FakeApiServer, Fault


def event(version: int, kind: str = "ADDED") -> Json:
    metadata = {"name": "a", "resourceVersion": str(version)}
    return {"type": kind, "object": {"metadata": metadata}}


def versions(watch: Watch) -> list[str]:
    with watch:
        return [obj["metadata"]["resourceVersion"] for _, obj in watch]


def watch_of(api: Api, *, silence: float = 1.0) -> Watch:
    return api.watch(VOLUMES, "10", seconds=300, silence=silence)


class Reader:
    """Reads a watch to its end on a thread of its own."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self.entered = threading.Event()
        self.error: Exception | None = None
        self.thread = threading.Thread(target=self._read)
        self.thread.start()

    def _read(self) -> None:
        try:
            with self.watch:
                self.entered.set()
                for _ in self.watch:
                    pass
        except errors.KubeError as error:
            self.error = error

    def ends(self) -> bool:
        self.thread.join(2.0)
        return not self.thread.is_alive()


def test_a_watch_asks_for_bookmarks_an_end_and_the_events_after_a_version(
    api: Api, server: FakeApiServer
) -> None:
    server.script("end")

    assert versions(watch_of(api)) == []
    assert server.requests[0].query == {
        "watch": "true",
        "allowWatchBookmarks": "true",
        "resourceVersion": "10",
        "timeoutSeconds": "300",
    }


def test_events_and_bookmarks_come_in_order_and_a_clean_end_is_an_end(
    api: Api, server: FakeApiServer
) -> None:
    server.script(event(11), event(12, "BOOKMARK"), "end")

    with watch_of(api) as watch:
        seen = [(kind, obj["metadata"]["resourceVersion"]) for kind, obj in watch]

    assert seen == [("ADDED", "11"), ("BOOKMARK", "12")]


def test_an_event_cut_into_pieces_is_one_event(api: Api, server: FakeApiServer) -> None:
    text = b'{"type": "ADDED", "object": {"metadata": {"resourceVersion": "11"}}}\n'
    server.script(text[:7], text[7:20], text[20:] + text[:9], text[9:], "end")

    assert versions(watch_of(api)) == ["11", "11"]


def test_an_old_version_refused_at_once_is_expired(api: Api, server: FakeApiServer) -> None:
    server.fail("watch", Fault(410, "Expired"))

    with pytest.raises(errors.Expired), watch_of(api):
        pass


@pytest.mark.parametrize(
    ("code", "error"),
    [(410, errors.Expired), (500, errors.ServerError), (403, errors.Forbidden)],
)
def test_an_error_event_is_the_error_it_names(
    api: Api, server: FakeApiServer, code: int, error: type[errors.KubeError]
) -> None:
    server.script({"type": "ERROR", "object": {"kind": "Status", "code": code}})

    with pytest.raises(error):
        versions(watch_of(api))


def test_a_cut_connection_is_not_taken_for_an_end(api: Api, server: FakeApiServer) -> None:
    server.script(event(11), "cut")

    with pytest.raises(errors.ServerUnavailable, match="the connection was cut"):
        versions(watch_of(api))


@pytest.mark.parametrize("sent", [b"nonsense\n", b"{}\n", b"[]\n", b"1\n"])
def test_nonsense_is_no_answer(api: Api, server: FakeApiServer, sent: bytes) -> None:
    server.script(sent, "end")

    with pytest.raises(errors.ServerUnavailable, match=r"not an event\.$"):
        versions(watch_of(api))


def test_silence_longer_than_allowed_is_the_end(api: Api, server: FakeApiServer) -> None:
    server.script(event(11), "hold")

    with pytest.raises(errors.ServerUnavailable, match=r"No watch data for 0\.2 s"):
        versions(watch_of(api, silence=0.2))


def test_a_watch_may_be_silent_for_longer_than_other_answers_may_take(
    server: FakeApiServer,
) -> None:
    api = Api(Configuration(host=server.url), read_timeout=0.2)
    server.script(0.5, event(11), "end")

    assert versions(watch_of(api, silence=5.0)) == ["11"]
    api.close()


def test_a_server_that_accepts_but_answers_nothing_is_noticed(
    api: Api, server: FakeApiServer
) -> None:
    server.freeze()

    with pytest.raises(errors.ServerUnavailable, match="did not answer in time"):
        versions(watch_of(api, silence=0.2))


def test_a_blocked_watch_ends_when_another_thread_closes_it(
    api: Api, server: FakeApiServer
) -> None:
    server.script(event(11), "hold")
    reader = Reader(watch_of(api, silence=30.0))
    assert reader.entered.wait(5.0)

    reader.watch.close()

    assert reader.ends()
    assert reader.error is None


def test_a_watch_that_waits_for_its_first_byte_ends_when_it_is_closed(
    server: FakeApiServer,
) -> None:
    api = Api(Configuration(host=server.url), read_timeout=30.0)
    server.freeze()
    reader = Reader(watch_of(api, silence=30.0))
    until(lambda: server.count("watch") == 1)

    reader.watch.close()

    assert reader.ends()
    assert reader.error is None
    api.close()


@pytest.mark.parametrize("frozen", [False, True])
def test_closing_works_through_tls_too(
    secure_server: tuple[FakeApiServer, Path], *, frozen: bool
) -> None:
    server, authority = secure_server
    api = Api(Configuration(host=server.url, ssl_ca_cert=str(authority)), read_timeout=30.0)
    if frozen:
        server.freeze()
    server.script(event(11), "hold")
    reader = Reader(watch_of(api, silence=30.0))
    until(lambda: server.count("watch") == 1)
    if not frozen:
        assert reader.entered.wait(5.0)

    reader.watch.close()

    assert reader.ends()
    assert reader.error is None
    api.close()


def test_a_certificate_nobody_vouches_for_is_no_answer(
    secure_server: tuple[FakeApiServer, Path],
) -> None:
    api = Api(Configuration(host=secure_server[0].url))

    with pytest.raises(errors.ServerUnavailable, match=r"(?i)certificate") as caught:
        api.get(VOLUMES, "a")

    assert "\n" not in caught.value.message
    api.close()


def test_a_watch_closed_before_it_began_yields_nothing(api: Api) -> None:
    watch = watch_of(api)
    watch.close()

    assert versions(watch) == []


def test_closing_a_watch_leaves_other_requests_alone(api: Api, server: FakeApiServer) -> None:
    server.script("end")
    watch = watch_of(api)
    versions(watch)
    list(api.pages(VOLUMES))

    watch.close()

    list(api.pages(VOLUMES))
    assert server.count("list") == 2
