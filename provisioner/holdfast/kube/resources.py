"""The kinds of object that are read or written, and where the API server keeps them.

A fixed table instead of discovery: the program needs eight kinds, all stable since Kubernetes
1.14, and discovery costs requests and memory at every start.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind; `api` is "v1" or "group/version", `plural` its name in URLs."""

    api: str
    plural: str
    kind: str
    namespaced: bool

    def path(self, namespace: str = "", name: str = "") -> str:
        """The URL path of an object, or of the collection when `name` is empty.

        Raises:
            ValueError: A namespaced object is named without its namespace.
        """
        if self.namespaced and name and not namespace:
            raise ValueError(f"{self.kind} {name!r} needs a namespace")
        parts = ["apis" if "/" in self.api else "api", *self.api.split("/")]
        if self.namespaced and namespace:
            parts += ["namespaces", namespace]
        parts.append(self.plural)
        if name:
            parts.append(name)
        return "".join(f"/{quote(part, safe='')}" for part in parts)


CLAIMS = Resource("v1", "persistentvolumeclaims", "PersistentVolumeClaim", namespaced=True)
VOLUMES = Resource("v1", "persistentvolumes", "PersistentVolume", namespaced=False)
CLASSES = Resource("storage.k8s.io/v1", "storageclasses", "StorageClass", namespaced=False)
EVENTS = Resource("v1", "events", "Event", namespaced=True)
LEASES = Resource("coordination.k8s.io/v1", "leases", "Lease", namespaced=True)
ACCESS_REVIEWS = Resource(
    "authorization.k8s.io/v1",
    "selfsubjectaccessreviews",
    "SelfSubjectAccessReview",
    namespaced=False,
)
NAMESPACES = Resource("v1", "namespaces", "Namespace", namespaced=False)
PODS = Resource("v1", "pods", "Pod", namespaced=True)


def key_of(obj: Json) -> str:
    """The "namespace/name" of an object, or its name when it has no namespace."""
    metadata = obj["metadata"]
    namespace = metadata.get("namespace", "")
    return f"{namespace}/{metadata['name']}" if namespace else str(metadata["name"])
