"""The PersistentVolume of a plan."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast.claims.build_volume import Address, volume
from holdfast.claims.objects import Json, parse_volume
from holdfast.claims.parameters import Action
from tests.unit.claims.given import NAME, UID, claim, planned, storage_class
from tests.unit.claims.given import volume as held

EXPORT = Address("nfs.test", "/export")
FINALIZER = "external-provisioner.volume.kubernetes.io/finalizer"


def made(*, finalizer: bool = True, parameters: dict[str, str] | None = None, **of: Any) -> Json:
    return volume(planned(of=storage_class(parameters, **of)), EXPORT, finalizer=finalizer)


def test_the_volume_as_a_whole() -> None:
    directory = f"team-a-data-pvc-{UID}"

    assert made() == {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {
            "name": f"pvc-{UID}",
            "annotations": {
                "pv.kubernetes.io/provisioned-by": NAME,
                "holdfast.io/on-delete": "archive",
                "holdfast.io/directory": directory,
            },
            "finalizers": [FINALIZER],
        },
        "spec": {
            "capacity": {"storage": "1Gi"},
            "accessModes": ["ReadWriteMany"],
            "persistentVolumeReclaimPolicy": "Delete",
            "storageClassName": "nfs",
            "volumeMode": "Filesystem",
            "nfs": {"server": "nfs.test", "path": f"/export/{directory}", "readOnly": False},
            "claimRef": {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "namespace": "team-a",
                "name": "data",
                "uid": UID,
                "resourceVersion": "7",
            },
        },
    }


def test_provisioned_by_is_the_name_in_the_class_where_we_answer_to_several() -> None:
    made_by = made(provisioner="example.com/old-name")["metadata"]["annotations"]

    assert made_by["pv.kubernetes.io/provisioned-by"] == "example.com/old-name"


def test_the_volume_carries_the_id_of_its_export_where_that_is_known() -> None:
    made_on = volume(planned(), EXPORT, finalizer=True, export_id="0b1c")

    annotations = made_on["metadata"]["annotations"]
    assert annotations == made()["metadata"]["annotations"] | {"holdfast.io/export": "0b1c"}


def test_the_id_of_the_export_reads_back_and_is_empty_where_there_is_none() -> None:
    assert held(annotations={"holdfast.io/export": "0b1c"}).export_id == "0b1c"
    assert not held(annotations={}).export_id


@pytest.mark.parametrize(
    ("policy", "wanted", "finalizers"),
    [
        ("Delete", True, [FINALIZER]),
        ("Delete", False, None),
        ("Retain", True, None),
        ("Retain", False, None),
    ],
)
def test_the_finalizer_is_only_on_volumes_of_policy_delete(
    policy: str, *, wanted: bool, finalizers: list[str] | None
) -> None:
    result = made(finalizer=wanted, reclaimPolicy=policy)

    assert result["metadata"].get("finalizers") == finalizers
    assert result["spec"]["persistentVolumeReclaimPolicy"] == policy


@pytest.mark.parametrize(
    ("modes", "read_only"),
    [
        (["ReadOnlyMany"], True),
        (["ReadOnlyMany", "ReadOnlyMany"], True),
        (["ReadOnlyMany", "ReadWriteMany"], False),
        (["ReadWriteOnce", "ReadOnlyMany"], False),
        (["ReadWriteOncePod"], False),
    ],
)
def test_only_read_only_many_alone_is_mounted_read_only(
    modes: list[str], *, read_only: bool
) -> None:
    result = volume(planned(claim(accessModes=modes)), EXPORT, finalizer=True)

    assert result["spec"]["nfs"]["readOnly"] is read_only
    assert result["spec"]["accessModes"] == modes


def test_mount_options_of_the_class_are_the_volumes() -> None:
    options = ["nfsvers=4.2", "hard"]

    assert made(mountOptions=options)["spec"]["mountOptions"] == options


@pytest.mark.parametrize("options", [None, []])
def test_without_mount_options_the_field_is_left_out(options: list[str] | None) -> None:
    assert "mountOptions" not in made(mountOptions=options)["spec"]


def test_what_is_written_reads_back_as_decided() -> None:
    parameters = {"onDelete": "delete", "pathPattern": "${.PVC.namespace}/${.PVC.name}"}
    read = parse_volume(
        {**made(parameters=parameters), "status": {}}
        | {"metadata": {**made(parameters=parameters)["metadata"], "uid": "u"}}
    )

    assert (read.directory, Action(read.on_delete)) == ("team-a/data", Action.DELETE)
    assert EXPORT.directory_of(read.path) == read.directory
    assert read.claim == claim().ref
