"""Requests, their deadlines, and what refusals are turned into."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

import pytest
from kubernetes.client import Configuration

from holdfast import __version__
from holdfast.kube import errors
from holdfast.kube.api import Api
from holdfast.kube.resources import CLAIMS, VOLUMES, Json, Resource
from tests.fake.apiserver import FakeApiServer, Fault


def volume(name: str, **spec: object) -> Json:
    return {"metadata": {"name": name}, "spec": spec}


def test_an_object_that_was_created_is_read_back_with_fields_nobody_knows(api: Api) -> None:
    created = api.create(VOLUMES, volume("a", invented={"deep": [1]}))

    assert api.get(VOLUMES, "a") == created
    assert created["spec"] == {"invented": {"deep": [1]}}


def test_a_namespaced_object_is_kept_in_its_namespace(api: Api) -> None:
    api.create(CLAIMS, {"metadata": {"name": "c", "namespace": "n"}}, "n")

    assert api.get(CLAIMS, "c", "n")["metadata"]["namespace"] == "n"


def test_a_patch_changes_what_it_names_and_none_removes(api: Api) -> None:
    api.create(VOLUMES, volume("a", keep=1, drop=2))

    patched = api.patch(VOLUMES, "a", {"spec": {"drop": None, "new": 3}})

    assert patched["spec"] == {"keep": 1, "new": 3}


def test_a_replacement_of_what_changed_meanwhile_is_a_conflict(api: Api) -> None:
    read = api.create(VOLUMES, volume("a"))
    api.patch(VOLUMES, "a", {"spec": {"changed": True}})

    with pytest.raises(errors.Conflict):
        api.replace(VOLUMES, "a", read)


def test_an_object_is_deleted_only_when_it_is_the_one_that_is_meant(api: Api) -> None:
    uid = api.create(VOLUMES, volume("a"))["metadata"]["uid"]

    with pytest.raises(errors.Conflict):
        api.delete(VOLUMES, "a", uid="another")
    api.delete(VOLUMES, "a", uid=uid)
    with pytest.raises(errors.NotFound):
        api.get(VOLUMES, "a")


def test_an_object_that_was_changed_since_a_version_is_not_deleted(api: Api) -> None:
    read = api.create(VOLUMES, volume("a"))["metadata"]["resourceVersion"]
    now = api.patch(VOLUMES, "a", {"spec": {"changed": True}})["metadata"]["resourceVersion"]

    with pytest.raises(errors.Conflict):
        api.delete(VOLUMES, "a", version=read)
    api.delete(VOLUMES, "a", version=now)
    with pytest.raises(errors.NotFound):
        api.get(VOLUMES, "a")


def test_a_deletion_sends_the_preconditions_that_it_is_given(
    api: Api, server: FakeApiServer
) -> None:
    metadata = api.create(VOLUMES, volume("a"))["metadata"]
    uid, version = metadata["uid"], metadata["resourceVersion"]
    api.delete(VOLUMES, "a", uid=uid, version=version)
    api.create(VOLUMES, volume("a"))
    api.delete(VOLUMES, "a")

    bodies = [request.body for request in server.requests if request.verb == "delete"]
    assert bodies == [{"preconditions": {"uid": uid, "resourceVersion": version}}, {}]


def test_a_patch_of_what_changed_since_a_version_is_a_conflict(
    api: Api, server: FakeApiServer
) -> None:
    version = api.create(VOLUMES, volume("a"))["metadata"]["resourceVersion"]
    mine = {"metadata": {"resourceVersion": version, "finalizers": ["mine"]}}
    api.patch(VOLUMES, "a", {"metadata": {"finalizers": ["anothers"]}})

    with pytest.raises(errors.Conflict):
        api.patch(VOLUMES, "a", mine)

    assert server.requests[-1].body == mine
    assert api.get(VOLUMES, "a")["metadata"]["finalizers"] == ["anothers"]


def test_a_replacement_sends_the_version_it_was_read_at(api: Api, server: FakeApiServer) -> None:
    read = api.create(VOLUMES, volume("a"))

    assert int(api.replace(VOLUMES, "a", read)["metadata"]["resourceVersion"]) > int(
        read["metadata"]["resourceVersion"]
    )
    assert server.requests[-1].body == read


@pytest.mark.parametrize(
    "ask",
    [
        lambda api: api.get(CLAIMS, "c"),
        lambda api: api.replace(CLAIMS, "c", {}),
        lambda api: api.patch(CLAIMS, "c", {}),
        lambda api: api.delete(CLAIMS, "c"),
    ],
)
def test_a_namespaced_object_is_not_looked_for_without_its_namespace(
    api: Api, server: FakeApiServer, ask: Callable[[Api], Json]
) -> None:
    with pytest.raises(ValueError, match="needs a namespace"):
        ask(api)

    assert server.requests == []


def test_an_object_without_a_namespace_is_made_in_the_collection_of_all(
    api: Api, server: FakeApiServer
) -> None:
    api.create(VOLUMES, volume("a"))
    api.create(CLAIMS, {"metadata": {"name": "c"}})

    assert [request.path for request in server.requests] == [VOLUMES.path(), CLAIMS.path()]


def test_a_taken_name_is_told_from_a_conflict(api: Api) -> None:
    api.create(VOLUMES, volume("a"))

    with pytest.raises(errors.AlreadyExists) as caught:
        api.create(VOLUMES, volume("a"))

    assert not isinstance(caught.value, errors.Conflict)
    assert (caught.value.status, caught.value.reason) == (409, "AlreadyExists")
    assert caught.value.message.endswith("persistentvolumes/a already exists")


def test_a_list_comes_in_pages_of_one_version(api: Api, server: FakeApiServer) -> None:
    for number in range(5):
        api.create(VOLUMES, volume(f"v{number}"))

    pages = list(api.pages(VOLUMES, limit=2))

    assert [len(page.items) for page in pages] == [2, 2, 1]
    assert {page.version for page in pages} == {"15"}
    assert [request.query.get("limit") for request in server.requests[-3:]] == ["2"] * 3


def test_an_empty_list_is_one_empty_page(api: Api) -> None:
    assert [(page.items, page.version) for page in api.pages(VOLUMES)] == [([], "10")]


@pytest.mark.parametrize("raw", [b"{}", b'{"items": null, "metadata": {}}'])
def test_a_list_without_items_or_version_is_an_empty_page_of_no_version(
    api: Api, server: FakeApiServer, raw: bytes
) -> None:
    server.fail("list", Fault(200, raw=raw))

    assert [(page.items, page.version) for page in api.pages(VOLUMES)] == [([], "")]


def test_a_list_asks_for_five_hundred_at_a_time_and_goes_on_where_it_was(
    api: Api, server: FakeApiServer
) -> None:
    list(api.pages(VOLUMES))
    assert server.requests[0].query == {"limit": "500"}

    for number in range(2):
        api.create(VOLUMES, volume(f"v{number}"))
    list(api.pages(VOLUMES, limit=1))
    assert server.requests[-1].query == {"limit": "1", "continue": "0"}


def test_a_list_that_outlives_its_continue_token_says_so(api: Api, server: FakeApiServer) -> None:
    for number in range(3):
        api.create(VOLUMES, volume(f"v{number}"))
    pages = api.pages(VOLUMES, limit=2)
    next(pages)
    server.fail("list", Fault(410, "Expired"))

    with pytest.raises(errors.Expired):
        next(pages)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (300, errors.ApiError),
        (400, errors.Invalid),
        (401, errors.Forbidden),
        (403, errors.Forbidden),
        (404, errors.NotFound),
        (409, errors.Conflict),
        (410, errors.Expired),
        (418, errors.ApiError),
        (422, errors.Invalid),
        (429, errors.Throttled),
        (500, errors.ServerError),
        (502, errors.ServerError),
        (503, errors.ServerError),
        (504, errors.ServerError),
    ],
)
def test_every_refusal_has_its_error(
    api: Api, server: FakeApiServer, code: int, error: type[errors.KubeError]
) -> None:
    server.fail("get", Fault(code))

    with pytest.raises(errors.KubeError) as caught:
        api.get(VOLUMES, "a")

    assert type(caught.value) is error
    assert caught.value.message == f"fault {code}"


def test_what_the_server_asks_to_wait_is_kept(api: Api, server: FakeApiServer) -> None:
    server.fail("get", Fault(429, headers={"Retry-After": "7"}))
    server.fail("get", Fault(429))

    with pytest.raises(errors.Throttled) as asked:
        api.get(VOLUMES, "a")
    with pytest.raises(errors.Throttled) as silent:
        api.get(VOLUMES, "a")

    assert (asked.value.retry_after, silent.value.retry_after) == (7.0, None)


def test_a_date_to_wait_for_is_not_understood(api: Api, server: FakeApiServer) -> None:
    server.fail("get", Fault(429, headers={"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"}))

    with pytest.raises(errors.Throttled) as caught:
        api.get(VOLUMES, "a")

    assert (caught.value.retry_after, caught.value.status) == (None, 429)


def test_a_request_says_who_sends_it_and_keeps_its_connection(
    api: Api, server: FakeApiServer
) -> None:
    api.create(VOLUMES, volume("a"))
    api.patch(VOLUMES, "a", {})

    headers = [
        {name.lower(): value for name, value in request.headers.items()}
        for request in server.requests
    ]
    assert {one["accept"] for one in headers} == {"application/json"}
    assert {one["user-agent"] for one in headers} == {f"holdfast/{__version__}"}
    assert headers[1]["content-type"] == "application/merge-patch+json"
    assert "close" not in {one.get("connection") for one in headers}


@pytest.mark.parametrize("code", [400, 404])
def test_a_refusal_keeps_its_code_and_reason(api: Api, server: FakeApiServer, code: int) -> None:
    server.fail("get", Fault(code, "Because"))

    with pytest.raises(errors.ApiError) as caught:
        api.get(VOLUMES, "a")

    assert (caught.value.status, caught.value.reason) == (code, "Because")


def test_nothing_is_retried_behind_the_callers_back(api: Api, server: FakeApiServer) -> None:
    server.lasting["get"] = Fault(503, headers={"Retry-After": "0"})

    with pytest.raises(errors.ServerError):
        api.get(VOLUMES, "a")

    assert server.count("get") == 1


@pytest.mark.parametrize("raw", [b"<html>busy</html>", b"[]", b""])
def test_an_answer_that_is_no_object_is_no_answer(
    api: Api, server: FakeApiServer, raw: bytes
) -> None:
    server.fail("get", Fault(200, raw=raw))

    with pytest.raises(errors.ServerUnavailable, match="the response is not"):
        api.get(VOLUMES, "a")


def test_a_refusal_that_is_no_status_is_still_a_sentence(api: Api, server: FakeApiServer) -> None:
    server.fail("get", Fault(503, raw=b"<html>gateway</html>"))

    with pytest.raises(errors.ServerError, match=r"answered 503 Service Unavailable\.$"):
        api.get(VOLUMES, "a")


@pytest.mark.parametrize("raw", [b"<html>", b'{"message": "no"}', b'{"reason": "Odd"}', b"[]"])
def test_a_refusal_that_gives_no_reason_has_none(
    api: Api, server: FakeApiServer, raw: bytes
) -> None:
    server.fail("get", Fault(404, raw=raw))

    with pytest.raises(errors.NotFound) as caught:
        api.get(VOLUMES, "a")

    assert caught.value.reason == ""


def test_a_refused_connection_is_a_sentence_without_objects_addresses(
    api: Api, server: FakeApiServer
) -> None:
    server.stop()

    with pytest.raises(errors.ServerUnavailable) as caught:
        api.get(VOLUMES, "a")

    expected = f"No answer from the API server {server.url}: connection refused."
    assert caught.value.message == expected


def test_a_frozen_server_is_noticed_by_the_deadline(api: Api, server: FakeApiServer) -> None:
    server.freeze()

    with pytest.raises(errors.ServerUnavailable, match="did not answer in time"):
        api.get(VOLUMES, "a", timeout=0.1)
    with pytest.raises(errors.ServerUnavailable, match="did not answer in time"):
        api.get(VOLUMES, "a")


def test_a_write_that_is_not_answered_in_time_says_nothing_of_the_server(
    api: Api, server: FakeApiServer
) -> None:
    """It may wait for an admission webhook that hangs."""
    server.freeze()

    with pytest.raises(errors.TimedOut, match="did not answer in time"):
        api.create(VOLUMES, volume("a"))
    with pytest.raises(errors.TimedOut, match="did not answer in time"):
        api.delete(VOLUMES, "a", timeout=0.1)


def test_after_a_refusal_the_connection_is_used_again(api: Api, server: FakeApiServer) -> None:
    with pytest.raises(errors.NotFound):
        api.get(VOLUMES, "a")
    list(api.pages(VOLUMES))
    api.create(VOLUMES, volume("a"))

    assert len(server.connections) == 1


def test_an_answer_that_trickles_for_ever_meets_the_deadline_of_the_whole() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        ended = threading.Event()

        def trickle() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
                while not ended.wait(0.01):
                    connection.sendall(b" ")

        thread = threading.Thread(target=trickle)
        thread.start()
        api = Api(Configuration(host=url))
        try:
            with pytest.raises(errors.ServerUnavailable, match=r"answer did not end in time\.$"):
                api.get(VOLUMES, "a", timeout=0.3)
        finally:
            ended.set()
            thread.join()
            api.close()


@pytest.mark.parametrize(
    ("prepare", "code"),
    [
        (lambda _: None, "404"),
        (lambda server: server.fail("get", Fault(503)), "503"),
        (lambda server: server.stop(), "0"),
    ],
)
def test_every_request_is_observed_once_with_its_outcome(
    server: FakeApiServer, prepare: Callable[[FakeApiServer], None], code: str
) -> None:
    seen: list[tuple[str, Resource, str, float]] = []
    api = Api(Configuration(host=server.url), observe=lambda *observed: seen.append(observed))
    prepare(server)

    with pytest.raises(errors.KubeError):
        api.get(VOLUMES, "a")
    api.close()

    assert [observed[:3] for observed in seen] == [("get", VOLUMES, code)]
    assert seen[0][3] >= 0


def test_each_kind_of_request_is_observed_by_its_verb(server: FakeApiServer) -> None:
    seen: list[tuple[str, str]] = []
    api = Api(
        Configuration(host=server.url), observe=lambda verb, _, code, __: seen.append((verb, code))
    )
    read = api.create(VOLUMES, volume("a"))
    api.get(VOLUMES, "a")
    api.replace(VOLUMES, "a", read)
    api.patch(VOLUMES, "a", {})
    list(api.pages(VOLUMES))
    server.script("end")
    with api.watch(VOLUMES, "10", seconds=300, silence=5.0):
        pass
    api.delete(VOLUMES, "a")
    api.close()

    verbs = ["create", "get", "replace", "patch", "list", "watch", "delete"]
    assert seen == [(verb, "200") for verb in verbs]
