"""Objects as an API server has them, for one export `nas:/srv`."""

from __future__ import annotations

from typing import Any

from holdfast.claims import constants
from holdfast.claims.build_volume import Address
from holdfast.claims.objects import ClaimRef, Volume, parse_volume
from holdfast.claims.parameters import Action
from holdfast.exports.interface import DirectorySpec
from holdfast.kube.resources import Json
from holdfast.kube.work_queue import WorkQueue

ID = "e4f1c2d0-0000-4000-8000-00000000000e"
ANOTHER_ID = "00000000-0000-4000-8000-000000000000"
NAME = "example.com/nfs"
ADDRESS = Address("nas", "/srv", frozenset({"192.0.2.1"}))

BY_CLAIM = "${.PVC.namespace}/${.PVC.name}"


def ref(uid: str = "1", name: str = "data", namespace: str = "team") -> ClaimRef:
    return ClaimRef(namespace, name, uid)


def a_class(parameters: dict[str, str], policy: str = "Delete") -> Json:
    """The StorageClass `nfs`."""
    return {
        "metadata": {"name": "nfs"},
        "provisioner": NAME,
        "parameters": parameters,
        "reclaimPolicy": policy,
    }


def a_claim(whose: ClaimRef, **spec: Any) -> Json:
    """A pending claim of the class `nfs`."""
    return {
        "metadata": {
            "namespace": whose.namespace,
            "name": whose.name,
            "uid": whose.uid,
            "annotations": {constants.STORAGE_PROVISIONER[0]: NAME},
        },
        "spec": {
            "storageClassName": "nfs",
            "accessModes": ["ReadWriteMany"],
            "resources": {"requests": {"storage": "1Gi"}},
            **spec,
        },
    }


def a_volume(
    whose: ClaimRef,
    directory: str = "team/data",
    *,
    server: str = "nas",
    export_id: str = ID,
    annotated: bool = True,
    phase: str = "Bound",
    policy: str = "Delete",
    name: str = "",
    finalizers: tuple[str, ...] = (constants.FINALIZER,),
) -> Json:
    """A volume of ours; `annotated` False: one that nfs-subdir made."""
    annotations = {constants.PROVISIONED_BY: NAME}
    if annotated:
        annotations |= {constants.DIRECTORY: directory, constants.ON_DELETE: "delete"}
    if annotated and export_id:
        annotations[constants.EXPORT] = export_id
    return {
        "metadata": {
            "name": name or f"pvc-{whose.uid}",
            "annotations": annotations,
            "finalizers": list(finalizers),
        },
        "spec": {
            "capacity": {"storage": "1Gi"},
            "persistentVolumeReclaimPolicy": policy,
            "storageClassName": "nfs",
            "nfs": {"server": server, "path": f"/srv/{directory}"},
            "claimRef": {"namespace": whose.namespace, "name": whose.name, "uid": whose.uid},
        },
        "status": {"phase": phase},
    }


def volume(whose: ClaimRef | None = None, **given: Any) -> Volume:
    """Such a volume as the program sees it."""
    made = a_volume(whose or ref(), **given)
    made["metadata"] |= {"uid": "pv", "resourceVersion": "1"}
    return parse_volume(made)


def directory_spec(whose: ClaimRef, directory: str = "team/data", **given: Any) -> DirectorySpec:
    """What an export is asked for to serve a claim; one that shares its directory joins others."""
    given = {"joins": given.get("shared", False), **given}
    return DirectorySpec(
        volume=f"pvc-{whose.uid}",
        directory=directory,
        claim=whose,
        storage_class="nfs",
        size="1Gi",
        reclaim_policy="Delete",
        on_delete=Action.DELETE,
        **given,
    )


def emptied(queue: WorkQueue) -> list[str]:
    """The keys that wait in a queue, which is empty afterwards."""
    keys = list(queue._due)
    queue._due.clear()
    return keys
