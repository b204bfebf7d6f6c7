"""What an administrator does and sees, in one test's part of the shared control plane.

The requests are the testbed's: the provisioner's own client is not to be the judge of itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from holdfast.claims import constants
from holdfast.kube.resources import NAMESPACES, Resource
from testbed.client import MERGE_PATCH, Json
from testbed.controlplane import ControlPlane
from testbed.errors import RequestError
from tests.support import eventually

_VOLUMES = "/api/v1/persistentvolumes"
_CLASSES = "/apis/storage.k8s.io/v1/storageclasses"
_RBAC = "/apis/rbac.authorization.k8s.io/v1"
_REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"


class Objects:
    """The classes, claims and volumes of one test; `remove_all` removes them.

    Provisioner, server and classes are named after the namespace, so that no test sees
    another's.
    """

    def __init__(self, plane: ControlPlane, namespace: str) -> None:
        self.plane = plane
        self.namespace = namespace
        self.name = f"{namespace}.example.com/nfs"
        self.server = f"nfs.{namespace}.example.com"
        self._claims = f"/api/v1/namespaces/{namespace}/persistentvolumeclaims"
        self._made: list[str] = []

    def make(self, collection: str, body: Json) -> Json:
        """Makes an object that is removed at the end of the test."""
        made = self.plane.client.send("POST", collection, body)
        self._made.append(f"{collection}/{made['metadata']['name']}")
        return made

    def make_class(
        self,
        name: str = "nfs",
        *,
        provisioner: str = "",
        reclaim: str = "Delete",
        binding: str = "Immediate",
        parameters: Mapping[str, str] | None = None,
        **more: Any,
    ) -> str:
        """A StorageClass of this test's provisioner; its name in the cluster."""
        body = {
            "metadata": {"name": f"{self.namespace}-{name}"},
            "provisioner": provisioner or self.name,
            "reclaimPolicy": reclaim,
            "volumeBindingMode": binding,
            "parameters": dict(parameters or {}),
        }
        return name_of(self.make(_CLASSES, body | more))

    def get_class(self, name: str) -> Json:
        return self.plane.client.get(f"{_CLASSES}/{name}")

    def delete_class(self, name: str) -> None:
        self.plane.client.send("DELETE", f"{_CLASSES}/{name}")

    def claim(
        self,
        storage_class: str,
        name: str = "data",
        *,
        modes: Sequence[str] = ("ReadWriteOnce",),
        labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
        **spec: Any,
    ) -> str:
        """A claim; its name. An empty class is left to the annotations."""
        body = {
            "metadata": {
                "name": name,
                "labels": dict(labels or {}),
                "annotations": dict(annotations or {}),
            },
            "spec": {
                "accessModes": list(modes),
                "storageClassName": storage_class or None,
                "resources": {"requests": {"storage": "1Mi"}},
            }
            | spec,
        }
        self.plane.client.send("POST", self._claims, body)
        return name

    def claims(self) -> list[Json]:
        """Every claim of this test."""
        items: list[Json] = self.plane.client.get(self._claims)["items"]
        return items

    def find_claim(self, name: str) -> Json | None:
        return self._found(f"{self._claims}/{name}")

    def get_claim(self, name: str) -> Json:
        return self.plane.client.get(f"{self._claims}/{name}")

    def assigned(self, name: str) -> str:
        """Waits until the control plane has assigned a claim to its provisioner; its uid."""
        eventually(lambda: constants.STORAGE_PROVISIONER[0] in annotations_of(self.get_claim(name)))
        return str(self.get_claim(name)["metadata"]["uid"])

    def patch_claim(self, name: str, change: Json) -> None:
        self.plane.client.send("PATCH", f"{self._claims}/{name}", change, MERGE_PATCH)

    def delete_claim(self, name: str) -> None:
        self.plane.client.send("DELETE", f"{self._claims}/{name}")

    def bound(self, claim: str) -> Json:
        """Waits until a claim is Bound; its volume."""
        eventually(lambda: phase_of(self.get_claim(claim)) == "Bound", what=f"{claim} is Bound")
        return self.get_volume(self.get_claim(claim)["spec"]["volumeName"])

    def volume_of(self, claim: str) -> Json | None:
        """The volume that would be a claim's, if there is one; whether bound or not."""
        return self.find_volume(f"pvc-{self.get_claim(claim)['metadata']['uid']}")

    def find_volume(self, name: str) -> Json | None:
        return self._found(f"{_VOLUMES}/{name}")

    def get_volume(self, name: str) -> Json:
        return self.plane.client.get(f"{_VOLUMES}/{name}")

    def volumes(self) -> list[Json]:
        """Every volume of this test."""
        items: list[Json] = self.plane.client.get(_VOLUMES)["items"]
        return [item for item in items if self._is_ours(item)]

    def make_volume(self, name: str, path: str, **more: Any) -> Json:
        """A volume made by hand, of a path on this test's server."""
        metadata = {"name": name, "annotations": more.pop("annotations", {})}
        spec = {
            "capacity": {"storage": "1Mi"},
            "accessModes": ["ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Delete",
            "storageClassName": f"{self.namespace}-by-hand",
            "nfs": {"server": self.server, "path": path},
        }
        return self.make(_VOLUMES, {"metadata": metadata, "spec": spec | more})

    def patch_volume(self, name: str, change: Json) -> None:
        self.plane.client.send("PATCH", f"{_VOLUMES}/{name}", change, MERGE_PATCH)

    def delete_volume(self, name: str) -> None:
        self.plane.client.send("DELETE", f"{_VOLUMES}/{name}")

    def gone(self, volume: Json) -> None:
        """Waits until a volume is gone."""
        name = name_of(volume)
        eventually(lambda: self.find_volume(name) is None, what=f"{name} is gone")

    def released(self, volume: Json) -> None:
        """Waits until a volume's claim is gone."""
        name = name_of(volume)
        eventually(
            lambda: phase_of(self.get_volume(name)) == "Released", what=f"{name} is Released"
        )

    def events(self, name: str) -> list[Json]:
        """The events on a claim, or on a volume (those are kept in `default`)."""
        namespace = "default" if name.startswith("pvc-") else self.namespace
        query = f"fieldSelector=involvedObject.name%3D{name}"
        items: list[Json] = self.plane.client.get(f"/api/v1/namespaces/{namespace}/events?{query}")[
            "items"
        ]
        return [item for item in items if self.name in item["source"].get("component", "")]

    def said(self, name: str, reason: str, words: str = "") -> str:
        """Waits for an event on an object, with these words in its message; the message."""

        def look() -> str | None:
            messages = [one["message"] for one in self.events(name) if one["reason"] == reason]
            return next((message for message in messages if words in message), None)

        return eventually(look, what=f"{reason} {words!r} is said of {name}")

    def refusal(self, claim: str, words: str) -> str:
        """Waits for the event that says why a claim is not served; its message.

        `words` tell it from others that may come first: a claim may be seen before its class.
        """
        return self.said(claim, "ProvisioningFailed", words)

    def kubeconfig_with(self, permissions: Mapping[Resource, Sequence[str]]) -> str:
        """A kubeconfig of a user who may do this and nothing else."""
        user = f"user-{len(self._made)}-{self.namespace}"
        self.grant(user, permissions)
        return str(self.plane.kubeconfig_for(user))

    def grant(self, user: str, permissions: Mapping[Resource, Sequence[str]]) -> None:
        """Lets a user do this too, from now on."""
        rules = [
            {
                "apiGroups": [resource.api.rpartition("/")[0]],
                "resources": [resource.plural],
                "verbs": list(verbs),
                "resourceNames": ["kube-system"] if resource is NAMESPACES else [],
            }
            for resource, verbs in permissions.items()
        ]
        name = f"{self.namespace}-{len(self._made)}"
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}
        metadata = {"name": name}
        self.make(f"{_RBAC}/clusterroles", {"metadata": metadata, "rules": rules})
        subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}
        self.make(
            f"{_RBAC}/clusterrolebindings",
            {"metadata": metadata, "roleRef": role, "subjects": [subject]},
        )
        if rules:  # one tells of all: they are granted together
            eventually(lambda: self._may(user, rules[0]), what=f"{user} may do what was granted")

    def _may(self, user: str, rule: Json) -> bool:
        """Whether the API server knows of a grant: it is told of it by a watch, a moment later."""
        asked = {
            "group": rule["apiGroups"][0],
            "resource": rule["resources"][0],
            "verb": rule["verbs"][0],
            "name": "".join(rule["resourceNames"]),
        }
        review = {"spec": {"user": user, "resourceAttributes": asked}}
        return bool(self.plane.client.send("POST", _REVIEWS, review)["status"]["allowed"])

    def remove_all(self) -> None:
        """Removes all that was made, whatever still holds it."""
        for volume in self.volumes():
            self._remove(f"{_VOLUMES}/{name_of(volume)}")
        for path in self._made:
            self._remove(path)

    def _remove(self, path: str) -> None:
        with suppress(RequestError):
            self.plane.client.send("DELETE", path)
            self.plane.client.send("PATCH", path, {"metadata": {"finalizers": None}}, MERGE_PATCH)

    def _is_ours(self, volume: Json) -> bool:
        return self.namespace in {
            (volume["spec"].get("claimRef") or {}).get("namespace"),
            volume["spec"].get("storageClassName", "").rpartition("-")[0],
        }

    def _found(self, path: str) -> Json | None:
        try:
            return self.plane.client.get(path)
        except RequestError as error:
            if error.status != 404:
                raise
            return None


def name_of(obj: Json) -> str:
    return str(obj["metadata"]["name"])


def names_of(objects: Iterable[Json]) -> set[str]:
    return {name_of(obj) for obj in objects}


def phase_of(obj: Json) -> str:
    """Of a claim or volume."""
    return str(obj["status"].get("phase", ""))


def annotations_of(obj: Json) -> dict[str, str]:
    return obj["metadata"].get("annotations") or {}


def finalizers_of(obj: Json) -> list[str]:
    return obj["metadata"].get("finalizers") or []
