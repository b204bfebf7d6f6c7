"""`holdfast uninstall`: afterwards nfs-subdir-external-provisioner can delete volumes again.

It deletes a volume's directory first, and then the volume, of which nothing may hold it back.
"""

from __future__ import annotations

import json

import pytest

from holdfast.claims.constants import FINALIZER, PROVISIONED_BY
from testbed.client import Json
from tests.cluster.objects import finalizers_of, name_of
from tests.cluster.running import Running
from tests.cluster.site import Site
from tests.cluster.typed import Typed, holdfast, variables_of
from tests.support import eventually


def uninstall(site: Site, *options: str) -> Typed:
    typed = holdfast("uninstall", *options, variables=variables_of(site))
    assert "Traceback" not in typed.err
    return typed


def has_finalizer(site: Site, volume: Json) -> bool:
    return FINALIZER in finalizers_of(site.get_volume(name_of(volume)))


@pytest.fixture
def running(site: Site) -> Running:
    return site.serve(leader_election=True)


@pytest.fixture
def volumes(site: Site, running: Running) -> list[Json]:
    """Two that are bound, of a provisioner that works."""
    assert running
    storage_class = site.make_class(parameters={"onDelete": "delete"})
    made = [site.bound(site.claim(storage_class, name)) for name in ("one", "two")]
    assert all(has_finalizer(site, volume) for volume in made)
    return made


def test_while_a_provisioner_leads_it_refuses(site: Site, volumes: list[Json]) -> None:
    refused = uninstall(site, "--yes")

    assert refused.code == 1
    assert f"Lease {site.namespace}/{site.name.replace('/', '-')} is held by" in refused.complaint
    assert all(has_finalizer(site, volume) for volume in volumes)


def test_it_refuses_for_a_name_that_the_provisioner_serves_as_another(site: Site) -> None:
    """Whoever switched several installations may run it once for each former name."""
    other = f"former.{site.name}"
    site.serve(leader_election=True, also=[other])
    volume = site.bound(site.claim(site.make_class(provisioner=other)))

    typed = holdfast(
        "uninstall", "--yes", variables=variables_of(site) | {"PROVISIONER_NAME": other}
    )

    assert typed.code == 1
    assert "a running Holdfast would set the finalizer again" in typed.complaint
    assert has_finalizer(site, volume)


def test_once_it_has_ended_volumes_can_be_deleted_by_another(
    site: Site, running: Running, volumes: list[Json]
) -> None:
    running.stop()
    assert "no terminal to ask for confirmation: add --yes" in uninstall(site).complaint
    planned = json.loads(uninstall(site, "--dry-run", "-o", "json").out)
    assert [row["finalizer"] for row in planned] == ["present", "present"]
    assert all(has_finalizer(site, volume) for volume in volumes)

    assert uninstall(site, "--yes").code == 0

    assert not any(has_finalizer(site, volume) for volume in volumes)
    assert "there is nothing to do" in uninstall(site, "--yes").out
    site.delete_claim("one")
    site.released(volumes[0])
    site.delete_volume(name_of(volumes[0]))
    site.gone(volumes[0])


def test_a_provisioner_that_comes_back_sets_it_again(
    site: Site, running: Running, volumes: list[Json]
) -> None:
    running.stop()
    assert uninstall(site, "--yes").code == 0

    site.serve(leader_election=True)

    eventually(lambda: all(has_finalizer(site, volume) for volume in volumes))


def test_a_path_that_nfs_subdir_used_again_is_served_by_the_one_that_comes_back(
    site: Site,
) -> None:
    """Its volume was never recorded, and `exports accept` gave its directory to the gone one."""
    by_name = {"pathPattern": "${.PVC.namespace}/${.PVC.name}", "onDelete": "delete"}
    storage_class = site.make_class(parameters=by_name)
    running = site.serve(leader_election=True)
    first = site.bound(site.claim(storage_class))
    running.stop()
    assert uninstall(site, "--yes").code == 0
    deleted_by_nfs_subdir(site, first)
    again = made_by_nfs_subdir(site, storage_class)

    checked = holdfast("check", variables=variables_of(site))
    assert "ok    the directories are the ones in their records" in checked.out
    accepted = holdfast("exports", "accept", "--yes", variables=variables_of(site))
    assert "there is nothing to do" in accepted.out
    site.serve(leader_election=True)

    eventually(lambda: has_finalizer(site, again))
    site.delete_claim("data")
    site.gone(again)
    eventually(lambda: site.tree() == set())
    assert not list((site.root / ".holdfast/volumes").iterdir())


def deleted_by_nfs_subdir(site: Site, volume: Json) -> None:
    """The claim and, as with `onDelete: delete`, first the directory and then the volume."""
    site.delete_claim("data")
    site.released(volume)
    site.directory(volume).rename(site.root / "removed")
    site.delete_volume(name_of(volume))
    site.gone(volume)


def made_by_nfs_subdir(site: Site, storage_class: str) -> Json:
    """The volume of a claim of the same name, in a directory that is not the former one."""
    uid = site.assigned(site.claim(storage_class))
    place = f"{site.namespace}/data"
    (site.root / place).mkdir(parents=True)
    (site.root / place / "file").write_text("a tenant's")
    (site.root / "removed").rmdir()
    site.make_volume(
        f"pvc-{uid}",
        f"/export/{place}",
        annotations={PROVISIONED_BY: site.name},
        storageClassName=storage_class,
        claimRef={"namespace": site.namespace, "name": "data", "uid": uid},
    )
    return site.bound("data")


@pytest.mark.usefixtures("volumes")
def test_a_mistyped_name_is_an_error_that_names_the_volumes_provisioner(site: Site) -> None:
    variables = variables_of(site) | {"PROVISIONER_NAME": "typo.example.com/nfs"}

    typed = holdfast("uninstall", "--yes", variables=variables)

    assert typed.code == 1
    assert "no volume names provisioner 'typo.example.com/nfs'" in typed.complaint
    assert site.name in typed.complaint
