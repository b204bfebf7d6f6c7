"""The StorageClasses and static volumes that the chart makes of data."""

from __future__ import annotations

import pytest

from holdfast.claims.decide import read_class
from holdfast.claims.objects import parse_class
from holdfast.claims.parameters import Action, Parameters
from testbed.chart import HelmError, render
from testbed.client import Json


def classes(values: Json | None = None) -> dict[str, Json]:
    return {
        found["metadata"]["name"]: found
        for found in render(values)
        if found["kind"] == "StorageClass"
    }


def parameters(found: Json) -> Parameters:
    """As the provisioner reads them, which refuses what it does not know."""
    return read_class(parse_class(found))


def test_by_default_there_is_one_class_that_archives() -> None:
    [(name, found)] = classes().items()

    assert name == "nfs-client"
    assert parameters(found).on_delete is Action.ARCHIVE
    assert found["reclaimPolicy"] == "Delete"


@pytest.mark.parametrize(
    ("given", "action"),
    [
        ({"onDelete": "retain"}, Action.RETAIN),
        ({"onDelete": "delete", "archiveOnDelete": True}, Action.DELETE),
        ({"archiveOnDelete": False}, Action.DELETE),
        ({"archiveOnDelete": "false"}, Action.DELETE),
        ({}, Action.ARCHIVE),
    ],
)
def test_a_class_reclaims_as_its_values_say(given: Json, action: Action) -> None:
    values = {"storageClass": given, "storageClasses": [{"name": "other", **given}]}

    assert {parameters(found).on_delete for found in classes(values).values()} == {action}


def test_every_field_of_a_class_reaches_it() -> None:
    pattern = "${.PVC.namespace}/${.PVC.labels.app}"
    given = {
        "name": "other",
        "defaultClass": True,
        "reclaimPolicy": "Retain",
        "pathPattern": pattern,
        "sharedPaths": True,
        "existingDirectories": "use",
        "mountOptions": ["nfsvers=4.1"],
        "volumeBindingMode": "WaitForFirstConsumer",
        "allowVolumeExpansion": True,
        "annotations": {"note": "ours"},
    }
    found = classes({"storageClass": {"create": False}, "storageClasses": [given]})["other"]

    assert found["metadata"]["annotations"] == {
        "note": "ours",
        "storageclass.kubernetes.io/is-default-class": "true",
    }
    assert parameters(found) == Parameters(
        pattern, Action.ARCHIVE, shared_paths=True, use_existing=True
    )
    assert found["reclaimPolicy"] == "Retain"
    assert found["mountOptions"] == ["nfsvers=4.1"]
    assert found["volumeBindingMode"] == "WaitForFirstConsumer"
    assert found["allowVolumeExpansion"] is True


def test_a_class_mounts_as_the_export_is_mounted_unless_it_says_otherwise() -> None:
    values = {
        "nfs": {"server": "a", "path": "/b", "mountOptions": ["hard"]},
        "storageClasses": [{"name": "other", "mountOptions": ["soft"]}],
    }
    found = classes(values)

    assert found["nfs-client"]["mountOptions"] == ["hard"]
    assert found["other"]["mountOptions"] == ["soft"]


STATIC = {"name": "s", "path": "/a", "capacity": "1Gi"}
TWO = {
    "nfs": {},
    "exports": [
        {"name": "fast", "server": "a", "path": "/fast", "mountOptions": ["hard"]},
        {"name": "slow", "server": "a", "path": "/slow", "mountOptions": ["soft"]},
    ],
}


def test_a_class_names_its_export_and_mounts_as_that_is_mounted() -> None:
    more = [{"name": "slow", "export": "slow"}, {"name": "own", "mountOptions": ["ro"]}]
    found = classes({**TWO, "storageClasses": more})

    exports = {name: read_class(parse_class(one), ("fast", "slow")) for name, one in found.items()}
    assert {name: read.export for name, read in exports.items()} == {
        "nfs-client": "",
        "slow": "slow",
        "own": "",
    }
    assert {name: one["mountOptions"] for name, one in found.items()} == {
        "nfs-client": ["hard"],
        "slow": ["soft"],
        "own": ["ro"],
    }


@pytest.mark.parametrize(("values", "known"), [(TWO, "fast, slow"), ({}, "default")])
def test_a_class_of_an_export_that_is_not_there_is_refused(values: Json, known: str) -> None:
    with pytest.raises(HelmError) as caught:
        render({**values, "storageClass": {"export": "third"}})

    assert "export of StorageClass nfs-client is third, which is not in exports" in str(
        caught.value
    )
    assert f"one of {known}" in str(caught.value)


def test_all_classes_name_the_provisioner_that_the_pods_are() -> None:
    values = {"storageClass": {"provisionerName": "me/too"}, "storageClasses": [{"name": "other"}]}

    assert {found["provisioner"] for found in classes(values).values()} == {"me/too"}


def test_a_class_may_have_one_of_the_other_names_that_the_pods_serve() -> None:
    """So volumes of several former installations keep the provisioner that can delete them."""
    values = {
        "storageClass": {"provisionerName": "me/too"},
        "settings": {"alsoKnownAs": ["former/one", "former/two"]},
        "storageClasses": [{"name": "a", "provisionerName": "former/two"}, {"name": "b"}],
    }

    assert {name: found["provisioner"] for name, found in classes(values).items()} == {
        "nfs-client": "me/too",
        "a": "former/two",
        "b": "me/too",
    }


def test_a_class_of_a_provisioner_that_the_pods_do_not_serve_is_refused() -> None:
    with pytest.raises(HelmError) as caught:
        render({"storageClasses": [{"name": "a", "provisionerName": "former/one"}]})

    assert (
        "provisionerName of StorageClass a is former/one, which is not in settings.alsoKnownAs: it "
        "must be one of holdfast.io/nfs"
    ) in str(caught.value)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"storageClasses": [{"name": "nfs-client"}]}, "two StorageClasses are called nfs-client"),
        ({"storageClasses": [{"name": "a"}, {"name": "a"}]}, "two StorageClasses are called a"),
        ({"staticVolumes": [STATIC, {**STATIC, "path": "/b"}]}, "two staticVolumes are called s"),
    ],
)
def test_two_of_one_name_are_refused_before_anything_is_installed(
    values: Json, sentence: str
) -> None:
    with pytest.raises(HelmError) as caught:
        render(values)

    assert f"{sentence}: give each its own name" in str(caught.value)


def test_a_class_that_is_not_made_has_no_name() -> None:
    values = {"storageClass": {"create": False}, "storageClasses": [{"name": "nfs-client"}]}

    assert set(classes(values)) == {"nfs-client"}


def test_static_volumes_have_their_own_path_and_outlive_the_release() -> None:
    modes = ["ReadWriteMany", "ReadWriteOnce"]
    given = {
        "name": "pv001",
        "path": "/data/volumes/v1",
        "server": "192.168.164.141",
        "capacity": "20Gi",
        "accessModes": modes,
        "labels": {"name": "pv001"},
    }
    [found] = [f for f in render({"staticVolumes": [given]}) if f["kind"] == "PersistentVolume"]

    assert found["spec"] == {
        "nfs": {"path": "/data/volumes/v1", "server": "192.168.164.141"},
        "accessModes": modes,
        "capacity": {"storage": "20Gi"},
        "persistentVolumeReclaimPolicy": "Retain",
        "storageClassName": "",
    }
    assert found["metadata"]["labels"]["name"] == "pv001"
    assert found["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}


def test_with_several_exports_a_static_volume_says_on_which_server_it_is() -> None:
    given = {"name": "pv001", "path": "/data", "capacity": "1Gi"}
    with pytest.raises(HelmError) as caught:
        render({**TWO, "staticVolumes": [given]})
    assert "static volume pv001 has no server: with exports, say" in str(caught.value)

    made = render({**TWO, "staticVolumes": [{**given, "server": "a"}]})

    [found] = [one for one in made if one["metadata"]["name"] == "pv001"]
    assert found["spec"]["nfs"] == {"server": "a", "path": "/data"}
    assert "mountOptions" not in found["spec"]
