"""What makes no cluster is refused before anything is changed, by the variable's name."""

from __future__ import annotations

import pytest
from ansible_collections.holdfast.nfs.plugins.filter.control_plane import (
    control_plane_faults,
    renewal_faults,
)

from tests.unit.roles.reading import HERE, defaults, load

PODS, SERVICES, ADDRESS = "10.244.0.0/16", "10.96.0.0/12", "192.168.41.11"


def faults(pods: str = PODS, services: str = SERVICES) -> list[str]:
    wanted = {"control_plane_pod_network": pods, "control_plane_service_network": services}
    return control_plane_faults(ADDRESS, wanted)


def test_the_defaults_have_no_fault() -> None:
    assert faults() == []


@pytest.mark.parametrize("text", ["10.244.0.1/16", "10.244.0.0/33", "fd00::/64", "pods", ""])
def test_what_is_no_network_is_refused_by_name(text: str) -> None:
    (fault,) = faults(pods=text)

    assert fault.startswith("control_plane_pod_network: ")


@pytest.mark.parametrize(
    ("pods", "services", "both"),
    [
        ("10.96.0.0/16", SERVICES, "control_plane_pod_network (10.96.0.0/16) and control_plane_s"),
        ("192.168.0.0/16", SERVICES, "(192.168.0.0/16) and kubernetes_node_address (192.168.41.1"),
        (PODS, "192.168.41.0/24", "control_plane_service_network (192.168.41.0/24) and kubernet"),
    ],
)
def test_networks_that_overlap_are_refused_with_both_names(
    pods: str, services: str, both: str
) -> None:
    (fault,) = faults(pods=pods, services=services)

    assert both in fault


@pytest.mark.parametrize("prefix", [24, 28])
def test_a_pod_network_for_one_node_only_is_refused(prefix: int) -> None:
    (fault,) = faults(pods=f"10.244.0.0/{prefix}")

    assert "has room for one node at most" in fault


@pytest.mark.parametrize("days", [1, 60, 300])
def test_certificates_may_have_so_many_days_left(days: int) -> None:
    assert renewal_faults(days, "control") == []


@pytest.mark.parametrize("days", [-1, 0, 301, 365, 400])
def test_days_with_which_certificates_would_be_renewed_for_ever_or_never_are_refused(
    days: int,
) -> None:
    (sentence,) = renewal_faults(days, "control")

    assert sentence == (
        f"control_plane_renewal_days is {days} on control; kubeadm makes certificates for 365 "
        "days, so set it to a number from 1 to 300."
    )


def test_the_days_are_looked_at_before_anything_is_changed() -> None:
    tasks = load(HERE / "roles/control_plane/tasks/preflight.yml")
    days = defaults(HERE / "roles/control_plane")["control_plane_renewal_days"]

    assert "control_plane_renewal_days | int | holdfast.nfs.renewal_faults" in str(tasks)
    assert renewal_faults(days, "control") == []
