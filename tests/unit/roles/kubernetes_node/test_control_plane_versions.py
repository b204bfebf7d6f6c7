"""An upgrade that was broken off is seen by the part that it did not reach."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.holdfast.nfs.plugins.filter.kubernetes_versions import (
    control_plane_versions,
)

from tests.unit.roles.kubernetes_node.cluster import OLD, WANTED, cluster

PARTS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy")


def behind(**parts: Any) -> set[str]:
    found = control_plane_versions(json.dumps(cluster(**parts)), WANTED, "control")
    return {part for part, version in found.items() if version != WANTED}


def test_a_control_plane_of_one_version_has_nothing_left_to_do() -> None:
    assert behind() == set()


@pytest.mark.parametrize("part", PARTS)
def test_a_part_that_was_not_reached_is_named(part: str) -> None:
    assert behind(**{part: f"registry.k8s.io/{part}:{OLD}"}) == {part}


def test_kubeadms_own_note_of_the_version_is_a_part() -> None:
    assert behind(configuration=OLD) == {"kubeadm's configuration"}


def test_the_api_server_is_asked_as_well() -> None:
    found = control_plane_versions(json.dumps(cluster()), OLD, "control")

    assert {part for part, version in found.items() if version == OLD} == {
        "kube-apiserver, as it answers"
    }


@pytest.mark.parametrize(
    "image",
    [
        f"mirror.example.com:5000/k8s/kube-proxy:{WANTED}",
        f"kube-proxy:{WANTED}@sha256:{'a' * 64}",
        f"mirror.example.com:5000/kube-proxy@sha256:{'a' * 64}",  # it says no version
    ],
)
def test_an_image_is_known_from_any_registry(image: str) -> None:
    assert behind(**{"kube-proxy": image}) == set()


def test_a_cluster_without_kube_proxy_lacks_nothing() -> None:
    tree = cluster()
    tree["items"] = [item for item in tree["items"] if item["kind"] != "DaemonSet"]

    assert "kube-proxy" not in control_plane_versions(json.dumps(tree), WANTED, "control")


def test_another_control_planes_parts_are_its_own() -> None:
    found = control_plane_versions(json.dumps(cluster()), WANTED, "control2")

    assert "kube-scheduler" not in found
