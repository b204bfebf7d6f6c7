"""What the roles of a cluster's nodes say when something does not work."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

Object = Mapping[str, Any]
# Of its two parts the second is the secret.
TOKEN = re.compile(r"\b([a-z0-9]{6})\.[a-z0-9]{16}\b")
LAST_EVENTS = 2
LAST_LINES = 2
MOST = 3  # complaints that are told; further ones say the same of other images or ports


def kubeadm_errors(result: Object) -> str:
    """What kubeadm complained of, without the rest of what it wrote, and without tokens.

    Args:
        result: of the command's task
    """
    lines = f"{result.get('stdout', '')}\n{result.get('stderr', '')}".splitlines()
    told = [line.strip() for line in lines if _is_complaint(line)]
    more = f"And {len(told) - MOST} more." if len(told) > MOST else ""
    said = " ".join([*told[:MOST], more]).strip() or _last_words(result)
    return TOKEN.sub(r"\1.(secret)", said)


def _is_complaint(line: str) -> bool:
    return "[ERROR " in line or line.lstrip().startswith(("error", "could not"))


def _last_words(result: Object) -> str:
    """The end of what was written, which may say it in words of its own."""
    lines = [line.strip() for line in str(result.get("stderr", "")).splitlines() if line.strip()]
    return " ".join([str(result.get("msg")), *lines[-LAST_LINES:]])


def cluster_troubles(text: str) -> str:
    """Which nodes and pods are not ready, and why as far as the cluster knows.

    Args:
        text: nodes, pods and events in one list, as `kubectl get --output json` prints it
    """
    items = json.loads(text)["items"] if text.strip() else []
    kinds: dict[str, list[Object]] = {"Node": [], "Pod": [], "Event": []}
    for item in items:
        kinds.setdefault(item["kind"], []).append(item)
    nodes = [_node(node) for node in kinds["Node"] if not _is_ready(node)]
    pods = [_pod(pod, kinds["Event"]) for pod in kinds["Pod"] if not _is_done(pod)]
    return " ".join([*nodes, *pods]) or "All nodes and pods that the cluster knows are ready."


def _condition(thing: Object) -> Object:
    conditions: Sequence[Object] = thing.get("status", {}).get("conditions", [])
    return next((one for one in conditions if one["type"] == "Ready"), {})


def _is_ready(thing: Object) -> bool:
    return bool(_condition(thing).get("status") == "True")


def _is_done(pod: Object) -> bool:
    return _is_ready(pod) or pod["status"].get("phase") == "Succeeded"


def _node(node: Object) -> str:
    why = _condition(node).get("message") or "its kubelet has not reported yet"
    return f"Node {node['metadata']['name']} is not ready: {why}."


def _pod(pod: Object, events: Sequence[Object]) -> str:
    name = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
    place = pod["spec"].get("nodeName", "no node")
    reasons = "; ".join([*_waiting(pod), *_last_events(pod, events)]) or "no reason is known"
    return f"Pod {name} on {place} is not ready: {reasons}."


def _waiting(pod: Object) -> Iterator[str]:
    status = pod["status"]
    for one in [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]:
        if waiting := one.get("state", {}).get("waiting"):
            detail = waiting.get("message") or waiting.get("reason", "")
            yield f"container {one['name']} waits: {detail}"


def _last_events(pod: Object, events: Sequence[Object]) -> list[str]:
    own = [
        event
        for event in events
        if event["type"] == "Warning"
        and event["involvedObject"].get("uid") == pod["metadata"]["uid"]
    ]
    own.sort(key=lambda event: event.get("lastTimestamp") or event.get("eventTime") or "")
    return [event["message"].strip() for event in own[-LAST_EVENTS:]]


class FilterModule:
    """Found by Ansible."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """The filters by name."""
        return {
            "cluster_troubles": cluster_troubles,
            "kubeadm_errors": kubeadm_errors,
        }
