"""A real API server takes everything that the chart renders, to the letter."""

from __future__ import annotations

import json

import pytest

from testbed.chart import MANIFESTS, render
from testbed.client import Json
from testbed.controlplane import ControlPlane

EVERYTHING: Json = {
    "nfs": {"server": "a.example", "path": "/srv", "mountOptions": ["nfsvers=4.2", "hard"]},
    "storageClasses": [
        {"name": "other", "onDelete": "retain", "mountOptions": ["hard"], "defaultClass": True}
    ],
    "staticVolumes": [
        {"name": "pv001", "path": "/data/volumes/v1", "capacity": "20Gi", "labels": {"name": "x"}}
    ],
    "directories": {"mode": "2770", "uid": 1000, "gid": 1000},
    "imageCredentials": {"registry": "r.example", "username": "me", "password": "word"},
    "metrics": {"service": {"enabled": True}},
    "settings": {"alsoKnownAs": ["a/b"], "takesOver": ["uid"]},
    "tolerations": [{"key": "node-role.kubernetes.io/control-plane", "operator": "Exists"}],
    "nodeSelector": {"kubernetes.io/os": "linux"},
    "priorityClassName": "system-cluster-critical",
    "podAnnotations": {"note": "ours"},
    "labels": {"team": "storage"},
}


@pytest.mark.parametrize("values", [{}, EVERYTHING], ids=["defaults", "everything"])
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


def as_list(objects: list[Json]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
