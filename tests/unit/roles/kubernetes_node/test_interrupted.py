"""What kubeadm has begun on a machine is completed as it was begun, before anything else is."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.holdfast.nfs.plugins.filter.kubernetes_interrupted import upgrade_fault
from ansible_collections.holdfast.nfs.plugins.filter.kubernetes_preflight import (
    node_faults,
    removal_fault,
)

from tests.unit.roles.kubernetes_node.test_node_faults import BARE, OURS, WANTED

BEGUN = "kind: InitConfiguration\n---\nkind: ClusterConfiguration\nkubernetesVersion: v1.35.5\n"
CUT = BARE | OURS | {"unfinished": True, "configuration": BEGUN}
MEANT: dict[str, Any] = {"name": "control", "control_plane": True, "cluster": {}, "any": False}
WORKER = MEANT | {"name": "worker1", "control_plane": False, "cluster": {"authority": "a" * 64}}
NAMED = BARE | OURS | {"name": "worker1", "authority": "a" * 64}
JOIN = CUT | {"configuration": "kind: JoinConfiguration\n"}
OLD = {"program": "/opt/kubernetes/v1.35.5/kubelet", "server_version": "v1.35.5"}


def faults(state: dict[str, Any], version: str) -> list[str]:
    return node_faults(state, WANTED | {"version": version}, "control")


@pytest.mark.parametrize("server", ["", "v1.35.5"])
def test_an_initialisation_is_completed_with_the_version_that_it_was_begun_with(
    server: str,
) -> None:
    assert faults(CUT | OLD | {"server_version": server}, "v1.35.5") == []


@pytest.mark.parametrize("node", [True, False])
def test_another_version_has_to_wait_until_then(*, node: bool) -> None:
    (fault,) = faults(CUT | OLD | {"node": node}, "v1.36.3")

    assert fault.startswith(
        "An earlier run began to initialise the control plane of control with v"
    )
    assert "-e kubernetes_node_version=v1.35.5" in fault


def test_a_cluster_that_was_upgraded_since_is_not_set_back() -> None:
    """kubeadm init would write the manifests of the version that it was begun with."""
    (fault,) = faults(CUT | {"server_version": "v1.36.3"}, "v1.36.3")

    assert "runs v1.36.3 by now" in fault
    assert "mv /etc/kubernetes/kubeadm-unfinished.yaml /etc/kubernetes/kubeadm.yaml" in fault


def test_an_interrupted_join_has_no_version_of_its_own() -> None:
    assert faults(JOIN, "v1.36.3") == []


def test_a_node_that_is_complete_may_be_upgraded() -> None:
    assert upgrade_fault(BARE | OURS, "control", MEANT) == ""
    assert upgrade_fault(BARE | OURS | {"configuration": BEGUN}, "control", MEANT) == ""


def test_an_interrupted_initialisation_is_completed_before_an_upgrade() -> None:
    fault = upgrade_fault(CUT | OLD, "control", MEANT)

    assert "playbooks/cluster.yml --limit control -e kubernetes_node_version=v1.35.5" in fault


def test_one_that_was_upgraded_since_is_told_how_to_go_on() -> None:
    fault = upgrade_fault(CUT | {"server_version": "v1.36.3"}, "control", MEANT)

    assert "mv /etc/kubernetes/" in fault


def test_an_interrupted_join_is_completed_before_an_upgrade() -> None:
    fault = upgrade_fault(JOIN, "worker1", WORKER)

    assert "playbooks/cluster.yml --limit worker1 -e kubernetes_node_version=v1.36.3" in fault


@pytest.mark.parametrize("state", [CUT, BARE | OURS, BARE])
def test_nothing_is_upgraded_or_removed_while_kubeadm_runs(state: dict[str, Any]) -> None:
    running = state | {"running": True}

    assert upgrade_fault(running, "control", MEANT).startswith("kubeadm runs on control")
    assert removal_fault(running, "control", MEANT).startswith("kubeadm runs on control")


def test_an_interrupted_initialisation_may_be_removed() -> None:
    begun = CUT | {"begun": True, "kubeadm": "/opt/kubernetes/v1.35.5/kubeadm"}

    assert removal_fault(begun, "control", MEANT | {"any": True}) == ""


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"name": "worker2"}, "worker1 should be the node worker1, but is worker2; nothing was d"),
        ({"authority": "b" * 64}, "worker1 is a node of another cluster than that of the control"),
        ({"node": False}, "worker1 is no node of a cluster; nothing was drained or upgraded."),
    ],
)
def test_another_machine_than_the_node_that_is_drained_is_not_upgraded(
    state: dict[str, Any], said: str
) -> None:
    """Seen: with two addresses exchanged, worker1 was drained and worker2 upgraded."""
    fault = upgrade_fault(NAMED | state, "worker1", WORKER)

    assert fault.startswith(said)
    assert "Correct ansible_host" in fault


@pytest.mark.parametrize("state", [{}, {"name": ""}])
def test_the_node_that_is_meant_and_one_whose_name_cannot_be_read_are_upgraded(
    state: dict[str, Any],
) -> None:
    assert upgrade_fault(NAMED | state, "worker1", WORKER) == ""
