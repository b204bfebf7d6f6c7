"""A cluster that runs keeps the networks that it was made with, and says so."""

from __future__ import annotations

from ansible_collections.holdfast.nfs.plugins.filter.control_plane import control_plane_changes

from tests.unit.roles.control_plane.test_kubeadm_configuration import GIVEN
from tests.unit.roles.rendering import render

PODS, SERVICES, DOMAIN = "10.244.0.0/16", "10.96.0.0/12", "cluster.local"


def changes(pods: str = PODS, services: str = SERVICES, domain: str = DOMAIN) -> list[str]:
    made = render("control_plane", "kubeadm.yaml.j2", **GIVEN)
    wanted = {
        "control_plane_pod_network": pods,
        "control_plane_service_network": services,
        "control_plane_cluster_domain": domain,
    }
    return control_plane_changes(made, wanted)


def test_nothing_is_said_when_nothing_changed() -> None:
    assert changes() == []


def test_another_network_is_refused_with_the_one_that_is() -> None:
    (said,) = changes(pods="10.245.0.0/16")

    assert said.startswith(
        "control_plane_pod_network is 10.245.0.0/16, but the cluster was made with 10.244.0.0/16"
    )


def test_each_change_is_told() -> None:
    said = changes(services="10.97.0.0/16", domain="example.com")

    assert [sentence.split(maxsplit=1)[0] for sentence in said] == [
        "control_plane_service_network",
        "control_plane_cluster_domain",
    ]


def test_a_machine_without_a_cluster_has_none_to_change() -> None:
    assert control_plane_changes("", {}) == []
