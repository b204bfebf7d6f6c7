"""Volumes of nfs-subdir-external-provisioner: which are believed, and which are left alone.

Design, rule 3: they have no record, and are checked against the naming rules of nfs-subdir before
they get one. Rows are those of the public cases.
"""

from __future__ import annotations

import pytest

from holdfast.claims import inherited
from holdfast.claims.build_volume import Address
from holdfast.claims.errors import Refused
from holdfast.claims.objects import Claim, StorageClass, Volume
from holdfast.claims.parameters import Action
from holdfast.claims.paths import directory_name
from tests.unit.claims.given import UID, claim, storage_class, volume

EXPORT = Address("nfs.test", "/export")
DEFAULT = f"team-a-data-pvc-{UID}"
BY_LABEL = storage_class({"pathPattern": "${.PVC.namespace}/${.PVC.labels.app}"})
LABELLED = claim(labels={"app": "shop"})


def at(path: str, server: str = "nfs.test") -> Volume:
    return volume(nfs={"server": server, "path": path})


def directory(
    held: Volume,
    of: StorageClass | None = None,
    one: Claim | None = None,
    address: Address = EXPORT,
) -> str:
    return inherited.directory(held, address, of, one)


@pytest.mark.parametrize("of", [None, storage_class(), BY_LABEL, storage_class({"odd": "x"})])
def test_a_default_name_is_believed_whatever_became_of_class_and_claim(
    of: StorageClass | None,
) -> None:
    assert directory(at(f"/export/{DEFAULT}"), of) == DEFAULT


def test_a_default_name_that_had_to_be_cut_is_believed() -> None:
    long = {"namespace": "n" * 63, "name": "c" * 253, "uid": UID}
    name = directory_name("n" * 63, "c" * 253, f"pvc-{UID}")
    held = volume(claimRef=long, nfs={"server": "nfs.test", "path": f"/export/{name}"})

    assert directory(held) == name


def test_a_folder_of_the_servers_own_is_believed_as_the_volume_is_in_use() -> None:
    of = storage_class({"pathPattern": "lost+found/${.PVC.name}"})

    assert directory(at("/export/lost+found/data"), of) == "lost+found/data"


@pytest.mark.parametrize("root", ["/", "/export/"])
def test_the_exports_path_may_be_the_root_or_end_in_a_slash(root: str) -> None:
    address = Address("nfs.test", root)

    assert directory(at(address.path_of(DEFAULT)), address=address) == DEFAULT


def test_a_path_by_pattern_is_believed_while_its_claim_lives() -> None:
    assert directory(at("/export/team-a/shop"), BY_LABEL, LABELLED) == "team-a/shop"


@pytest.mark.parametrize("one", [None, claim(uid="another-of-that-name")])
def test_a_path_by_pattern_of_names_is_believed_once_its_claim_is_gone(one: Claim | None) -> None:
    of = storage_class({"pathPattern": "${.PVC.namespace}/${.PVC.name}"})

    assert directory(at("/export/team-a/data"), of, one) == "team-a/data"


@pytest.mark.parametrize(
    ("parameters", "annotations", "path"),
    [
        ({"pathPattern": "/${.PVC.namespace}-${.PVC.name}", "onDelete": "delete"}, {}, "ns-data"),
        ({"pathPattern": "${.PVC.annotations.path}"}, {"path": "/data/x"}, "data/x"),
        ({"pathPattern": "${.PVC.namespace}-${.PVC.name}", "onDelete": "true"}, {}, "ns-data"),
        ({"pathPattern": "${.PVC.name}-${.PV.name}"}, {}, "data-${.PV.name}"),
        ({"pathPattern": "${.PVC.name}${.PVC.nmae}"}, {}, "data"),
        ({"pathPattern": "${.PVC.name}", "odd": "x"}, {}, "data"),
    ],
    ids=[
        "row 1: a leading slash",
        "row 1: a leading slash in an annotation",
        "row 6: an onDelete that does not exist",
        "row 7: a field that is literal there",
        "an unknown field",
        "an unknown parameter",
    ],
)
def test_a_path_that_nfs_subdir_gave_is_believed_though_new_claims_are_refused(
    parameters: dict[str, str], annotations: dict[str, str], path: str
) -> None:
    one = claim(namespace="ns", annotations=annotations)
    held = volume(
        claimRef={"namespace": "ns", "name": "data", "uid": UID},
        nfs={"server": "nfs.test", "path": f"/export/{path}"},
    )

    assert directory(held, storage_class(parameters), one) == path


def test_a_volume_is_found_by_another_name_of_its_server() -> None:
    address = Address("nfs.test", "/export", frozenset({"192.0.2.1"}))

    assert directory(at(f"/export/{DEFAULT}", "192.0.2.1"), address=address) == DEFAULT


@pytest.mark.parametrize("path", [f"/export//{DEFAULT}", f"/export/{DEFAULT}/"])
def test_a_path_with_more_slashes_is_the_same_directory(path: str) -> None:
    assert directory(at(path)) == DEFAULT


@pytest.mark.parametrize("path", [".HoldFast/x", "a\x7fb"])
def test_a_path_that_a_pattern_gave_and_that_is_refused_is_left_alone(path: str) -> None:
    of = storage_class({"pathPattern": "${.PVC.annotations.path}"})

    with pytest.raises(Refused, match=r"(reserved component|control character).*is left alone"):
        directory(at(f"/export/{path}"), of, claim(annotations={"path": path}))


@pytest.mark.parametrize(
    ("of", "one"),
    [
        (BY_LABEL, None),
        (None, LABELLED),
        (storage_class({"pathPattern": "${.PVC.name}"}), LABELLED),
        (storage_class(), LABELLED),
        (storage_class({"odd": "x"}), LABELLED),
        (BY_LABEL, claim(labels={"app": "else"})),
        (BY_LABEL, claim(labels={"app": ".."})),
        (BY_LABEL, claim(labels={"app": "shop"}, uid="another-of-that-name")),
        (BY_LABEL, claim(labels={"app": "shop"}, namespace="team-b")),
    ],
    ids=[
        "claim gone",
        "class gone",
        "class edited",
        "pattern removed",
        "class unreadable",
        "label edited",
        "label refused now",
        "claim made anew",
        "claim of another namespace",
    ],
)
def test_a_path_that_no_rule_gives_any_more_is_left_alone(
    of: StorageClass | None, one: Claim | None
) -> None:
    with pytest.raises(Refused, match="no naming rule gives the directory 'team-a/shop'"):
        directory(at("/export/team-a/shop"), of, one)


@pytest.mark.parametrize(
    "held",
    [
        at(f"/export/{DEFAULT}", server="another.test"),
        at(f"/elsewhere/{DEFAULT}"),
        at(f"/exports/{DEFAULT}"),
        at("/export"),
        volume(nfs=None),
    ],
)
def test_a_volume_of_another_export_is_left_alone(held: Volume) -> None:
    with pytest.raises(Refused, match="not on this provisioner's export nfs"):
        directory(held)


@pytest.mark.parametrize(
    "path", ["", "..", f"../{DEFAULT}", f"x/../{DEFAULT}", ".holdfast/trash", "a//b"]
)
def test_a_path_that_leaves_the_export_or_means_no_one_place_is_left_alone(path: str) -> None:
    with pytest.raises(Refused, match="its data is left alone"):
        directory(at(f"/export/{path}"))


def test_a_claim_reference_that_points_out_of_the_export_is_left_alone() -> None:
    planted = {"namespace": "../../etc", "name": "data", "uid": UID}
    held = volume(
        claimRef=planted, nfs={"server": "nfs.test", "path": f"/export/../../etc-data-pvc-{UID}"}
    )

    with pytest.raises(Refused, match="its data is left alone"):
        directory(held)


@pytest.mark.parametrize("name", ["by-hand", "pvc-another-uid", UID])
def test_a_volume_that_is_not_named_after_its_claim_is_left_alone(name: str) -> None:
    held = volume(name=name, nfs={"server": "nfs.test", "path": f"/export/team-a-data-{name}"})

    with pytest.raises(Refused, match="its name is not 'pvc-' and its claim's uid"):
        directory(held)


def test_a_volume_without_a_claim_is_left_alone() -> None:
    with pytest.raises(Refused, match="its name is not"):
        directory(volume(claimRef=None))


def test_another_volumes_directory_is_left_alone() -> None:
    with pytest.raises(Refused, match="no naming rule"):
        directory(at("/export/team-b-data-pvc-another-uid"), storage_class(), claim())


def test_every_refusal_says_what_to_do() -> None:
    with pytest.raises(Refused, match="set the volume's reclaim policy to Retain and delete it"):
        directory(at("/export/team-a/shop"))


@pytest.mark.parametrize(
    ("of", "action"),
    [
        (None, Action.ARCHIVE),
        (storage_class(), Action.ARCHIVE),
        (storage_class({"archiveOnDelete": "false"}), Action.DELETE),
        (storage_class({"onDelete": "retain"}), Action.RETAIN),
        (storage_class({"onDelete": "retian"}), Action.ARCHIVE),
        (storage_class({"unknown": "x", "onDelete": "delete"}), Action.DELETE),
    ],
    ids=["class gone", "default", "older parameter", "parameter", "typo", "unknown parameter"],
)
def test_the_action_is_the_classs_and_where_that_is_not_known_the_one_that_loses_nothing(
    of: StorageClass | None, action: Action
) -> None:
    assert inherited.action(of) is action


@pytest.mark.parametrize(
    ("of", "shared"),
    [
        (None, False),
        (storage_class(), False),
        (storage_class({"sharedPaths": ""}), False),
        (storage_class({"sharedPaths": "false"}), False),
        (storage_class({"sharedPaths": "maybe"}), False),
        (storage_class({"sharedPaths": "T", "odd": "x"}), True),
    ],
    ids=["class gone", "default", "empty", "no", "typo", "yes"],
)
def test_the_shared_paths_of_a_class_count_for_inherited_volumes(
    of: StorageClass | None, *, shared: bool
) -> None:
    assert inherited.shared_paths(of) is shared
