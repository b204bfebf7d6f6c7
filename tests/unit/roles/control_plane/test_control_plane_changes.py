"""A cluster keeps what it was made with, and a variable that says otherwise is refused."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.holdfast.nfs.plugins.filter.control_plane import control_plane_changes

from tests.unit.roles.control_plane.test_kubeadm_configuration import text


def changes(**variables: Any) -> list[str]:
    """What is said of these variables, of a cluster that was made with the defaults."""
    return control_plane_changes(text(), text(**variables))


def test_nothing_is_said_when_nothing_changed() -> None:
    assert changes() == []


def test_another_network_is_refused_with_the_one_that_is() -> None:
    (said,) = changes(control_plane_service_network="10.97.0.0/16")

    assert said.startswith(
        "control_plane_service_network is 10.97.0.0/16, but the cluster was made with 10.96.0.0/12"
    )


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("control_plane_service_network", "10.97.0.0/16"),
        ("control_plane_cluster_domain", "example.com"),
        ("control_plane_image_repository", "registry.example.com"),
        ("control_plane_dns_image", {"imageTag": "v1.14.0"}),
        ("control_plane_etcd_image", {"imageTag": "3.7.0-0"}),
        ("control_plane_proxy_mode", "iptables"),
        ("control_plane_kubelet_configuration", {"maxPods": 50}),
    ],
)
def test_each_variable_that_kubeadm_reads_once_is_refused_by_its_name(
    variable: str, value: Any
) -> None:
    (said,) = changes(**{variable: value})

    assert said.startswith(f"{variable} is ")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("control_plane_address", "203.0.113.5"),
        ("control_plane_certificate_names", ["k8s.example.com"]),
    ],
)
def test_a_name_that_the_certificate_has_not_is_refused(variable: str, value: Any) -> None:
    (said,) = changes(**{variable: value})

    assert variable in said
    assert "was made for 192.168.41.11, control-plane.internal; set them back" in said


def test_another_pod_network_is_one_of_kube_proxy_too_and_is_told_once() -> None:
    (said,) = changes(control_plane_pod_network="10.245.0.0/16")

    assert said.startswith("control_plane_pod_network is 10.245.0.0/16")


def test_another_endpoint_is_refused() -> None:
    said = changes(control_plane_endpoint="api.example.com")

    assert said[0].startswith("control_plane_endpoint is api.example.com:6443")


def test_each_change_is_told() -> None:
    said = changes(control_plane_service_network="10.97.0.0/16", control_plane_cluster_domain="a.b")

    assert [sentence.split(maxsplit=1)[0] for sentence in said] == [
        "control_plane_service_network",
        "control_plane_cluster_domain",
    ]


def test_another_version_is_left_to_the_upgrade() -> None:
    assert changes(kubernetes_node_version="v1.37.0") == []


def test_a_machine_without_a_cluster_has_none_to_change() -> None:
    assert control_plane_changes("", text()) == []


def test_a_cluster_that_was_made_without_an_endpoint_goes_on_without() -> None:
    made = list(yaml.safe_load_all(text()))
    del made[1]["controlPlaneEndpoint"]
    made[1]["apiServer"]["certSANs"] = ["192.168.41.11"]

    assert control_plane_changes(yaml.safe_dump_all(made), text()) == []
