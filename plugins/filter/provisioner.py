"""Whether the provisioner's pods run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

Object = Mapping[str, Any]


def rollout_is_done(text: str, nodes: str) -> bool:
    """Whether a deployment's pods are of its present version, and ready where their node is.

    A pod on a node that is down is not waited for, as long as another one is ready.

    Args:
        text: the deployment and its pods in one list, as `kubectl get --output json` prints them;
            empty where it could not ask
        nodes: the nodes, likewise
    """
    items = json.loads(text or "{}").get("items", [])
    down = {node["metadata"]["name"] for node in json.loads(nodes)["items"] if not _is_ready(node)}
    pods = [item for item in items if item["kind"] == "Pod" and _is_on(item, down)]
    deployments = [item for item in items if item["kind"] == "Deployment"]
    return bool(deployments) and all(_is_rolled_out(one, len(pods)) for one in deployments)


def _is_rolled_out(deployment: Object, excused: int) -> bool:
    status, wanted = deployment.get("status", {}), deployment["spec"].get("replicas", 1)
    available = status.get("availableReplicas", 0)
    is_seen = status.get("observedGeneration", 0) >= deployment["metadata"]["generation"]
    is_current = status.get("updatedReplicas", 0) == status.get("replicas", 0) == wanted
    return bool(is_seen and is_current and available >= max(min(1, wanted), wanted - excused))


def _is_on(pod: Object, nodes: Iterable[str]) -> bool:
    return pod["spec"].get("nodeName") in nodes and not pod["metadata"].get("deletionTimestamp")


def _is_ready(node: Object) -> bool:
    conditions = node.get("status", {}).get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


class FilterModule:
    """Found by Ansible."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """The filters by name."""
        return {"rollout_is_done": rollout_is_done}
