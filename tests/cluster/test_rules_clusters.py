"""What always holds, where two clusters have an export in common."""

from __future__ import annotations

import dataclasses
import json

from holdfast.claims.parameters import Action
from holdfast.exports.interface import Wanted
from tests.cluster.objects import name_of
from tests.cluster.site import Site
from tests.support import eventually
from tests.unit.exports.given import Leading, export_at, plan

UID = "77777777-7777-7777-7777-777777777777"
OTHER = "0d5c1b0e-aaaa-bbbb-cccc-1234567890ab"
PLACE = {"pathPattern": "${.PVC.name}"}


def plan_of_the_other_cluster(directory: str, namespace: str = "team") -> Wanted:
    return plan(UID, directory, action=Action.ARCHIVE, policy="Retain", namespace=namespace)


def the_other_cluster(site: Site) -> Leading:
    """Its provisioner, which leads there, on the same export."""
    return export_at(site.root, cluster=OTHER)


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

    path = site.root / ".holdfast" / "volumes" / name_of(volume)
    eventually(path.exists)  # it is confirmed after the API server knows the volume
    record = json.loads(path.read_text())
    kube_system = site.plane.client.get("/api/v1/namespaces/kube-system")
    assert record["origin"] == kube_system["metadata"]["uid"]
