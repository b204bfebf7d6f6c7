"""One trial of a StorageClass: made, waited for, and gone again."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Any

from . import objects, scripts
from .objects import Object
from .proxy import Api, ApiError

_PAUSE = 0.5
_KINDS = {
    "persistentvolumeclaims": "PersistentVolumeClaim",
    "pods": "Pod",
    "events": "Event",
}
# What the provisioner goes by when it is done with a volume, and it is to leave nothing.
_REMOVE = {
    "metadata": {"annotations": {"holdfast.io/on-delete": "delete"}},
    "spec": {"persistentVolumeReclaimPolicy": "Delete"},
}


class TrialError(Exception):
    """It failed; the message says at what, and why."""


class Trial:
    """One trial in a namespace of its own; what it calls raises ApiError too."""

    def __init__(self, wanted: Object, api: Api) -> None:
        """`wanted` has the module's options."""
        self._wanted = wanted
        self._api = api
        self._namespace = f"/api/v1/namespaces/{wanted['namespace']}"
        self._claim = f"{self._namespace}/persistentvolumeclaims/verify"

    def begin(self) -> None:
        """Sees that the namespace is free; what an earlier trial left behind there goes first."""
        found = self._api.find(self._namespace)
        if not found:
            return
        if not found["metadata"].get("labels", {}).items() >= objects.OURS.items():
            raise TrialError(
                f"namespace {self._wanted['namespace']} is somebody's own; "
                "let verify_namespace name one that is not"
            )
        self.clear()
        self._see_gone(self._namespace)

    def run(self) -> Object:
        """Tries it; the nodes that wrote and read."""
        binds_at_once = self._binds_at_once()
        proof = secrets.token_hex(16)
        write = objects.pod("writer", scripts.writer(proof), self._wanted)
        for path, wanted in objects.surroundings(self._wanted):
            self._api.create(path, wanted)
        if binds_at_once:
            self._see_bound()
        wrote = self._outcome(write)
        others = [node for node in self._nodes() if node != wrote]
        elsewhere_than = wrote if others else ""
        read = objects.pod("reader", scripts.reader(proof), self._wanted, elsewhere_than)
        return {"writer": wrote, "reader": self._outcome(read)}

    def clear(self) -> None:
        """Removes everything, the volume's directory too, and has the empty namespace removed."""
        claim = self._api.find(self._claim) or {}
        volume = claim.get("spec", {}).get("volumeName")
        if volume:
            self._api.patch(f"/api/v1/persistentvolumes/{volume}", _REMOVE)
        kinds = [f"{self._namespace}/{kind}" for kind in ("pods", "persistentvolumeclaims")]
        for path in kinds:
            self._api.delete(path)
        for path in kinds:
            self._see_gone(path)
        if volume:
            self._see_gone(f"/api/v1/persistentvolumes/{volume}")
        # Not awaited: of a namespace that is empty the API server takes leave after some seconds.
        self._api.delete(self._namespace)

    def _nodes(self) -> list[str]:
        listed = self._api.find("/api/v1/nodes") or {"items": []}
        return [node["metadata"]["name"] for node in listed["items"] if objects.can_run_pods(node)]

    def _binds_at_once(self) -> bool:
        """Whether the class has a claim bound before there is a pod for it."""
        name = self._wanted["storage_class"]
        found = self._api.find(f"/apis/storage.k8s.io/v1/storageclasses/{name}")
        if not found:
            raise TrialError("there is no class of that name")
        return found.get("volumeBindingMode") != "WaitForFirstConsumer"

    def _see_bound(self) -> None:
        """Waits for the claim.

        A pod that is scheduled while its claim is being bound may be known to its kubelet before
        the API server lets the node read the claim; the next try is ten seconds later.
        """
        if not self._within(lambda: objects.is_bound(self._api.find(self._claim))):
            raise TrialError(self._why())

    def _outcome(self, wanted: Object) -> str:
        """Makes a pod and waits until it has ended; the node where it succeeded."""
        path = f"{self._namespace}/pods"
        self._api.create(path, wanted)
        name = wanted["metadata"]["name"]
        ended = self._within(lambda: self._ended(f"{path}/{name}"))
        if not ended or objects.failed(ended):
            raise TrialError(self._why() + self._said(name))
        return str(ended["spec"].get("nodeName", ""))

    def _ended(self, path: str) -> Object | None:
        found = self._api.find(path)
        return found if found and objects.has_ended(found) else None

    def _see_gone(self, path: str) -> None:
        if not self._within(lambda: _is_none(self._api.find(path))):
            raise TrialError(f"{path} is still there {self._wanted['seconds']} s after its end")

    def _within(self, look: Callable[[], Any]) -> Any:
        """What `look` sees, as soon as it is true; the last that it saw where the time is over."""
        end = time.monotonic() + self._wanted["seconds"]
        while not (seen := look()) and time.monotonic() < end:
            time.sleep(_PAUSE)
        return seen

    def _why(self) -> str:
        listed = [
            {**found, "kind": kind}
            for path, kind in _KINDS.items()
            for found in (self._api.find(f"{self._namespace}/{path}") or {"items": []})["items"]
        ]
        return objects.explain(listed)

    def _said(self, name: str) -> str:
        """What a pod wrote, as the end of a sentence."""
        try:
            log = self._api.text(f"{self._namespace}/pods/{name}/log").strip()
        except ApiError:  # it never ran
            return ""
        return f"; {name} says: {log}" if log else ""


def _is_none(found: Object | None) -> bool:
    return found is None or found.get("items") == []


def cleared_after(trial: Trial) -> Object:
    """Runs a trial that has begun, and clears it whatever happens; raises TrialError."""
    wrong = []
    seen: Object = {}
    steps: tuple[Callable[[], None], ...] = (lambda: seen.update(trial.run()), trial.clear)
    for step in steps:
        try:
            step()
        except (TrialError, ApiError) as error:
            wrong.append(str(error))
    if wrong:
        raise TrialError("; then: ".join(wrong))
    return seen
