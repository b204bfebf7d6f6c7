"""What `holdfast volumes` says of one volume."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import yaml

from holdfast.claims.objects import Json, Volume, parse_volume
from holdfast.cli.table import table_of
from holdfast.cli.volume_actions import shared_volumes
from holdfast.cli.volumes import WIDE, _cells, age, data_of, row_of


def ago(**time: float) -> str:
    return (datetime.now(UTC) - timedelta(**time)).isoformat().replace("+00:00", "Z")


def volume(annotations: dict[str, str], **spec: object) -> Json:
    nfs = {"server": "nfs.example.com", "path": "/export/a/b"}
    return {
        "metadata": {
            "name": "pvc-1",
            "uid": "2",
            "creationTimestamp": ago(),
            "annotations": annotations,
        },
        "spec": {"nfs": nfs, "capacity": {"storage": "1Gi"}} | spec,
        "status": {"phase": "Bound"},
    }


@pytest.mark.parametrize(
    ("time", "shown"),
    [
        ({"seconds": 42.5}, "42s"),
        ({"seconds": 119.5}, "119s"),
        ({"minutes": 2.1}, "2m"),
        ({"minutes": 119.5}, "119m"),
        ({"hours": 2.1}, "2h"),
        ({"hours": 47.5}, "47h"),
        ({"days": 2.1}, "2d"),
        ({"days": 400}, "400d"),
        ({"hours": -1}, "0s"),
    ],
)
def test_an_age_is_shown_as_kubectl_shows_it(time: dict[str, float], shown: str) -> None:
    """A clock that is behind the server's shows no negative age."""
    assert age(ago(**time)) == shown


@pytest.mark.parametrize(
    ("policy", "action", "shown"),
    [
        ("Delete", "delete", "delete"),
        ("Delete", "archive", "archive"),
        ("Delete", "retain", "retain"),
        ("Retain", "delete", "retain"),
        ("Delete", "", "unknown"),
        ("Delete", "retian", "invalid"),
        ("Retain", "retian", "retain"),
    ],
)
def test_the_reclaim_action_is_what_will_become_of_the_directory(
    policy: str, action: str, shown: str
) -> None:
    annotations = {"holdfast.io/on-delete": action} if action else {}

    row = row_of(volume(annotations, persistentVolumeReclaimPolicy=policy))

    assert row.reclaim_action == shown


@pytest.mark.parametrize(
    ("policy", "action", "shown"),
    [
        ("Delete", "delete", "shared"),
        ("Delete", "archive", "shared"),
        ("Delete", "", "shared"),
        ("Delete", "retain", "retain"),
        ("Retain", "delete", "retain"),
        ("Delete", "retian", "invalid"),
    ],
)
def test_of_a_shared_directory_only_the_strictest_action_is_certain(
    policy: str, action: str, shown: str
) -> None:
    made = volume({"holdfast.io/on-delete": action}, persistentVolumeReclaimPolicy=policy)

    assert row_of(made, is_shared=True).reclaim_action == shown


def named(name: str, path: str, class_name: str = "", server: str = "nas") -> Volume:
    made = volume({}, nfs={"server": server, "path": path}, storageClassName=class_name)
    made["metadata"]["name"] = name
    return parse_volume(made)


def test_volumes_share_by_their_path_or_may_have_by_their_class() -> None:
    volumes = [
        named("a", "/srv/x"),
        named("b", "/srv//x/"),
        named("elsewhere", "/srv/x", server="other"),
        named("alone", "/srv/y"),
        named("last", "/srv/z", "shared"),
    ]

    assert shared_volumes(volumes, {"shared"}) == {"a", "b", "last"}


@pytest.mark.parametrize(
    ("nfs_path", "directory"),
    [
        ("", "/export/a/b"),
        ("/export", "a/b"),
        ("/export/", "a/b"),
        ("/", "export/a/b"),
        ("/other", "/export/a/b"),
        ("/export/a/b", "/export/a/b"),
    ],
)
def test_the_directory_of_an_inherited_volume_is_its_path_on_the_export_if_that_is_known(
    nfs_path: str, directory: str
) -> None:
    """Volumes at `a/data` and `b/data` were both shown as `data`."""
    assert row_of(volume({}), nfs_path).directory == directory


@pytest.mark.parametrize("nfs_path", ["", "/export", "/other"])
def test_the_directory_is_the_annotation_s(nfs_path: str) -> None:
    assert row_of(volume({"holdfast.io/directory": "x"}), nfs_path).directory == "x"


def test_a_volume_without_a_claim_has_none() -> None:
    assert row_of(volume({})).claim == ""
    claim = {"namespace": "shop", "name": "data", "uid": "1"}
    assert row_of(volume({}, claimRef=claim)).claim == "shop/data"


def test_data_for_scripts_has_no_text_for_people() -> None:
    made = volume({"holdfast.io/export": "id"}, accessModes=["ReadWriteMany", "ReadOnlyMany"])

    data = data_of([row_of(made)])

    assert yaml.safe_load(yaml.safe_dump(data)) == data
    assert data == [
        {
            "claim": "",
            "directory": "/export/a/b",
            "size": "1Gi",
            "reclaim_action": "retain",
            "phase": "Bound",
            "creation_timestamp": made["metadata"]["creationTimestamp"],
            "volume": "pvc-1",
            "storage_class": "",
            "access_modes": ["ReadWriteMany", "ReadOnlyMany"],
            "server": "nfs.example.com",
            "path": "/export/a/b",
            "export_id": "id",
        }
    ]


def test_the_wide_table_shows_age_and_access_modes_as_text() -> None:
    made = volume({"holdfast.io/export": "id"}, accessModes=["ReadWriteMany", "ReadOnlyMany"])

    table = table_of(WIDE, _cells([row_of(made)], WIDE))

    heads = [str(column.header) for column in table.columns]
    cells = [str(next(iter(column.cells))) for column in table.columns]
    assert heads[4:6] + heads[-3:] == ["PHASE", "AGE", "ACCESS MODES", "SERVER", "PATH"]
    assert cells[5] == "0s"
    assert cells[-3] == "ReadWriteMany,ReadOnlyMany"
