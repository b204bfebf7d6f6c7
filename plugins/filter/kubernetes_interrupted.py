"""What kubeadm has begun on a machine and not ended, and why a node is not upgraded yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

import yaml
from ansible_collections.holdfast.nfs.plugins.module_utils.kubernetes_node.meant import mistakes

State = Mapping[str, Any]  # as the module kubernetes_state returns it

_UNFINISHED = "/etc/kubernetes/kubeadm-unfinished.yaml"


def upgrade_fault(state: State, machine: str, meant: Mapping[str, Any]) -> str:
    """Why a node is not upgraded yet; empty if it is the one that is meant, and complete.

    Asked before the drain: that is of the node with the inventory's name, wherever it runs.

    Args:
        state: of the machine, from the module kubernetes_state
        machine: its name in the inventory
        meant: the node's `name`, whether it is the `control_plane`, and the state of the `cluster`
            as the control plane tells it
    """
    return next(_upgrade_faults(state, machine, meant), "")


def _upgrade_faults(state: State, machine: str, meant: Mapping[str, Any]) -> Iterator[str]:
    yield from running_faults(state, machine)
    yield from _incomplete(state, machine)
    for mistake in mistakes(state, meant, machine):
        yield (
            f"{mistake}; nothing was drained or upgraded. Correct ansible_host or "
            "kubernetes_node_name of this machine."
        )
    if not state["node"]:
        yield (
            f"{machine} is no node of a cluster; nothing was drained or upgraded. Correct "
            "ansible_host of this machine, or make it a node with playbooks/cluster.yml."
        )


def running_faults(state: State, machine: str) -> Iterator[str]:
    """A sentence if a kubeadm runs that changes the machine."""
    if state["running"]:
        yield (
            f"kubeadm runs on {machine}, perhaps since a connection to it was lost; run this again "
            "when it has ended (pgrep -a kubeadm)."
        )


def resume_faults(state: State, version: str, machine: str) -> Iterator[str]:
    """A sentence if an initialisation was begun with another version than that it would go on with.

    Args:
        state: of the machine, from the module kubernetes_state
        version: that is wanted
        machine: its name in the inventory
    """
    begun = _begun(state)
    if _is_upgraded(state):
        yield _upgraded(state, machine)
    elif begun and begun != version:
        yield (
            f"An earlier run began to initialise the control plane of {machine} with {begun}, and "
            f"kubernetes_node_version is {version}. Complete it with playbooks/cluster.yml "
            f"-e kubernetes_node_version={begun}, then upgrade it with playbooks/upgrade.yml."
        )


def _incomplete(state: State, machine: str) -> Iterator[str]:
    if _is_upgraded(state):
        yield _upgraded(state, machine)
    elif state["unfinished"]:
        version = _begun(state) or PurePosixPath(state["program"]).parent.name
        yield (
            f"An earlier run was interrupted while it made {machine} a node, which is not complete "
            f"({_UNFINISHED}). Complete it with playbooks/cluster.yml --limit {machine} "
            f"-e kubernetes_node_version={version}, then upgrade it."
        )


def _is_upgraded(state: State) -> bool:
    return bool(_begun(state)) and state["server_version"] not in {"", _begun(state)}


def _upgraded(state: State, machine: str) -> str:
    return (
        f"The initialisation of {machine}'s control plane was begun with {_begun(state)} and is "
        f"not marked as complete, but its API server runs {state['server_version']} by now; to "
        "complete it would set that back. If the cluster works, mark it as complete on "
        f"{machine}: mv {_UNFINISHED} /etc/kubernetes/kubeadm.yaml. Then run this again."
    )


def _begun(state: State) -> str:
    """The version of an initialisation that is not complete; empty if there is none."""
    if not state["unfinished"]:
        return ""
    documents = [one for one in yaml.safe_load_all(state["configuration"]) if one]
    made = [one for one in documents if one["kind"] == "ClusterConfiguration"]
    return str(made[0]["kubernetesVersion"]) if made else ""


class FilterModule:
    """Found by Ansible."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """The filters by name."""
        return {"upgrade_fault": upgrade_fault}
