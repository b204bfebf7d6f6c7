"""kubeadm reads what the variables say."""

from __future__ import annotations

from typing import Any

import yaml

from tests.unit.roles.rendering import render

GIVEN = {
    "kubernetes_node_version": "v1.36.3",
    "kubernetes_node_name": "control",
    "kubernetes_node_now": {"state": {"address": "192.168.41.11"}},
    "kubernetes_node_ignored_checks": [],
}


def text(**variables: Any) -> str:
    return render("control_plane", "kubeadm.yaml.j2", **(GIVEN | variables))


def configuration(**variables: Any) -> dict[str, dict[str, Any]]:
    return {document["kind"]: document for document in yaml.safe_load_all(text(**variables))}


def test_no_document_is_empty() -> None:
    assert set(configuration()) == {
        "InitConfiguration",
        "ClusterConfiguration",
        "KubeProxyConfiguration",
        "KubeletConfiguration",
    }


def test_kubeadm_chooses_the_images_that_nobody_named() -> None:
    cluster = configuration()["ClusterConfiguration"]

    assert cluster["dns"] == {}
    assert cluster["etcd"] == {"local": {"dataDir": "/var/lib/etcd"}}


def test_a_named_image_takes_the_place_of_kubeadm_s_own() -> None:
    cluster = configuration(control_plane_etcd_image={"imageTag": "3.6.9-0"})

    assert cluster["ClusterConfiguration"]["etcd"]["local"]["imageTag"] == "3.6.9-0"


def test_the_certificate_is_good_for_the_endpoint_the_address_and_all_further_names() -> None:
    cluster = configuration(
        control_plane_address="203.0.113.5", control_plane_certificate_names=["k8s.example.com"]
    )

    names = cluster["ClusterConfiguration"]["apiServer"]["certSANs"]
    assert names == ["control-plane.internal", "203.0.113.5", "k8s.example.com"]


def test_the_api_server_is_at_the_machines_own_address_and_reached_by_the_endpoint() -> None:
    """Behind address translation, or with an address that may move, the two differ."""
    found = configuration(control_plane_address="203.0.113.5")

    assert found["InitConfiguration"]["localAPIEndpoint"] == {"advertiseAddress": "192.168.41.11"}
    assert found["ClusterConfiguration"]["controlPlaneEndpoint"] == "control-plane.internal:6443"


def test_leaders_are_elected_so_that_more_control_planes_may_join() -> None:
    cluster = configuration()["ClusterConfiguration"]

    for program in ("controllerManager", "scheduler"):
        arguments = {one["name"]: one["value"] for one in cluster[program]["extraArgs"]}
        assert arguments.get("leader-elect", "true") == "true"
        assert arguments["leader-elect-lease-duration"] > arguments["leader-elect-renew-deadline"]


def test_ignored_checks_reach_kubeadm() -> None:
    found = configuration(kubernetes_node_ignored_checks=["Mem"])["InitConfiguration"]

    assert found["nodeRegistration"]["ignorePreflightErrors"] == ["Mem"]


def test_more_of_the_kubelets_configuration_is_added_to_ours() -> None:
    found = configuration(control_plane_kubelet_configuration={"maxPods": 50})

    assert found["KubeletConfiguration"]["maxPods"] == 50
    assert found["KubeletConfiguration"]["cgroupDriver"] == "systemd"
