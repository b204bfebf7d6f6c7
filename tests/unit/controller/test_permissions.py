"""What `holdfast check` asks the API server about."""

from __future__ import annotations

import json

from holdfast.controller.permissions import NEEDED, NEEDED_TO_LEAD, Permission, review
from holdfast.kube.api import Api
from holdfast.kube.resources import LEASES, NAMESPACES
from tests.fake.apiserver import FakeApiServer, Fault


def reviewed(
    server: FakeApiServer, api: Api, *, allowed: bool = True, leads: bool = True, lease: str = ""
) -> list[Permission]:
    """All permissions, from a server that has the same answer to each question."""
    answer = json.dumps({"status": {"allowed": allowed}}).encode()
    server.lasting["create"] = Fault(201, raw=answer)
    return list(review(api, "own", leader_election=leads, lease=lease))


def asked(server: FakeApiServer, plural: str) -> list[tuple[str, str, str]]:
    """Verb, namespace and name of each question about a kind."""
    questions = [request.body["spec"]["resourceAttributes"] for request in server.requests]
    return [
        (one["verb"], one["namespace"], one["name"])
        for one in questions
        if one["resource"] == plural
    ]


def test_it_asks_for_each_verb_of_the_tables(server: FakeApiServer, api: Api) -> None:
    found = [(one.resource, one.verb) for one in reviewed(server, api)]

    tables = NEEDED | NEEDED_TO_LEAD
    assert found == [(resource, verb) for resource, verbs in tables.items() for verb in verbs]


def test_it_asks_for_the_one_lease_and_for_making_any(server: FakeApiServer, api: Api) -> None:
    """The API server knows no name yet when something is created."""
    reviewed(server, api, lease="holdfast.io-nfs")

    assert asked(server, "leases") == [
        ("get", "own", "holdfast.io-nfs"),
        ("create", "own", ""),
        ("update", "own", "holdfast.io-nfs"),
    ]


def test_without_a_name_it_asks_for_all_leases(server: FakeApiServer, api: Api) -> None:
    reviewed(server, api)

    assert [name for _, _, name in asked(server, "leases")] == ["", "", ""]


def test_without_leader_election_it_asks_for_no_lease(server: FakeApiServer, api: Api) -> None:
    assert LEASES not in {one.resource for one in reviewed(server, api, leads=False)}
    assert asked(server, "leases") == []


def test_of_namespaces_it_asks_for_kube_system_alone(server: FakeApiServer, api: Api) -> None:
    found = reviewed(server, api)

    assert asked(server, "namespaces") == [("get", "", "kube-system")]
    assert [one.name for one in found if one.resource is NAMESPACES] == ["kube-system"]


def test_what_the_api_server_refuses_is_not_allowed(server: FakeApiServer, api: Api) -> None:
    assert {one.allowed for one in reviewed(server, api, allowed=False)} == {False}
    assert {one.allowed for one in reviewed(server, api, allowed=True)} == {True}


def test_each_kind_is_asked_for_in_its_api_group(server: FakeApiServer, api: Api) -> None:
    reviewed(server, api)

    questions = [request.body["spec"]["resourceAttributes"] for request in server.requests]
    groups = {one["resource"]: one["group"] for one in questions}
    assert groups == {
        "persistentvolumeclaims": "",
        "persistentvolumes": "",
        "storageclasses": "storage.k8s.io",
        "events": "",
        "namespaces": "",
        "leases": "coordination.k8s.io",
    }
