"""What of a node's object in the cluster has to change: labels, and taints."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

Node = Mapping[str, Any]

# The keys that these roles set, so that they can be removed again; others' stay.
LABELS = "holdfast.io/labels"
TAINTS = "holdfast.io/taints"
# That these roles took from a control plane the taint that kubeadm gives to each.
UNTAINTED = "holdfast.io/untainted"
CONTROL_PLANE = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}


def node_patch(text: str, name: str, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The merge patch that gives a node its labels and taints; empty if it has them.

    It carries the node's resource version, so that a change in between is not undone.

    Args:
        text: the nodes, as `kubectl get nodes --output json` prints them
        name: of the node
        wanted: `labels`, a mapping; `taints`, a list of `key`, `value` and `effect`; `takes_pods`,
            whether pods may run on a control plane

    Raises:
        ValueError: the node is not in the cluster.
    """
    nodes = {node["metadata"]["name"]: node for node in json.loads(text)["items"]}
    if name not in nodes:
        raise ValueError(f"The cluster has no node {name}.")
    node = nodes[name]
    labels, taints = _labels(node, wanted["labels"]), _taints(node, wanted)
    keys = {LABELS: [*wanted["labels"]], TAINTS: [_id(one) for one in wanted["taints"]]}
    notes = _notes(node, keys | {UNTAINTED: _untainted(node, wanted)})
    metadata = {"labels": labels, "annotations": notes}
    patch: dict[str, Any] = {"metadata": {key: value for key, value in metadata.items() if value}}
    if taints != _now(node):
        patch["spec"] = {"taints": taints}
    if patch == {"metadata": {}}:
        return {}
    patch["metadata"]["resourceVersion"] = node["metadata"]["resourceVersion"]
    return patch


def _labels(node: Node, wanted: Mapping[str, Any]) -> dict[str, str | None]:
    """Those to set, and those to remove as None."""
    now = node["metadata"].get("labels", {})
    texts = {key: str(value) for key, value in wanted.items()}
    gone = dict.fromkeys(key for key in _noted(node, LABELS) if key in now and key not in texts)
    return {**gone, **{key: value for key, value in texts.items() if now.get(key) != value}}


def _taints(node: Node, wanted: Mapping[str, Any]) -> list[dict[str, str]]:
    """All that the node shall have."""
    ours = [{key: str(value) for key, value in one.items()} for one in wanted["taints"]]
    replaced = {*_noted(node, TAINTS), *map(_id, ours)}
    untainted = _untainted(node, wanted)
    kept = [one for one in _now(node) if _id(one) not in {*replaced, *untainted}]
    if _noted(node, UNTAINTED) and not untainted:
        kept.append(CONTROL_PLANE)
    return sorted([*kept, *ours], key=_id)


def _untainted(node: Node, wanted: Mapping[str, Any]) -> list[str]:
    """The taint that is taken from a control plane so that it takes pods; somebody may have."""
    is_tainted = _id(CONTROL_PLANE) in map(_id, _now(node))
    was_ours = bool(_noted(node, UNTAINTED))
    return [_id(CONTROL_PLANE)] if wanted["takes_pods"] and (is_tainted or was_ours) else []


def _now(node: Node) -> list[dict[str, str]]:
    return sorted(node["spec"].get("taints", []), key=_id)


def _id(taint: Mapping[str, str]) -> str:
    return f"{taint['key']}:{taint['effect']}"


def _noted(node: Node, note: str) -> list[str]:
    found: list[str] = json.loads(node["metadata"].get("annotations", {}).get(note, "[]"))
    return found


def _notes(node: Node, wanted: Mapping[str, Any]) -> dict[str, str | None]:
    """The annotations that differ; one for nothing is removed."""
    then = {note: json.dumps(sorted(keys)) if keys else None for note, keys in wanted.items()}
    now = node["metadata"].get("annotations", {})
    return {note: text for note, text in then.items() if now.get(note) != text}


class FilterModule:
    """Found by Ansible."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """The filters by name."""
        return {"node_patch": node_patch}
