"""What the benchmark writes to the API server."""

from __future__ import annotations

from holdfast.claims.build_volume import Address
from holdfast.claims.decide import Plan, Provisioner, decide
from holdfast.claims.objects import parse_claim, parse_class
from tests.bench.connection import Json

NAMESPACE = "bench"
CLASS = "bench"
PROVISIONER = Provisioner("example.com/bench")
ADDRESS = Address("nfs.example.com", "/export")
EXPORT_ID = "00000000-0000-4000-8000-000000000000"
ASSIGNED = "volume.kubernetes.io/storage-provisioner"

NAMESPACES = "/api/v1/namespaces"
CLAIMS = f"{NAMESPACES}/{NAMESPACE}/persistentvolumeclaims"
EVENTS = f"{NAMESPACES}/{NAMESPACE}/events"
VOLUMES = "/api/v1/persistentvolumes"
CLASSES = "/apis/storage.k8s.io/v1/storageclasses"

_SPEC: Json = {
    "accessModes": ["ReadWriteMany"],
    "resources": {"requests": {"storage": "1Mi"}},
    "storageClassName": CLASS,
}


def storage_class() -> Json:
    """The class of all claims."""
    return {"metadata": {"name": CLASS}, "provisioner": PROVISIONER.name}


def claim(number: int) -> Json:
    """A claim that asks for a volume."""
    return {"metadata": {"name": f"claim-{number:05}"}, "spec": _SPEC}


def plan(number: int) -> Plan:
    """What the provisioner decides on such a claim, once it is assigned to it."""
    assigned = claim(number)
    uid = f"00000000-0000-4000-8000-{number:012}"
    assigned["metadata"] |= {"namespace": NAMESPACE, "uid": uid}
    assigned["metadata"]["annotations"] = {ASSIGNED: PROVISIONER.name}
    decided = decide(parse_claim(assigned), parse_class(storage_class()), PROVISIONER, lambda _: ())
    if not isinstance(decided, Plan):
        raise TypeError(decided)
    return decided


def bound_claim(number: int, volume: str) -> Json:
    """A claim that says it has its volume already."""
    bound = claim(number)
    bound["metadata"]["annotations"] = {
        "pv.kubernetes.io/bind-completed": "yes",
        ASSIGNED: PROVISIONER.name,
    }
    return bound | {"spec": _SPEC | {"volumeName": volume}}


def least_volume(claim: Json) -> Json:
    """The least PersistentVolume that a dynamic provisioner may write for a claim."""
    metadata = claim["metadata"]
    reference = {key: metadata[key] for key in ("namespace", "name", "uid")}
    return {
        "metadata": {
            "name": f"pvc-{metadata['uid']}",
            "annotations": {"pv.kubernetes.io/provisioned-by": PROVISIONER.name},
        },
        "spec": {
            "capacity": {"storage": "1Mi"},
            "accessModes": ["ReadWriteMany"],
            "persistentVolumeReclaimPolicy": "Delete",
            "storageClassName": CLASS,
            "nfs": {"server": ADDRESS.server, "path": ADDRESS.path_of(metadata["name"])},
            "claimRef": {"kind": "PersistentVolumeClaim", "apiVersion": "v1", **reference},
        },
    }
