"""What always holds, where two clusters have an export in common."""

from __future__ import annotations

import dataclasses
import uuid

import pytest

from holdfast.claims import constants
from holdfast.claims.parameters import Action
from holdfast.exports.interface import DirectorySpec
from testbed.client import Json
from tests.cluster.objects import name_of
from tests.cluster.site import Site
from tests.support import eventually
from tests.unit.exports.given import ID, Leading, export_at, plan

UID = "77777777-7777-7777-7777-777777777777"
OTHER = "0d5c1b0e-aaaa-bbbb-cccc-1234567890ab"
PLACE = {"pathPattern": "${.PVC.name}"}


def plan_of_the_other_cluster(directory: str, namespace: str = "team") -> DirectorySpec:
    return plan(UID, directory, action=Action.ARCHIVE, policy="Retain", namespace=namespace)


def the_other_cluster(site: Site) -> Leading:
    """Its provisioner, which leads there, on the same export."""
    return export_at(site.root, cluster=OTHER)


def copied(site: Site, other: Leading, action: Action) -> Json:
    """A volume in use in the other cluster, copied here with `kubectl get -o yaml`."""
    uid = str(uuid.uuid4())
    other.create(plan(uid, "shelf", action=action))
    other.confirm(f"pvc-{uid}")
    (site.root / "shelf" / "file").write_text("theirs")
    annotations = {
        constants.PROVISIONED_BY: site.name,
        constants.DIRECTORY: "shelf",
        constants.ON_DELETE: action.value,
        constants.EXPORT: ID,
    }
    claim = {"namespace": "team", "name": f"data-{uid}", "uid": uid}
    return site.make_volume(f"pvc-{uid}", "/export/shelf", annotations=annotations, claimRef=claim)


@pytest.mark.parametrize("action", [Action.ARCHIVE, Action.DELETE])
def test_a_copied_volume_does_not_touch_the_other_clusters_directory(
    site: Site, action: Action
) -> None:
    """Its claim does not exist here: the control plane says Released at once."""
    other = the_other_cluster(site)
    site.serve()

    name = name_of(copied(site, other, action))

    assert "set its reclaim policy to Retain" in site.said(name, "VolumeFailedDelete", OTHER)
    before = other.find(name)
    site.patch_volume(name, {"spec": {"persistentVolumeReclaimPolicy": "Retain"}})
    site.delete_volume(name)
    eventually(lambda: site.find_volume(name) is None)
    assert (site.root / "shelf" / "file").read_text() == "theirs"
    assert before is not None
    assert before.in_place
    assert other.find(name) == before


def test_the_heir_reclaims_the_other_clusters_volumes_and_empties_their_trash(site: Site) -> None:
    other = the_other_cluster(site)
    heir = dataclasses.replace(site.settings().provisioner, takes_over=frozenset({OTHER}))
    name = name_of(copied(site, other, Action.DELETE))

    site.serve(provisioner=heir)

    eventually(lambda: site.find_volume(name) is None)
    eventually(lambda: other.find(name) is None, what="its trash is empty")
    assert site.tree() == set()


def test_a_directory_of_another_cluster_is_not_taken_up(site: Site) -> None:
    """Its volume is unknown here, which says nothing about whether pods there write to it."""
    other = the_other_cluster(site)
    other.create(plan_of_the_other_cluster("shelf"))
    other.confirm(f"pvc-{UID}")
    (site.root / "shelf" / "file").write_text("theirs")
    site.serve()

    claim = site.claim(site.make_class(parameters=PLACE), "shelf")

    assert "of another cluster" in site.refusal(claim, OTHER)
    assert site.volume_of(claim) is None
    assert (site.root / "shelf" / "file").read_text() == "theirs"


def test_it_is_taken_up_once_a_person_says_that_the_cluster_is_gone(site: Site) -> None:
    other = the_other_cluster(site)
    other.create(plan_of_the_other_cluster("shelf", site.namespace))
    other.confirm(f"pvc-{UID}")
    (site.root / "shelf" / "file").write_text("theirs")
    settings = site.settings()
    heir = dataclasses.replace(settings.provisioner, takes_over=frozenset({OTHER}))
    site.serve(provisioner=heir)

    volume = site.bound(site.claim(site.make_class(parameters=PLACE), "shelf"))

    assert (site.directory(volume) / "file").read_text() == "theirs"


def test_what_another_cluster_is_making_is_not_undone_here(site: Site) -> None:
    """Between its directory and its volume it looks just like what a crash leaves."""
    theirs = plan_of_the_other_cluster("shelf")
    the_other_cluster(site).create(theirs)

    running = site.serve()
    site.bound(site.claim(site.make_class()))

    assert (site.root / "shelf").is_dir()
    assert running.export.find(theirs.volume) is not None


def test_a_record_names_the_cluster(site: Site) -> None:
    site.serve()
    volume = site.bound(site.claim(site.make_class()))

    kube_system = site.plane.client.get("/api/v1/namespaces/kube-system")
    assert site.recorded(volume)["origin"] == kube_system["metadata"]["uid"]
