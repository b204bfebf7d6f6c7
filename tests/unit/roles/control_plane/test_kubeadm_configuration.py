"""kubeadm reads what the variables say."""

from __future__ import annotations

from typing import Any

import yaml

from tests.unit.roles.rendering import render

GIVEN = {
    "kubernetes_node_version": "v1.36.3",
    "kubernetes_node_name": "control",
    "kubernetes_node_address": "192.168.41.11",
    "kubernetes_node_ignored_checks": [],
}


def configuration(**variables: Any) -> dict[str, dict[str, Any]]:
    text = render("control_plane", "kubeadm.yaml.j2", **(GIVEN | variables))
    return {document["kind"]: document for document in yaml.safe_load_all(text)}


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


def test_the_certificate_is_good_for_the_address_and_all_further_names() -> None:
    cluster = configuration(control_plane_certificate_names=["k8s.example.com"])

    names = cluster["ClusterConfiguration"]["apiServer"]["certSANs"]
    assert names == ["192.168.41.11", "k8s.example.com"]


def test_ignored_checks_reach_kubeadm() -> None:
    found = configuration(kubernetes_node_ignored_checks=["Mem"])["InitConfiguration"]

    assert found["nodeRegistration"]["ignorePreflightErrors"] == ["Mem"]


def test_more_of_the_kubelets_configuration_is_added_to_ours() -> None:
    found = configuration(control_plane_kubelet_configuration={"maxPods": 50})

    assert found["KubeletConfiguration"]["maxPods"] == 50
    assert found["KubeletConfiguration"]["cgroupDriver"] == "systemd"
