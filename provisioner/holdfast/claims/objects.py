"""The fields of claims, StorageClasses and volumes that decisions rest on.

Parsed once from the API server's JSON and kept instead of it: ten thousand volumes as
dictionaries would take more memory than the rest of the program.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from sys import intern
from typing import Any

from holdfast.claims import constants

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ClaimRef:
    """Which claim, and which of all claims that ever had its name."""

    namespace: str
    name: str
    uid: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Claim:
    """A PersistentVolumeClaim; `size` is a Kubernetes quantity such as `100Mi`.

    `capacity` is what its volume has; empty without one.
    `data_source` is the kind and name of the object that the volume is to be filled from,
    `data_source_group` its API group, empty for the core group.
    """

    ref: ClaimRef
    version: str
    class_name: str
    provisioner: str
    selected_node: str
    volume_name: str
    volume_mode: str
    size: str
    access_modes: tuple[str, ...]
    has_selector: bool
    data_source: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    data_source_group: str = ""
    capacity: str = ""
    deleting: bool = False

    @property
    def key(self) -> str:
        """`namespace/name`, as in every queue and store."""
        return str(self.ref)

    def is_bound_to(self, volume: str) -> bool:
        """Whether it was bound to a volume, which may be gone since; its author can only name one.

        The controller manager sets the annotation together with the name.
        """
        return self.volume_name == volume and constants.BIND_COMPLETED in self.annotations


@dataclass(frozen=True, slots=True)
class StorageClass:
    """A StorageClass, with the API server's defaults filled in."""

    name: str
    provisioner: str
    parameters: Mapping[str, str]
    reclaim_policy: str
    mount_options: tuple[str, ...]
    waits_for_consumer: bool
    has_topologies: bool


@dataclass(frozen=True, slots=True)
class Volume:
    """A PersistentVolume; `server` and `path` are empty where it is not NFS.

    `directory` is empty on volumes that others made. `export_id` is empty on those and on volumes
    from before exports had ids, until Holdfast has recorded them.
    """

    name: str
    uid: str
    version: str
    phase: str
    reclaim_policy: str
    class_name: str
    claim: ClaimRef
    size: str
    server: str
    path: str
    provisioned_by: str
    migrated_to: str
    csi_driver: str
    on_delete: str
    directory: str
    finalizers: tuple[str, ...]
    deleting: bool
    export_id: str = ""


def parse_claim(obj: Json) -> Claim:
    """The claim in an API server's JSON object."""
    metadata, spec = obj["metadata"], obj.get("spec") or {}
    annotations = metadata.get("annotations") or {}
    source = spec.get("dataSourceRef") or spec.get("dataSource") or {}
    return Claim(
        ref=ClaimRef(intern(metadata["namespace"]), metadata["name"], metadata["uid"]),
        version=metadata.get("resourceVersion", ""),
        class_name=intern(_class_name(annotations, spec)),
        provisioner=intern(_first(annotations, *constants.STORAGE_PROVISIONER)),
        selected_node=annotations.get(constants.SELECTED_NODE, ""),
        volume_name=spec.get("volumeName") or "",
        volume_mode=spec.get("volumeMode") or "Filesystem",
        size=((spec.get("resources") or {}).get("requests") or {}).get("storage", ""),
        access_modes=_shared(tuple(spec.get("accessModes") or ())),
        has_selector=spec.get("selector") is not None,
        data_source=f"{source['kind']} {source['name']}" if source else "",
        labels=metadata.get("labels") or {},
        annotations=annotations,
        data_source_group=source.get("apiGroup") or "",
        capacity=((obj.get("status") or {}).get("capacity") or {}).get("storage", ""),
        deleting=bool(metadata.get("deletionTimestamp")),
    )


def parse_class(obj: Json) -> StorageClass:
    """The StorageClass in an API server's JSON object."""
    return StorageClass(
        name=obj["metadata"]["name"],
        provisioner=obj["provisioner"],
        parameters=obj.get("parameters") or {},
        reclaim_policy=obj.get("reclaimPolicy") or "Delete",
        mount_options=tuple(obj.get("mountOptions") or ()),
        waits_for_consumer=obj.get("volumeBindingMode") == "WaitForFirstConsumer",
        has_topologies=bool(obj.get("allowedTopologies")),
    )


def parse_volume(obj: Json) -> Volume:
    """The volume in an API server's JSON object."""
    metadata, spec = obj["metadata"], obj.get("spec") or {}
    annotations = metadata.get("annotations") or {}
    claim, nfs = spec.get("claimRef") or {}, spec.get("nfs") or {}
    return Volume(
        name=metadata["name"],
        uid=metadata["uid"],
        version=metadata.get("resourceVersion", ""),
        phase=intern((obj.get("status") or {}).get("phase") or "Pending"),
        reclaim_policy=intern(spec.get("persistentVolumeReclaimPolicy") or "Retain"),
        class_name=intern(_class_name(annotations, spec)),
        claim=ClaimRef(
            intern(claim.get("namespace", "")), claim.get("name", ""), claim.get("uid", "")
        ),
        size=intern((spec.get("capacity") or {}).get("storage", "")),
        server=intern(nfs.get("server", "")),
        path=nfs.get("path", ""),
        provisioned_by=intern(annotations.get(constants.PROVISIONED_BY, "")),
        migrated_to=intern(annotations.get(constants.MIGRATED_TO, "")),
        csi_driver=intern((spec.get("csi") or {}).get("driver", "")),
        on_delete=intern(annotations.get(constants.ON_DELETE, "")),
        directory=annotations.get(constants.DIRECTORY, ""),
        finalizers=_shared(tuple(metadata.get("finalizers") or ())),
        deleting=bool(metadata.get("deletionTimestamp")),
        export_id=intern(annotations.get(constants.EXPORT, "")),
    )


@lru_cache(maxsize=256)  # few different ones, on ten thousand volumes
def _shared(names: tuple[str, ...]) -> tuple[str, ...]:
    """One tuple for all that are equal."""
    return names


def _class_name(annotations: Mapping[str, str], spec: Json) -> str:
    name = annotations.get(constants.BETA_CLASS, spec.get("storageClassName"))
    return name or ""


def _first(annotations: Mapping[str, str], *names: str) -> str:
    return next((annotations[name] for name in names if name in annotations), "")
