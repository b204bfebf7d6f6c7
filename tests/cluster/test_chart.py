"""A real API server takes everything that the chart renders, to the letter."""

from __future__ import annotations

import json

import pytest

from testbed.chart import MANIFESTS, render
from testbed.client import Json
from testbed.controlplane import ControlPlane
from tests.support import eventually

_REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"

EVERYTHING: Json = {
    "nfs": {
        "server": "a.example",
        "serverAliases": ["192.0.2.10"],
        "path": "/srv",
        "mountOptions": ["nfsvers=4.2", "hard"],
    },
    "storageClasses": [
        {"name": "other", "onDelete": "retain", "mountOptions": ["hard"], "defaultClass": True}
    ],
    "staticVolumes": [
        {"name": "pv001", "path": "/data/volumes/v1", "capacity": "20Gi", "labels": {"name": "x"}}
    ],
    "directories": {"mode": "2770", "uid": 1000, "gid": 1000},
    "imageCredentials": {"registry": "r.example", "username": "me", "password": "word"},
    "metrics": {"service": {"enabled": True}},
    "settings": {"alsoKnownAs": ["a/b"], "takesOver": ["e4f1c2d0-0000-4000-8000-00000000000e"]},
    "tolerations": [{"key": "node-role.kubernetes.io/control-plane", "operator": "Exists"}],
    "nodeSelector": {"kubernetes.io/os": "linux"},
    "priorityClassName": "system-cluster-critical",
    "podAnnotations": {"note": "ours"},
    "labels": {"team": "storage"},
}
SEVERAL: Json = {
    "nfs": {},
    "exports": [
        {"name": "fast", "server": "a.example", "path": "/fast", "mountOptions": ["hard"]},
        {"name": "slow", "server": "192.0.2.9", "path": "/slow", "deadline": 9, "uid": 4000000000},
    ],
    "storageClass": {"export": "slow"},
}


@pytest.mark.parametrize(
    "values", [{}, EVERYTHING, SEVERAL], ids=["defaults", "everything", "several exports"]
)
def test_what_the_chart_renders_is_accepted(
    control_plane: ControlPlane, namespace: str, values: Json
) -> None:
    objects = render(values)
    for found in objects:
        if "namespace" in found["metadata"]:
            found["metadata"]["namespace"] = namespace

    accepted = control_plane.kubectl(
        "apply", "--dry-run=server", "--validate=strict", "-f", "-", input=as_list(objects)
    )

    assert len(accepted.splitlines()) == len(objects)


def test_the_plain_manifests_are_accepted_as_they_are(control_plane: ControlPlane) -> None:
    control_plane.kubectl("apply", "--validate=strict", "-f", str(MANIFESTS))
    try:
        found = control_plane.kubectl("get", "deployment", "-n", "holdfast", "-o", "name")
    finally:
        control_plane.kubectl("delete", "--wait=false", "-f", str(MANIFESTS))

    assert found == "deployment.apps/holdfast\n"


def test_in_its_namespace_the_provisioner_may_change_its_lease_and_delete_pods_and_no_more(
    control_plane: ControlPlane, namespace: str
) -> None:
    roles = [found for found in render() if found["kind"] in {"Role", "RoleBinding"}]
    for found in roles:
        found["metadata"]["namespace"] = namespace
        for subject in found.get("subjects", ()):
            subject["namespace"] = namespace
    control_plane.kubectl("apply", "-f", "-", input=as_list(roles))

    def may(verb: str, group: str, resource: str, name: str = "", where: str = namespace) -> bool:
        asked = {
            "verb": verb,
            "group": group,
            "resource": resource,
            "name": name,
            "namespace": where,
        }
        user = f"system:serviceaccount:{namespace}:holdfast"
        review = {"spec": {"user": user, "resourceAttributes": asked}}
        answer = control_plane.client.send("POST", _REVIEWS, review)
        return bool(answer["status"]["allowed"])

    leases = ("coordination.k8s.io", "leases")
    # The API server learns of a grant by a watch, a moment later.
    eventually(lambda: may("update", *leases, "holdfast.io-nfs"))
    assert may("get", *leases, "holdfast.io-nfs")
    assert may("create", *leases)
    assert may("delete", "", "pods", "holdfast-5d9c7-abcde")
    assert not may("update", *leases, "another")
    assert not may("get", *leases, "another")
    assert not may("delete", *leases, "holdfast.io-nfs")
    assert not may("get", "", "pods", "holdfast-5d9c7-abcde")
    assert not may("delete", "", "pods", "another", where="default")


def as_list(objects: list[Json]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
