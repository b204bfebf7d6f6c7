"""What a trial makes in the cluster, and what objects say of why it failed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Object = dict[str, Any]

OURS = {"app.kubernetes.io/managed-by": "holdfast-verify"}

_KINDS = {"PersistentVolumeClaim": "claim", "Pod": "pod"}


def pod(name: str, command: str, wanted: Object, elsewhere_than: str = "") -> Object:
    """A pod that runs a shell command on the volume once, as any pod may."""
    container = {
        "name": "main",
        "image": wanted["image"],
        "command": ["sh", "-c", command],
        "volumeMounts": [{"name": "volume", "mountPath": "/volume"}],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    specification: Object = {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 1,
        "serviceAccountName": "verify",
        "automountServiceAccountToken": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": wanted["user"],
            "runAsGroup": wanted["user"],
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": [{"name": "volume", "persistentVolumeClaim": {"claimName": "verify"}}],
    }
    if elsewhere_than:
        name_of_node = {"key": "metadata.name", "operator": "NotIn", "values": [elsewhere_than]}
        terms = {"nodeSelectorTerms": [{"matchFields": [name_of_node]}]}
        affinity = {"requiredDuringSchedulingIgnoredDuringExecution": terms}
        specification["affinity"] = {"nodeAffinity": affinity}
    return {"metadata": {"name": name, "namespace": wanted["namespace"]}, "spec": specification}


def surroundings(wanted: Object) -> list[tuple[str, Object]]:
    """What the pods need, each with the path of its list: namespace, account and claim."""
    inside = f"/api/v1/namespaces/{wanted['namespace']}"
    metadata = {"name": "verify", "namespace": wanted["namespace"]}
    claim = {
        "storageClassName": wanted["storage_class"],
        "accessModes": ["ReadWriteMany"],
        "resources": {"requests": {"storage": wanted["size"]}},
    }
    return [
        ("/api/v1/namespaces", {"metadata": {"name": wanted["namespace"], "labels": OURS}}),
        (f"{inside}/serviceaccounts", {"metadata": metadata}),
        (f"{inside}/persistentvolumeclaims", {"metadata": metadata, "spec": claim}),
    ]


def can_run_pods(node: Object) -> bool:
    """Whether a node takes pods that tolerate nothing."""
    taints = node["spec"].get("taints", [])
    conditions = node["status"].get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions) and not [
        one for one in taints if one["effect"] in {"NoSchedule", "NoExecute"}
    ]


def is_bound(claim: Object | None) -> bool:
    """Whether a claim has its volume."""
    return claim is not None and claim["status"].get("phase") == "Bound"


def has_ended(found: Object) -> bool:
    """Whether a pod has; of its container that is said a second or two before its phase tells."""
    return found["status"].get("phase") in {"Succeeded", "Failed"} or bool(_ends(found))


def failed(found: Object) -> bool:
    """Whether a pod that has ended did so with an error."""
    return found["status"].get("phase") == "Failed" or any(end["exitCode"] for end in _ends(found))


def _ends(found: Object) -> list[Object]:
    states = [one["state"] for one in found["status"].get("containerStatuses", [])]
    return [state["terminated"] for state in states if "terminated" in state]


def explain(objects: Iterable[Object]) -> str:
    """What is wrong with claims and pods, by their states and last events."""
    listed = list(objects)
    events = _last_events([one for one in listed if one["kind"] == "Event"])
    told = []
    for found in listed:
        phase = found.get("status", {}).get("phase")
        if found["kind"] not in _KINDS or phase in {"Bound", "Succeeded"}:
            continue
        metadata = found["metadata"]
        why = events.get(metadata["uid"]) or _state(found) or "nobody has said why"
        told.append(f"{_KINDS[found['kind']]} {metadata['name']} is {phase}: {why}")
    return "; ".join(told)


def _last_events(events: list[Object]) -> dict[str, str]:
    """By the uid of what it is about: the last warning, or else the last that there was."""

    def weight(event: Object) -> tuple[bool, str]:
        return event["type"] != "Normal", event.get("lastTimestamp") or event.get("eventTime") or ""

    return {
        event["involvedObject"].get("uid", ""): f"{event['reason']}: {event['message'].strip()}"
        for event in sorted(events, key=weight)
    }


def _state(found: Object) -> str:
    """Why a pod's container does not run or ended, where it says so."""
    for container in found["status"].get("containerStatuses", []):
        for state in container["state"].values():
            if "exitCode" in state:
                return f"it ended with {state['exitCode']}"
            if state.get("reason"):
                return f"{state['reason']} {state.get('message', '')}".strip()
    return ""
