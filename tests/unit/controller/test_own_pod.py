"""A pod deletes itself, or says who has to do it."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast.controller.own_pod import delete_own_pod
from holdfast.kube.api import Api
from tests.fake.apiserver import FakeApiServer, Fault
from tests.logged import captured_logs

PODS = "/api/v1/namespaces/storage/pods"
BY_HAND = "delete this pod: kubectl --namespace storage delete pod holdfast-1"


@pytest.fixture(autouse=True)
def pods(server: FakeApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two replicas, of which this is the first."""
    monkeypatch.setenv("POD_NAME", "holdfast-1")
    monkeypatch.setenv("POD_NAMESPACE", "storage")
    for name in ("holdfast-1", "holdfast-2"):
        server.objects.create(PODS, {"metadata": {"name": name}})


def left(server: FakeApiServer) -> set[str]:
    return {path.rpartition("/")[2] for path in server.objects.by_path}


def tried(api: Api) -> tuple[bool, list[dict[str, Any]]]:
    with captured_logs() as lines:
        return delete_own_pod(api), list(lines)


def test_it_deletes_its_own_pod_and_no_other(server: FakeApiServer, api: Api) -> None:
    deleted, [line] = tried(api)

    assert deleted
    assert left(server) == {"holdfast-2"}
    assert (line["event"], line["pod"]) == ("this pod deletes itself", "holdfast-1")


def test_without_the_right_it_says_what_to_type_and_what_to_grant(
    server: FakeApiServer, api: Api
) -> None:
    server.fail("delete", Fault(403, "Forbidden"))

    deleted, [line] = tried(api)

    assert not deleted
    assert left(server) == {"holdfast-1", "holdfast-2"}
    assert (line["event"], line["reason"]) == (BY_HAND, "fault 403")
    assert "grant 'delete' on 'pods' in namespace storage" in line["advice"]


@pytest.mark.parametrize("fault", [Fault(404, "NotFound"), Fault(429), Fault(500)])
def test_another_refusal_is_told_and_raises_nothing(
    server: FakeApiServer, api: Api, fault: Fault
) -> None:
    server.fail("delete", fault)

    deleted, [line] = tried(api)

    assert not deleted
    assert (line["event"], line["reason"]) == (BY_HAND, f"fault {fault.code}")
    assert "grant" not in line["advice"]


def test_an_api_server_that_is_away_is_told_and_raises_nothing(
    server: FakeApiServer, api: Api
) -> None:
    server.stop()

    deleted, [line] = tried(api)

    assert not deleted
    assert line["event"] == BY_HAND
    assert "No answer from the API server" in line["reason"]


@pytest.mark.parametrize("variable", ["POD_NAME", "POD_NAMESPACE"])
@pytest.mark.parametrize("value", [None, ""])
def test_a_pod_that_does_not_know_its_name_asks_for_nothing(
    server: FakeApiServer,
    api: Api,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    value: str | None,
) -> None:
    if value is None:
        monkeypatch.delenv(variable)
    else:
        monkeypatch.setenv(variable, value)

    deleted, [line] = tried(api)

    assert not deleted
    assert server.count("delete") == 0
    assert line["event"].startswith("delete this pod: ")
