"""What the role pod_network reads from the cluster."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Node = Mapping[str, Any]

_READY = {"Node": "Ready", "Deployment": "Available"}


def pod_routes(text: str, own: str) -> dict[str, Any]:
    """The network of one node's pods, and how the others' are reached.

    Args:
        text: the nodes, as `kubectl get --output json` prints them
        own: the name of the node that is asked for

    Returns:
        `own`, its network; `others`, the `network` and the node's `address` of each other one

    Raises:
        ValueError: the node is not in the cluster, or one has no network.
    """
    nodes = {node["metadata"]["name"]: node for node in json.loads(text)["items"]}
    if own not in nodes:
        raise ValueError(f"The cluster has no node {own}.")
    others = [
        {"network": _network(node), "address": _address(node)}
        for name, node in sorted(nodes.items())
        if name != own
    ]
    return {"own": _network(nodes[own]), "others": others}


def other_pod_routes(text: str, names: Mapping[str, str]) -> list[dict[str, Any]]:
    """The routes of several machines; of those that are not in the cluster nothing.

    Args:
        text: the nodes, as `kubectl get --output json` prints them; empty where there are none
        names: the name in the cluster of each machine, by that in the inventory

    Returns:
        `machine` and its `routes`, as of `pod_routes`, of each
    """
    known = {node["metadata"]["name"] for node in json.loads(text or "{}").get("items", [])}
    return [
        {"machine": machine, "routes": pod_routes(text, name)}
        for machine, name in names.items()
        if name in known
    ]


def cluster_is_ready(text: str, nodes: Sequence[str]) -> bool:
    """Whether these nodes are ready, and all deployments have pods that are.

    Not whether they are rolled out: a rollout that once took too long counts as failed for ever.

    Args:
        text: the nodes and deployments, as `kubectl get --output json` prints them; empty where it
            could not ask
        nodes: their names; others may be down
    """
    items = json.loads(text or "{}").get("items", [])
    deployments = [item for item in items if item["kind"] == "Deployment"]
    ready = {
        item["metadata"]["name"] for item in items if item["kind"] == "Node" and _is_ready(item)
    }
    return bool(deployments) and ready >= {*nodes} and all(map(_is_ready, deployments))


def _is_ready(item: Node) -> bool:
    conditions = item["status"].get("conditions", [])
    wanted = _READY[item["kind"]]
    return any(one["type"] == wanted and one["status"] == "True" for one in conditions)


def _network(node: Node) -> str:
    network: str | None = node["spec"].get("podCIDR")
    if not network:
        raise ValueError(
            f"Node {node['metadata']['name']} was given no network for its pods; "
            "control_plane_pod_network may be used up."
        )
    return network


def _address(node: Node) -> str:
    addresses = node["status"]["addresses"]
    return next(str(one["address"]) for one in addresses if one["type"] == "InternalIP")


class FilterModule:
    """Found by Ansible."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """The filters by name."""
        return {
            "cluster_is_ready": cluster_is_ready,
            "other_pod_routes": other_pod_routes,
            "pod_routes": pod_routes,
        }
