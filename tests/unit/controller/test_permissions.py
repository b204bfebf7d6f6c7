"""What the API server is asked about, and what becomes of its answers."""

from __future__ import annotations

import json
import time

import pytest

from holdfast.controller.permissions import (
    NEEDED,
    NEEDED_TO_LEAD,
    Permission,
    Permissions,
    missing,
    review,
)
from holdfast.kube.api import Api
from holdfast.kube.errors import (
    Forbidden,
    KubeError,
    ServerError,
    ServerUnavailable,
    Throttled,
    TimedOut,
)
from holdfast.kube.resources import CLAIMS, LEASES, NAMESPACES, VOLUMES
from tests.fake.apiserver import FakeApiServer, Fault
from tests.logged import captured_logs


def reviewed(
    server: FakeApiServer, api: Api, *, allowed: bool = True, leads: bool = True, lease: str = ""
) -> list[Permission]:
    """All permissions, from a server that has the same answer to each question."""
    answer = json.dumps({"status": {"allowed": allowed}}).encode()
    server.lasting["create"] = Fault(201, raw=answer)
    return list(review(api, "own", [lease] if leads else []))


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


class TestMissing:
    def test_where_all_is_allowed_nothing_is(self) -> None:
        assert missing([Permission("get", CLAIMS, "", allowed=True)]) == []

    def test_the_verbs_of_one_rule_are_one_line_that_says_what_to_grant(self) -> None:
        asked = [
            Permission("get", LEASES, "own", allowed=False, name="holdfast.io-nfs"),
            Permission("create", LEASES, "own", allowed=False),
            Permission("update", LEASES, "own", allowed=False, name="holdfast.io-nfs"),
            Permission("get", VOLUMES, "", allowed=True),
            Permission("patch", VOLUMES, "", allowed=False),
            Permission("get", NAMESPACES, "", allowed=False, name="kube-system"),
        ]

        lease, leases, volumes, namespaces = missing(asked)
        where = "on 'leases' of API group 'coordination.k8s.io'"
        assert lease == (
            f"permission missing: grant 'get', 'update' {where} (resourceNames: holdfast.io-nfs) "
            "in namespace own"
        )
        assert leases == f"permission missing: grant 'create' {where} in namespace own"
        assert volumes == "permission missing: grant 'patch' on 'persistentvolumes' of API group ''"
        assert namespaces == (
            "permission missing: grant 'get' on 'namespaces' of API group '' "
            "(resourceNames: kube-system)"
        )

    def test_of_a_single_one_its_name_is_said(self) -> None:
        asked = Permission("get", LEASES, "own", allowed=False, name="holdfast.io-nfs")

        assert asked.advice == (
            "on 'leases' of API group 'coordination.k8s.io' (resourceNames: holdfast.io-nfs) "
            "in namespace own"
        )

    def test_leases_that_lack_the_same_are_one_line(self) -> None:
        names = ("nfs-fast", "nfs-slow")
        asked = [Permission("update", LEASES, "own", allowed=False, name=name) for name in names]

        [line] = missing(asked)

        assert line.endswith("(resourceNames: nfs-fast, nfs-slow) in namespace own")


class Replica:
    """One that is told what the API server answers, and how much time has passed."""

    def __init__(self, patch: pytest.MonkeyPatch, *, finalizer: bool = True) -> None:
        self.now = 1000.0
        self.questions = self.grants = 0
        self.told: list[str] = []
        self.denied: set[str] = set()
        self.error: KubeError | None = None
        patch.setattr(time, "monotonic", lambda: self.now)
        self.permissions = Permissions(
            self._ask, self.told.append, self._granted, finalizer=finalizer
        )

    def _ask(self) -> list[Permission]:
        self.questions += 1
        if self.error:
            raise self.error
        return [
            Permission(verb, VOLUMES, "", allowed=verb not in self.denied)
            for verb in ("get", "patch")
        ]

    def _granted(self) -> None:
        self.grants += 1

    def refresh_after(self, seconds: float) -> list[str]:
        """What is logged."""
        self.now += seconds
        with captured_logs() as lines:
            self.permissions.refresh()
        return [str(line["event"]) for line in lines]


@pytest.fixture
def replica(monkeypatch: pytest.MonkeyPatch) -> Replica:
    return Replica(monkeypatch)


NO_FINALIZER = "volumes get no finalizer"


class TestRefresh:
    def test_before_the_first_answer_volumes_may_not_be_patched(self, replica: Replica) -> None:
        assert not replica.permissions.may_patch_volumes()

    def test_what_is_missing_is_named_told_and_logged_once(self, replica: Replica) -> None:
        replica.denied = {"patch"}

        logged = replica.refresh_after(0)

        [line] = replica.permissions.missing
        assert "grant 'patch' on 'persistentvolumes'" in line
        assert replica.told == [line]
        assert logged[0] == line
        assert NO_FINALIZER in logged[1]
        assert not replica.permissions.may_patch_volumes()
        assert replica.refresh_after(60) == []
        assert replica.told == [line]

    def test_where_nothing_is_missing_nothing_is_said(self, replica: Replica) -> None:
        assert replica.refresh_after(0) == []

        assert replica.permissions.may_patch_volumes()
        assert (replica.permissions.missing, replica.told, replica.grants) == ([], [], 0)

    def test_a_grant_takes_effect_without_a_restart(self, replica: Replica) -> None:
        replica.denied = {"patch"}
        replica.refresh_after(0)
        replica.denied = set()

        logged = replica.refresh_after(20)

        assert logged == ["all permissions are granted"]
        assert replica.permissions.may_patch_volumes()
        assert (replica.permissions.missing, replica.grants) == ([], 1)

    def test_a_right_that_is_withdrawn_is_told(self, replica: Replica) -> None:
        replica.refresh_after(0)
        replica.denied = {"patch"}

        assert NO_FINALIZER in replica.refresh_after(300)[1]

        assert len(replica.told) == 1
        assert not replica.permissions.may_patch_volumes()

    def test_where_volumes_are_to_have_none_nothing_is_said_of_finalizers(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        replica = Replica(monkeypatch, finalizer=False)
        replica.denied = {"patch"}

        assert len(replica.refresh_after(0)) == 1

    @pytest.mark.parametrize(("denied", "pause"), [(set(), 300), ({"get"}, 20)])
    def test_it_is_asked_again_sooner_while_something_is_missing(
        self, replica: Replica, denied: set[str], pause: float
    ) -> None:
        replica.denied = denied
        replica.refresh_after(0)

        replica.refresh_after(pause - 1)
        assert replica.questions == 1

        replica.refresh_after(1)
        assert replica.questions == 2

    def test_where_the_question_is_not_allowed_all_counts_as_granted(
        self, replica: Replica
    ) -> None:
        """Some clusters take `system:basic-user` away; what is missing shows when it is used."""
        replica.error = Forbidden(403, "Forbidden", "no reviews")

        assert replica.refresh_after(0) == ["cannot review permissions"]

        assert replica.permissions.may_patch_volumes()
        assert replica.permissions.missing == []

    def test_an_api_server_that_is_away_changes_nothing(self, replica: Replica) -> None:
        replica.denied = {"patch"}
        replica.refresh_after(0)
        known = replica.permissions.missing
        replica.error = ServerUnavailable("away")

        with pytest.raises(ServerUnavailable):
            replica.refresh_after(20)

        assert replica.permissions.missing == known
        replica.error, replica.denied = None, set()
        replica.refresh_after(0)
        assert replica.permissions.missing == []

    @pytest.mark.parametrize(
        "error",
        [ServerError(500, "InternalError", "webhook"), Throttled("later"), TimedOut("late")],
    )
    def test_a_question_that_the_server_fails_on_leaves_the_last_answers(
        self, replica: Replica, error: KubeError
    ) -> None:
        """As where an admission webhook for such questions is down: it must not stop the work."""
        replica.refresh_after(0)
        replica.error = error

        assert replica.refresh_after(300) == ["cannot review permissions again"]
        assert replica.permissions.may_patch_volumes()
        assert replica.refresh_after(299) == []

        replica.error, replica.denied = None, {"patch"}
        replica.refresh_after(1)
        assert not replica.permissions.may_patch_volumes()

    def test_nothing_counts_as_granted_because_the_server_failed(self, replica: Replica) -> None:
        """A finalizer that may not be taken off would keep a volume for ever."""
        replica.error = ServerError(500, "InternalError", "webhook")

        with pytest.raises(ServerError):
            replica.refresh_after(0)

        assert not replica.permissions.may_patch_volumes()
