"""The PersistentVolume that results from a plan."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.claims import constants
from holdfast.claims.decide import Plan
from holdfast.claims.objects import Json


@dataclass(frozen=True, slots=True)
class Address:
    """Where pods mount the export from: a host name or address, and an absolute path."""

    server: str
    path: str

    def path_of(self, directory: str) -> str:
        """The path that a volume carries for a directory beneath the export."""
        return f"{self.path.rstrip('/')}/{directory}"

    def directory_of(self, path: str) -> str | None:
        """The directory, relative to the export, of a volume's path; None outside of it."""
        root = self.path.rstrip("/") + "/"
        return path.removeprefix(root) if path.startswith(root) else None


def volume(plan: Plan, address: Address, *, finalizer: bool) -> Json:
    """The PersistentVolume of a plan, as JSON for the API server.

    Only a claim that asks for ReadOnlyMany alone is mounted read-only. The finalizer goes on
    volumes of reclaim policy Delete.
    """
    storage_class, claim = plan.storage_class, plan.claim
    metadata: Json = {
        "name": plan.volume,
        "annotations": {
            constants.PROVISIONED_BY: storage_class.provisioner,
            constants.ON_DELETE: plan.action.value,
            constants.DIRECTORY: plan.directory,
        },
    }
    if finalizer and storage_class.reclaim_policy == "Delete":
        metadata["finalizers"] = [constants.FINALIZER]
    spec: Json = {
        "capacity": {"storage": claim.size},
        "accessModes": list(claim.access_modes),
        "persistentVolumeReclaimPolicy": storage_class.reclaim_policy,
        "storageClassName": storage_class.name,
        "volumeMode": "Filesystem",
        "nfs": {
            "server": address.server,
            "path": address.path_of(plan.directory),
            "readOnly": set(claim.access_modes) == {"ReadOnlyMany"},
        },
        "claimRef": {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "namespace": plan.ref.namespace,
            "name": plan.ref.name,
            "uid": plan.ref.uid,
            "resourceVersion": claim.version,
        },
    }
    if storage_class.mount_options:
        spec["mountOptions"] = list(storage_class.mount_options)
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": metadata, "spec": spec}
