"""The chart grants what the provisioner asks for, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from holdfast.claims.build_volume import Address
from holdfast.claims.decide import Provisioner
from holdfast.controller.permissions import NEEDED, NEEDED_TO_LEAD, TO_DELETE_OWN_POD
from holdfast.controller.settings import ExportSettings, Settings
from holdfast.kube.resources import Resource
from testbed.chart import render
from testbed.client import Json

Granted = set[tuple[str, str, str]]

ALONE = {
    "leaderElection": {"enabled": False},
    "replicaCount": 1,
    "strategyType": "Recreate",
}
KEEPS_ITS_POD = {"rbac": {"deleteOwnPod": False}}


def granted(objects: list[Json], kind: str) -> Granted:
    rules = [rule for found in objects if found["kind"] == kind for rule in found["rules"]]
    return {
        (group, resource, verb)
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def needed(table: Mapping[Resource, tuple[str, ...]]) -> Granted:
    return {
        (resource.api.rpartition("/")[0], resource.plural, verb)
        for resource, verbs in table.items()
        for verb in verbs
    }


def test_the_cluster_role_is_the_provisioners_own_table() -> None:
    assert granted(render(), "ClusterRole") == needed(NEEDED)


def test_the_role_is_the_table_of_what_leading_needs_and_the_right_to_make_a_new_pod() -> None:
    assert granted(render(), "Role") == needed(NEEDED_TO_LEAD | TO_DELETE_OWN_POD)


@pytest.mark.parametrize("name", ["holdfast.io/nfs", "k8s-sigs.io/nfs/east"])
def test_of_leases_only_the_provisioners_own_may_be_read_and_changed(name: str) -> None:
    [role] = [
        found
        for found in render({"storageClass": {"provisionerName": name}})
        if found["kind"] == "Role"
    ]
    rules = [rule for rule in role["rules"] if "leases" in rule["resources"]]

    lease = settings_of(name).provisioner.lease_of()
    assert [(rule["verbs"], rule.get("resourceNames")) for rule in rules] == [
        (["get", "update"], [lease]),
        (["create"], None),
    ]


def settings_of(name: str) -> Settings:
    return Settings(
        provisioner=Provisioner(name),
        exports=(ExportSettings(address=Address("nfs.example.com", "/srv")),),
    )


def test_of_namespaces_only_kube_system_may_be_read() -> None:
    [role] = [found for found in render() if found["kind"] == "ClusterRole"]
    [rule] = [rule for rule in role["rules"] if "namespaces" in rule["resources"]]

    assert rule["resourceNames"] == ["kube-system"]


def test_without_leader_election_no_lease_is_granted() -> None:
    assert granted(render(ALONE), "Role") == needed(TO_DELETE_OWN_POD)


def test_that_a_pod_may_delete_pods_can_be_switched_off() -> None:
    assert granted(render(KEEPS_ITS_POD), "Role") == needed(NEEDED_TO_LEAD)


def test_a_role_that_would_grant_nothing_is_not_made() -> None:
    kinds = {found["kind"] for found in render(ALONE | KEEPS_ITS_POD)}

    assert not kinds & {"Role", "RoleBinding"}


def test_the_permissions_are_those_of_the_account_that_the_pods_run_as() -> None:
    objects = render({"serviceAccount": {"create": False, "name": "own"}})
    [deployment] = [found for found in objects if found["kind"] == "Deployment"]
    subjects = [
        subject["name"] for found in objects if "subjects" in found for subject in found["subjects"]
    ]

    assert subjects == ["own", "own"]
    assert deployment["spec"]["template"]["spec"]["serviceAccountName"] == "own"
    assert not [found for found in objects if found["kind"] == "ServiceAccount"]
