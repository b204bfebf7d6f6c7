"""A stand-in for scheduler and kubelet, as far as a claim's life can tell.

It runs no containers and mounts nothing. It only writes what those two would write: that a claim's
node is chosen (a class with WaitForFirstConsumer waits for that), and that a pod is Running and
Ready once all its claims are bound (a StatefulSet's next replica waits for that).

Pods are not bound to the node: the API server then completes their deletion by itself, and what
it does not do for such pods is hold back the deletion of claims they use (pvc-protection).
"""

from __future__ import annotations

import datetime as dt
import threading
from types import TracebackType
from typing import Final, Self

from testbed.client import MERGE_PATCH, Client, Json
from testbed.errors import RequestError
from testbed.watching import Watcher

NODE: Final = "node-1"
SELECTED_NODE: Final = "volume.kubernetes.io/selected-node"
_READY: Final = ("PodScheduled", "Initialized", "ContainersReady", "Ready")


class Kubelet:
    """Makes pods Running once their claims are bound; a context manager.

    Args:
        client: an administrator's.
        namespace: the only one that it looks at; None means all.
    """

    def __init__(self, client: Client, namespace: str | None = None) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._waiting: dict[str, Json] = {}
        root = "/api/v1" if namespace is None else f"/api/v1/namespaces/{namespace}"
        self._watchers = (
            Watcher(client, f"{root}/pods", self._on_pod),
            Watcher(client, f"{root}/persistentvolumeclaims", self._on_claim),
        )

    def start(self) -> None:
        """Register the node, and start."""
        self._register()
        for watcher in self._watchers:
            watcher.start()

    def stop(self) -> None:
        """End; pods stay as they are."""
        for watcher in self._watchers:
            watcher.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _register(self) -> None:
        node = {
            "metadata": {"name": NODE, "labels": {"kubernetes.io/hostname": NODE}},
            "status": {"conditions": [{"type": "Ready", "status": "True"}]},
        }
        try:
            self._client.send("POST", "/api/v1/nodes", node)
        except RequestError as error:
            if error.status != 409:  # it is there already
                raise

    def _on_pod(self, pod: Json) -> None:
        path = pod_path(pod)
        pending = pod["status"].get("phase") == "Pending"
        with self._lock:
            if not pending or "deletionTimestamp" in pod["metadata"]:
                self._waiting.pop(path, None)
                return
            self._waiting[path] = pod
        self._look_at(path, pod)

    def _on_claim(self, claim: Json) -> None:
        path = claim_path(claim["metadata"]["namespace"], claim["metadata"]["name"])
        with self._lock:
            pods = {key: pod for key, pod in self._waiting.items() if path in claim_paths(pod)}
        for key, pod in pods.items():
            self._look_at(key, pod)

    def _look_at(self, path: str, pod: Json) -> None:
        """Do for a waiting pod what can be done now; what vanished meanwhile is left alone."""
        try:
            # All of them, that each gets its node even though the first is not bound yet.
            bound = [self._is_bound(claim) for claim in claim_paths(pod)]
            if all(bound):
                self._client.send("PATCH", f"{path}/status", running(pod), MERGE_PATCH)
        except RequestError as error:
            if error.status != 404:
                raise

    def _is_bound(self, path: str) -> bool:
        claim = self._client.get(path)
        if claim["status"].get("phase") == "Bound":
            return True
        if SELECTED_NODE not in claim["metadata"].get("annotations", {}):
            self._choose_node(path, claim["spec"].get("storageClassName"))
        return False

    def _choose_node(self, path: str, class_name: str | None) -> None:
        if not class_name:
            return
        storage_class = self._client.get(f"/apis/storage.k8s.io/v1/storageclasses/{class_name}")
        if storage_class["volumeBindingMode"] == "WaitForFirstConsumer":
            chosen = {"metadata": {"annotations": {SELECTED_NODE: NODE}}}
            self._client.send("PATCH", path, chosen, MERGE_PATCH)


def claim_path(namespace: str, name: str) -> str:
    """Where the API server has this claim."""
    return f"/api/v1/namespaces/{namespace}/persistentvolumeclaims/{name}"


def pod_path(pod: Json) -> str:
    """Where the API server has this pod."""
    return f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods/{pod['metadata']['name']}"


def claim_paths(pod: Json) -> list[str]:
    """Where the API server has the claims of this pod, those of ephemeral volumes among them.

    https://kubernetes.io/docs/concepts/storage/ephemeral-volumes/#persistentvolumeclaim-naming
    """
    metadata, names = pod["metadata"], []
    for volume in pod["spec"].get("volumes", []):
        if "persistentVolumeClaim" in volume:
            names.append(volume["persistentVolumeClaim"]["claimName"])
        elif "ephemeral" in volume:
            names.append(f"{metadata['name']}-{volume['name']}")
    return [claim_path(metadata["namespace"], name) for name in names]


def running(pod: Json) -> Json:
    """The status that a kubelet would write for this pod once its containers run."""
    now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    conditions = [{"type": kind, "status": "True", "lastTransitionTime": now} for kind in _READY]
    containers = [
        {
            "name": container["name"],
            "image": container["image"],
            "imageID": "",
            "ready": True,
            "started": True,
            "restartCount": 0,
            "state": {"running": {"startedAt": now}},
        }
        for container in pod["spec"]["containers"]
    ]
    status = {"phase": "Running", "startTime": now, "conditions": conditions}
    return {"status": status | {"containerStatuses": containers}}
