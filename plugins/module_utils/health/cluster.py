"""What is looked at in a cluster: nodes, the system's pods, and the provisioner."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Object = Mapping[str, Any]
SYSTEM = "kube-"  # namespaces that begin so are Kubernetes' own, and the pod network's
PRESSURES = ("MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable")


def cluster_faults(text: str, nodes: Sequence[str], namespace: str) -> list[str]:
    """What is not as it should be; a sentence each.

    Args:
        text: nodes, pods and deployments of all namespaces, as kubectl prints them
        nodes: that the inventory has; none where the cluster is elsewhere
        namespace: of the provisioner
    """
    items = json.loads(text)["items"]
    kinds: dict[str, list[Object]] = {"Node": [], "Pod": [], "Deployment": []}
    for item in items:
        kinds.setdefault(item["kind"], []).append(item)
    ours = [pod for pod in kinds["Pod"] if _is_ours(pod, namespace)]
    return [
        *_missing(kinds["Node"], nodes),
        *(fault for node in kinds["Node"] for fault in _of_node(node)),
        *_of_kubelets(kinds["Node"], nodes),
        *_of_runtimes(kinds["Node"]),
        *(fault for pod in ours for fault in _of_pod(pod)),
        *_of_provisioner(kinds["Deployment"], namespace),
    ]


def _is_ours(item: Object, namespace: str) -> bool:
    found = str(item["metadata"]["namespace"])
    return found == namespace or found.startswith(SYSTEM)


def _missing(nodes: Sequence[Object], wanted: Sequence[str]) -> Iterator[str]:
    for name in sorted({*wanted} - {node["metadata"]["name"] for node in nodes}):
        yield f"The cluster has no node {name}; run playbooks/add_node.yml --limit {name}."


def _conditions(item: Object) -> dict[str, Object]:
    return {one["type"]: one for one in item["status"].get("conditions", [])}


def _of_node(node: Object) -> Iterator[str]:
    name, conditions = node["metadata"]["name"], _conditions(node)
    ready = conditions.get("Ready", {})
    if ready.get("status") != "True":
        why = ready.get("message", "its kubelet has not reported yet").rstrip(".")
        yield f"Node {name} is not ready: {why}."
    for kind in PRESSURES:
        if conditions.get(kind, {}).get("status") == "True":
            yield f"Node {name} has {kind}: {conditions[kind].get('message', 'no reason given')}."


def _of_kubelets(nodes: Sequence[Object], wanted: Sequence[str]) -> Iterator[str]:
    remedy = "run playbooks/upgrade.yml to its end" if wanted else "upgrade the older ones"
    if said := _different(nodes, "kubeletVersion"):
        yield f"The nodes have kubelets of different versions ({said}); {remedy}."


def _of_runtimes(nodes: Sequence[Object]) -> Iterator[str]:
    """Of one release of a distribution; each has a containerd of its own."""
    systems = {node["status"]["nodeInfo"]["osImage"] for node in nodes}
    for system in sorted(systems):
        alike = [node for node in nodes if node["status"]["nodeInfo"]["osImage"] == system]
        if said := _different(alike, "containerRuntimeVersion"):
            yield (
                f"The nodes with {system} have container runtimes of different versions ({said}); "
                "upgrade the packages of the older ones."
            )


def _different(nodes: Sequence[Object], field: str) -> str:
    """Which node has which version; empty if all have one."""
    found: dict[str, list[str]] = {}
    for node in nodes:
        version = str(node["status"]["nodeInfo"][field])
        found.setdefault(version, []).append(node["metadata"]["name"])
    listed = "; ".join(f"{version} on {', '.join(on)}" for version, on in found.items())
    return listed if len(found) > 1 else ""


def _of_pod(pod: Object) -> Iterator[str]:
    phase = pod["status"].get("phase")
    ready = _conditions(pod).get("Ready", {}).get("status") == "True"
    if ready or phase == "Succeeded":
        return
    name = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
    place = pod["spec"].get("nodeName", "no node")
    why = "; ".join(_reasons(pod)) or f"its phase is {phase}"
    yield f"Pod {name} on {place} is not ready: {why}."


def _reasons(pod: Object) -> Iterator[str]:
    status = pod["status"]
    for one in [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]:
        for state in ("waiting", "terminated"):
            told = one.get("state", {}).get(state, {})
            if told and told.get("reason") != "Completed":
                yield f"{one['name']} {told.get('message') or told.get('reason', state)}"


def _of_provisioner(deployments: Sequence[Object], namespace: str) -> Iterator[str]:
    ours = [one for one in deployments if one["metadata"]["namespace"] == namespace]
    if not ours:
        yield (
            f"There is no provisioner in the namespace {namespace}; run playbooks/provisioner.yml."
        )
    for one in ours:
        wanted, ready = one["spec"].get("replicas", 1), one["status"].get("readyReplicas", 0)
        if ready < wanted:
            name = f"{namespace}/{one['metadata']['name']}"
            yield (
                f"{name} has {ready} of {wanted} pods ready; see kubectl --namespace {namespace} "
                "get events, and docs/operations.md."
            )
