"""A cluster keeps what it was made with, and a variable that says otherwise is refused."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from ansible_collections.holdfast.nfs.plugins.filter.control_plane import control_plane_changes

from tests.unit.roles.control_plane.test_kubeadm_configuration import text
from tests.unit.roles.reading import HERE


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


def test_a_name_that_the_certificate_has_not_is_refused_with_the_way_to_a_new_certificate() -> None:
    (said,) = changes(control_plane_certificate_names=["k8s.example.com"])

    assert said.startswith("control_plane_certificate_names wants a certificate")
    assert "it was made for control-plane.internal, 192.168.41.11." in said
    assert "edit configmap kubeadm-config" in said
    assert "move apiserver.crt and apiserver.key out of /etc/kubernetes/pki" in said
    assert "kubeadm init phase certs apiserver --config /etc/kubernetes/kubeadm.yaml" in said
    assert "restart the API server's static pod" in said


def test_another_address_is_refused_with_the_one_that_the_cluster_was_made_with() -> None:
    (said,) = changes(control_plane_address="203.0.113.5")

    assert said.startswith("control_plane_address (the machine's own, unless it is set) is 203.0.")
    assert "do not move a control plane to another address" in said
    assert "Set control_plane_address back to 192.168.41.11, and give the machine" in said


def test_an_address_and_a_name_are_told_each() -> None:
    said = changes(control_plane_address="203.0.113.5", control_plane_certificate_names=["a.b"])

    assert [sentence.split(maxsplit=1)[0] for sentence in said] == [
        "control_plane_address",
        "control_plane_certificate_names",
    ]


def test_a_name_that_is_no_longer_wanted_is_told() -> None:
    made = text(control_plane_certificate_names=["k8s.example.com"])

    (said,) = control_plane_changes(made, text())
    assert said.startswith("control_plane_certificate_names ")


def test_a_certificate_that_was_made_anew_as_the_message_says_is_accepted() -> None:
    made = list(yaml.safe_load_all(text()))
    made[1]["apiServer"]["certSANs"].append("k8s.example.com")

    wanted = text(control_plane_certificate_names=["k8s.example.com"])
    assert control_plane_changes(yaml.safe_dump_all(made), wanted) == []


def test_the_address_may_be_the_endpoint_too() -> None:
    as_endpoint = text(control_plane_endpoint="192.168.41.11")
    other = text(control_plane_endpoint="192.168.41.11", control_plane_address="203.0.113.5")

    assert control_plane_changes(as_endpoint, as_endpoint) == []
    (said,) = control_plane_changes(as_endpoint, other)
    assert "back to 192.168.41.11" in said


@pytest.mark.parametrize(
    "wanted",
    [
        {"control_plane_address": "203.0.113.5"},
        {"control_plane_certificate_names": ["k8s.example.com"]},
        {"control_plane_endpoint": "api.example.com"},
        {"control_plane_service_network": "10.97.0.0/16"},
    ],
)
def test_nobody_is_advised_to_reset_a_cluster_for_a_variable(wanted: dict[str, Any]) -> None:
    said = " ".join(changes(**wanted))

    assert said
    assert "reset" not in said
    assert "anew after" not in said


def test_the_sections_that_the_messages_name_are_there() -> None:
    said = changes(control_plane_address="203.0.113.5", control_plane_certificate_names=["a.b"])
    named = re.findall(r'docs/operations\.md, "([^"]+)"', " ".join(said))
    headings = (HERE / "docs/operations.md").read_text().splitlines()

    assert len(named) == 2
    assert [name for name in named if not {f"## {name}", f"### {name}"} & {*headings}] == []


def test_no_text_promises_that_the_control_plane_may_move() -> None:
    files = ["CHANGELOG.md", *(f"docs/{name}.md" for name in ("install", "operations"))]
    files += [f"roles/control_plane/{name}" for name in ("README.md", "meta/argument_specs.yml")]

    for file in files:
        words = " ".join((HERE / file).read_text().split())
        assert not re.search(r"control plane (may move|moves) to another address", words), file


def test_another_pod_network_is_one_of_kube_proxy_too_and_is_told_once() -> None:
    (said,) = changes(control_plane_pod_network="10.245.0.0/16")

    assert said.startswith("control_plane_pod_network is 10.245.0.0/16")


def test_another_endpoint_is_refused() -> None:
    (said,) = changes(control_plane_endpoint="api.example.com")

    assert said.startswith("control_plane_endpoint is api.example.com:6443")


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
