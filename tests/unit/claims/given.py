"""Claims, classes and volumes as the API server gives them: JSON, parsed by the code under test."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from holdfast.claims.decide import Plan, Provisioner, Refusal, Wait, decide
from holdfast.claims.objects import (
    Claim,
    Json,
    StorageClass,
    Volume,
    parse_claim,
    parse_class,
    parse_volume,
)

NAME = "example.com/nfs"
UID = "6f1c2f6e-6c1f-4d0a-9b6a-0f4f6d2b7a11"
ME = Provisioner(name=NAME, also=frozenset({"example.com/old-name"}))

GA = "volume.kubernetes.io/storage-provisioner"
BETA = "volume.beta.kubernetes.io/storage-provisioner"


def claim_json(
    *,
    namespace: str = "team-a",
    name: str = "data",
    uid: str = UID,
    labels: dict[str, str] | None = None,
    annotations: dict[str, str] | None = None,
    **spec: Any,
) -> Json:
    """A pending claim of class `nfs`, assigned to us; a spec field that is None is left out."""
    fields: Json = {
        "storageClassName": "nfs",
        "accessModes": ["ReadWriteMany"],
        "volumeMode": "Filesystem",
        "resources": {"requests": {"storage": "1Gi"}},
        **spec,
    }
    return {
        "metadata": {
            "namespace": namespace,
            "name": name,
            "uid": uid,
            "resourceVersion": "7",
            "labels": labels or {},
            "annotations": {GA: NAME} if annotations is None else annotations,
        },
        "spec": {key: value for key, value in fields.items() if value is not None},
    }


def claim(**fields: Any) -> Claim:
    return parse_claim(claim_json(**fields))


def storage_class(parameters: dict[str, str] | None = None, **fields: Any) -> StorageClass:
    """Class `nfs` of ours, as the API server defaults it."""
    return parse_class(
        {
            "metadata": {"name": "nfs"},
            "provisioner": NAME,
            "parameters": parameters,
            "reclaimPolicy": "Delete",
            "volumeBindingMode": "Immediate",
            **fields,
        }
    )


def volume(
    *,
    name: str = f"pvc-{UID}",
    annotations: dict[str, str] | None = None,
    phase: str = "Bound",
    policy: str = "Delete",
    metadata: Json | None = None,
    **spec: Any,
) -> Volume:
    """A volume of ours for the claim of `claim()`."""
    return parse_volume(
        {
            "metadata": {
                "name": name,
                "uid": "volume-uid",
                "annotations": {"pv.kubernetes.io/provisioned-by": NAME}
                if annotations is None
                else annotations,
                **(metadata or {}),
            },
            "spec": {
                "capacity": {"storage": "1Gi"},
                "persistentVolumeReclaimPolicy": policy,
                "storageClassName": "nfs",
                "claimRef": {"namespace": "team-a", "name": "data", "uid": UID},
                "nfs": {"server": "nfs.test", "path": f"/export/team-a-data-pvc-{UID}"},
                **spec,
            },
            "status": {"phase": phase},
        }
    )


def decided(
    one: Claim | None = None,
    of: StorageClass | None = None,
    existing: Iterable[Volume] = (),
) -> Plan | Wait | Refusal:
    """The decision about a claim of a class that exists."""
    return decide(one or claim(), of or storage_class(), ME, lambda _: existing)


def planned(one: Claim | None = None, of: StorageClass | None = None) -> Plan:
    result = decided(one, of)
    assert isinstance(result, Plan), result
    return result


def refusal(one: Claim | None = None, of: StorageClass | None = None) -> str:
    result = decided(one, of)
    assert isinstance(result, Refusal), result
    return result.message
