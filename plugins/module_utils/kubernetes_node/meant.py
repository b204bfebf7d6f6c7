"""Whether the machine that answers at an address is the node that the inventory means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

State = Mapping[str, Any]  # as the module kubernetes_state returns it
Meant = Mapping[str, Any]


def mistakes(state: State, meant: Meant, machine: str) -> Iterator[str]:
    """What the machine is in place of the node that is meant, as the beginning of a sentence.

    Nothing for a machine that is that node, or in no cluster, nor where the name in its kubelet's
    certificate cannot be read: then there is no telling.

    Args:
        state: of the machine, from the module kubernetes_state
        meant: the node's `name`, whether it is the `control_plane`, and the state of the `cluster`
            as the control plane tells it, empty if it was not asked
        machine: its name in the inventory
    """
    if not state["node"]:
        return
    if state["name"] not in {"", meant["name"]}:
        yield f"{machine} should be the node {meant['name']}, but is {state['name']}"
    elif not meant["control_plane"] and is_of_another_cluster(state, meant["cluster"]):
        yield f"{machine} is a node of another cluster than that of the control plane"


def is_of_another_cluster(state: State, cluster: State) -> bool:
    """Whether a node's CA is not that of the control plane; a control plane without one has none.

    Args:
        state: of the machine, from the module kubernetes_state
        cluster: the state of the control plane, empty if it was not asked
    """
    return cluster.get("authority", "") not in {"", state["authority"]}
