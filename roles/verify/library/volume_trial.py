"""A claim, a pod that writes, a pod on another node that reads, and all of it gone again.

One module and not a task each: what was made has to go whatever happens, and what is wrong is known
only from several objects together.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterable
from typing import Any

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = """
module: volume_trial
author: Holdfast
short_description: Try whether a StorageClass gives volumes that pods on two nodes share
description: Nothing is left behind, whatever the class says of its volumes' end.
options:
  namespace: {description: Made for the trial and removed after it., type: str, required: true}
  storage_class: {description: The class that is tried., type: str, required: true}
  image: {description: "An image with sh, cat and test.", type: str, required: true}
  size: {description: What the claim asks for., type: str, required: true}
  user: {description: The pods' user and group., type: int, required: true}
  seconds: {description: How long each step may take., type: int, required: true}
  kubectl: {description: The program., type: path, required: true}
  kubeconfig: {description: The file., type: path, required: true}
"""

ARGUMENTS = {
    "namespace": {"type": "str", "required": True},
    "storage_class": {"type": "str", "required": True},
    "image": {"type": "str", "required": True},
    "size": {"type": "str", "required": True},
    "user": {"type": "int", "required": True},
    "seconds": {"type": "int", "required": True},
    "kubectl": {"type": "path", "required": True},
    "kubeconfig": {"type": "path", "required": True},
}

Object = dict[str, Any]
Kubectl = Callable[..., str]

_KINDS = {"PersistentVolumeClaim": "claim", "Pod": "pod"}
_OURS = {"app.kubernetes.io/managed-by": "holdfast-verify"}
# What the provisioner goes by when it is done with a volume, and it is to leave nothing.
_REMOVE = {
    "metadata": {"annotations": {"holdfast.io/on-delete": "delete"}},
    "spec": {"persistentVolumeReclaimPolicy": "Delete"},
}


class TrialError(Exception):
    """It failed; the message says at what, and why."""


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
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": wanted["namespace"]},
        "spec": specification,
    }


def surroundings(wanted: Object) -> list[Object]:
    """What the pods need: their namespace and account, and the claim."""
    namespace = {"name": wanted["namespace"], "labels": _OURS}
    metadata = {"name": "verify", "namespace": wanted["namespace"]}
    claim = {
        "storageClassName": wanted["storage_class"],
        "accessModes": ["ReadWriteMany"],
        "resources": {"requests": {"storage": wanted["size"]}},
    }
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": namespace},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata},
        {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": claim},
    ]


def can_run_pods(node: Object) -> bool:
    """Whether a node takes pods that tolerate nothing."""
    taints = node["spec"].get("taints", [])
    conditions = node["status"].get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions) and not [
        one for one in taints if one["effect"] in {"NoSchedule", "NoExecute"}
    ]


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


class Trial:
    """One trial in a namespace of its own."""

    def __init__(self, wanted: Object, kubectl: Kubectl) -> None:
        """`kubectl` runs the program, with a text for its stdin; raises TrialError."""
        self._wanted = wanted
        self._kubectl = kubectl
        self._namespace = f"--namespace={wanted['namespace']}"
        self._limit = f"--timeout={wanted['seconds']}s"

    def begin(self) -> None:
        """Sees that the namespace is free; what an earlier trial left behind there goes first."""
        name = self._wanted["namespace"]
        found = self._kubectl("get", "namespace", name, "--ignore-not-found", "--output=json")
        if found:
            if not json.loads(found)["metadata"].get("labels", {}).items() >= _OURS.items():
                raise TrialError(
                    f"namespace {name} is somebody's own; let verify_namespace name one that is not"
                )
            self.clear()
            self._kubectl("wait", "--for=delete", f"namespace/{name}", self._limit)

    def run(self) -> Object:
        """Tries it; the nodes that wrote and read."""
        proof = secrets.token_hex(16)
        write = pod("writer", f"echo {proof} > /volume/proof", self._wanted)
        self._create(*surroundings(self._wanted), write)
        wrote = self._outcome("writer")
        others = [node for node in self._nodes() if node != wrote]
        read = f'test "$(cat /volume/proof)" = {proof}'
        self._create(pod("reader", read, self._wanted, wrote if others else ""))
        return {"writer": wrote, "reader": self._outcome("reader")}

    def clear(self) -> None:
        """Removes everything, the volume's directory too, and has the empty namespace removed."""
        claim = ("get", "persistentvolumeclaim", "verify", self._namespace, "--ignore-not-found")
        volume = self._kubectl(*claim, "--output=jsonpath={.spec.volumeName}")
        if volume:
            patch = f"--patch={json.dumps(_REMOVE)}"
            self._kubectl("patch", "persistentvolume", volume, "--type=merge", patch)
        kinds = "pods,persistentvolumeclaims"
        self._kubectl("delete", kinds, "--all", self._namespace, self._limit)
        if volume:
            waiting = ("wait", "--for=delete", f"persistentvolume/{volume}", self._limit)
            self._kubectl(*waiting)
        # Not awaited: of a namespace that is empty the API server takes leave after some seconds.
        name = self._wanted["namespace"]
        self._kubectl("delete", "namespace", name, "--ignore-not-found", "--wait=false")

    def _create(self, *objects: Object) -> None:
        listed = {"apiVersion": "v1", "kind": "List", "items": objects}
        self._kubectl("create", "--filename=-", text=json.dumps(listed))

    def _nodes(self) -> list[str]:
        listed = json.loads(self._kubectl("get", "nodes", "--output=json"))["items"]
        return [node["metadata"]["name"] for node in listed if can_run_pods(node)]

    def _outcome(self, name: str) -> str:
        """Waits until a pod has ended; the node where it succeeded."""
        ended = "--for=jsonpath={.status.containerStatuses[0].state.terminated}"
        waiting = ("wait", f"pod/{name}", ended, self._namespace, self._limit, "--output=json")
        try:
            found = json.loads(self._kubectl(*waiting))
        except TrialError as error:
            raise TrialError(self._why(name) or str(error)) from error
        [container] = found["status"]["containerStatuses"]
        if container["state"]["terminated"]["exitCode"]:
            raise TrialError(self._why(name))
        return str(found["spec"].get("nodeName", ""))

    def _why(self, name: str) -> str:
        kinds = "persistentvolumeclaims,pods,events"
        found = json.loads(self._kubectl("get", kinds, self._namespace, "--output=json"))["items"]
        said = self._kubectl("logs", name, self._namespace, "--ignore-errors").strip()
        why = explain(found)
        return f"{why}; {name} says: {said}" if said else why


def main() -> None:
    """Run as a module of Ansible."""
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    if module.check_mode:
        module.exit_json(changed=False, skipped=True)
    trial = Trial(module.params, _kubectl(module))
    try:
        trial.begin()
        seen = cleared_after(trial)
    except TrialError as error:
        name = module.params["storage_class"]
        module.fail_json(msg=f"StorageClass {name} does not give volumes that work: {error}")
    module.exit_json(changed=False, **seen)


def cleared_after(trial: Trial) -> Object:
    """Runs a trial that has begun, and clears it whatever happens; raises TrialError."""
    wrong = []
    seen: Object = {}
    steps: tuple[Callable[[], None], ...] = (lambda: seen.update(trial.run()), trial.clear)
    for step in steps:
        try:
            step()
        except TrialError as error:
            wrong.append(str(error))
    if wrong:
        raise TrialError("; then: ".join(wrong))
    return seen


def _kubectl(module: AnsibleModule) -> Kubectl:
    def run(*arguments: str, text: str = "") -> str:
        command = [module.params["kubectl"], *arguments]
        environment = {"KUBECONFIG": module.params["kubeconfig"]}
        code, output, errors = module.run_command(
            command, data=text, environ_update=environment, binary_data=False
        )
        if code:
            raise TrialError(errors.strip() or output.strip())
        return str(output)

    return run


if __name__ == "__main__":
    main()
