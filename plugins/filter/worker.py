"""What the role worker reads from kubeadm, and which node it does not touch."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

JOIN = re.compile(
    r"kubeadm join (?P<endpoint>\S+) --token (?P<token>\S+)\s+"
    r"--discovery-token-ca-cert-hash (?P<hash>\S+)"
)


def join_discovery(command: str) -> dict[str, object]:
    """The `bootstrapToken` of a JoinConfiguration, from the command that kubeadm printed.

    Raises:
        ValueError: it printed something else.
    """
    found = JOIN.search(command)
    if found is None:
        raise ValueError("kubeadm token create printed no command to join with.")
    return {
        "apiServerEndpoint": found["endpoint"],
        "token": found["token"],
        "caCertHashes": [found["hash"]],
    }


def cluster_fault(
    state: Mapping[str, Any], cluster: Mapping[str, Any], machine: str, control_plane: str
) -> str:
    """Why a node is not the control plane's; empty if it is, or is none.

    Args:
        state: of the machine, from the module kubernetes_state
        cluster: the state of the control plane
        machine: its name in the inventory
        control_plane: that of the control plane
    """
    if not state["node"] or state["authority"] == cluster["authority"]:
        return ""
    return (
        f"{machine} is a node of another cluster than that of {control_plane}, and was not "
        "changed. Correct ansible_host of this machine, or name another machine in the inventory. "
        "Only if that cluster is gone, or may lose this node with the pods on it: "
        f"playbooks/reset.yml --limit {machine} -e kubernetes_node_remove_any=true takes it out of "
        "whatever cluster it is in; then run the playbook again."
    )


class FilterModule:
    """Found by Ansible."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """The filters by name."""
        return {"cluster_fault": cluster_fault, "join_discovery": join_discovery}
