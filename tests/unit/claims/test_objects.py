"""What is read of claims, classes and volumes, and what counts where a field is not there."""

from __future__ import annotations

import json

import pytest

from holdfast.claims.constants import BIND_COMPLETED
from holdfast.claims.objects import (
    Claim,
    ClaimRef,
    StorageClass,
    Volume,
    parse_claim,
    parse_class,
    parse_volume,
)

A_VOLUME = {
    "metadata": {
        "name": "pvc-1",
        "uid": "u",
        "resourceVersion": "7",
        "annotations": {
            "pv.kubernetes.io/provisioned-by": "example.com/nfs",
            "pv.kubernetes.io/migrated-to": "example.com/new",
            "holdfast.io/on-delete": "delete",
            "holdfast.io/directory": "team/data",
            "holdfast.io/export": "id-1",
        },
        "finalizers": ["kubernetes.io/pv-protection"],
        "deletionTimestamp": "2026-11-21T09:00:00Z",
    },
    "spec": {
        "capacity": {"storage": "1Gi"},
        "persistentVolumeReclaimPolicy": "Delete",
        "storageClassName": "nfs",
        "claimRef": {"namespace": "team", "name": "data", "uid": "1"},
        "nfs": {"server": "nfs.test", "path": "/export/team/data"},
        "csi": {"driver": "example.com/csi"},
    },
    "status": {"phase": "Released"},
}


def test_every_field_of_a_volume_that_decisions_rest_on_is_read() -> None:
    assert parse_volume(A_VOLUME) == Volume(
        name="pvc-1",
        uid="u",
        version="7",
        phase="Released",
        reclaim_policy="Delete",
        class_name="nfs",
        claim=ClaimRef("team", "data", "1"),
        size="1Gi",
        server="nfs.test",
        path="/export/team/data",
        provisioned_by="example.com/nfs",
        migrated_to="example.com/new",
        csi_driver="example.com/csi",
        on_delete="delete",
        directory="team/data",
        finalizers=("kubernetes.io/pv-protection",),
        deleting=True,
        export_id="id-1",
    )


def test_a_volume_that_says_nothing_is_pending_and_retained() -> None:
    assert parse_volume({"metadata": {"name": "pvc-1", "uid": "u"}}) == Volume(
        name="pvc-1",
        uid="u",
        version="",
        phase="Pending",
        reclaim_policy="Retain",
        class_name="",
        claim=ClaimRef("", "", ""),
        size="",
        server="",
        path="",
        provisioned_by="",
        migrated_to="",
        csi_driver="",
        on_delete="",
        directory="",
        finalizers=(),
        deleting=False,
        export_id="",
    )


def test_every_field_of_a_claim_that_decisions_rest_on_is_read() -> None:
    annotations = {
        "volume.kubernetes.io/storage-provisioner": "example.com/nfs",
        "volume.kubernetes.io/selected-node": "node-1",
    }
    obj = {
        "metadata": {
            "namespace": "team",
            "name": "data",
            "uid": "1",
            "resourceVersion": "7",
            "labels": {"app": "shop"},
            "annotations": annotations,
        },
        "spec": {
            "storageClassName": "nfs",
            "volumeName": "pvc-1",
            "volumeMode": "Block",
            "resources": {"requests": {"storage": "1Gi"}},
            "accessModes": ["ReadWriteMany"],
            "selector": {},
            "dataSource": {"kind": "PersistentVolumeClaim", "name": "other"},
            "dataSourceRef": {"apiGroup": "example.com", "kind": "Backup", "name": "monday"},
        },
    }

    assert parse_claim(obj) == Claim(
        ref=ClaimRef("team", "data", "1"),
        version="7",
        class_name="nfs",
        provisioner="example.com/nfs",
        selected_node="node-1",
        volume_name="pvc-1",
        volume_mode="Block",
        size="1Gi",
        access_modes=("ReadWriteMany",),
        has_selector=True,
        data_source="Backup monday",
        labels={"app": "shop"},
        annotations=annotations,
        data_source_group="example.com",
    )


def test_a_claim_that_says_nothing_asks_for_a_file_system_of_no_size() -> None:
    obj = {"metadata": {"namespace": "team", "name": "data", "uid": "1"}}

    assert parse_claim(obj) == Claim(
        ref=ClaimRef("team", "data", "1"),
        version="",
        class_name="",
        provisioner="",
        selected_node="",
        volume_name="",
        volume_mode="Filesystem",
        size="",
        access_modes=(),
        has_selector=False,
        data_source="",
        labels={},
        annotations={},
        data_source_group="",
    )


def test_a_class_that_says_nothing_deletes_and_binds_at_once() -> None:
    obj = {"metadata": {"name": "nfs"}, "provisioner": "example.com/nfs"}

    assert parse_class(obj) == StorageClass(
        name="nfs",
        provisioner="example.com/nfs",
        parameters={},
        reclaim_policy="Delete",
        mount_options=(),
        waits_for_consumer=False,
        has_topologies=False,
    )


def test_what_many_volumes_have_in_common_is_in_memory_once() -> None:
    one, other = (parse_volume(json.loads(json.dumps(A_VOLUME))) for _ in range(2))

    for field in ("finalizers", "phase", "class_name", "server", "provisioned_by", "export_id"):
        assert getattr(one, field) is getattr(other, field)


@pytest.mark.parametrize(
    ("volume", "annotations", "bound"),
    [
        ("pvc-1", {BIND_COMPLETED: "yes"}, True),
        ("pvc-1", {}, False),  # anybody can write that into a claim
        ("pvc-2", {BIND_COMPLETED: "yes"}, False),
        ("", {BIND_COMPLETED: "yes"}, False),
    ],
)
def test_a_claim_is_bound_once_the_controller_manager_says_so(
    volume: str, annotations: dict[str, str], *, bound: bool
) -> None:
    metadata = {"namespace": "team", "name": "data", "uid": "1", "annotations": annotations}
    claim = parse_claim({"metadata": metadata, "spec": {"volumeName": volume}})

    assert claim.is_bound_to("pvc-1") is bound
