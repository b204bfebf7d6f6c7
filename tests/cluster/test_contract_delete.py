"""The contract of a provisioner: which volumes are reclaimed, and when.

The cases are those by which sig-storage-lib-external-provisioner tests its controller.
"""

from __future__ import annotations

from holdfast.claims.constants import FINALIZER, MIGRATED_TO, PROVISIONED_BY
from holdfast.controller.permissions import NEEDED
from holdfast.kube.resources import VOLUMES
from testbed.client import Json
from tests.cluster.objects import finalizers_of, name_of, phase_of
from tests.cluster.site import Site
from tests.support import eventually

DELETED = "controller_persistentvolume_delete_total"
FAILED = "controller_persistentvolume_delete_failed_total"
DELETE = {"onDelete": "delete"}


def with_finalizer(site: Site, volume: Json) -> Json | None:
    """The volume once it has our finalizer."""
    now = site.get_volume(name_of(volume))
    return now if FINALIZER in finalizers_of(now) else None


def without_finalizer(site: Site, volume: Json) -> Json | None:
    """The volume once it does not have our finalizer."""
    now = site.get_volume(name_of(volume))
    return now if FINALIZER not in finalizers_of(now) else None


def test_delete_volume_1_but_not_volume_2(site: Site) -> None:
    running = site.serve()
    volume = site.bound(site.claim(site.make_class(parameters=DELETE)))
    theirs = site.make_volume(
        "pvc-of-another",
        "/export/of-another",
        annotations={PROVISIONED_BY: "example.com/other"},
        claimRef=volume["spec"]["claimRef"] | {"uid": "00000000-0000-0000-0000-000000000000"},
    )
    directory = site.directory(volume)
    site.released(theirs)

    site.delete_claim("data")

    site.gone(volume)
    running.settle()
    assert phase_of(site.get_volume("pvc-of-another")) == "Released"
    assert not directory.exists()
    assert running.metric(DELETED) == 1


def test_don_t_delete_volume_1_because_it_is_still_bound(site: Site) -> None:
    """Also where somebody deletes the volume first: it and its data stay for the claim."""
    running = site.serve()
    volume = site.bound(site.claim(site.make_class(parameters=DELETE)))

    site.delete_volume(name_of(volume))
    running.settle()

    assert phase_of(site.get_volume(name_of(volume))) == "Bound"
    assert site.directory(volume).is_dir()


def test_don_t_delete_volume_1_because_its_reclaim_policy_is_not_delete(site: Site) -> None:
    running = site.serve()
    volume = site.bound(site.claim(site.make_class(reclaim="Retain", parameters=DELETE)))

    site.delete_claim("data")
    site.released(volume)
    running.settle()

    assert site.find_volume(name_of(volume))
    assert site.directory(volume).is_dir()


def test_provisioner_fails_to_delete_volume(site: Site) -> None:
    """A link where the directory was: volume and link stay, and the volume is told."""
    running = site.serve()
    volume = site.bound(site.claim(site.make_class(parameters=DELETE)))
    directory = site.directory(volume)
    others = site.root.parent / "others"
    others.mkdir()
    (others / "file").touch()
    site.recorded(volume)
    directory.rmdir()
    directory.symlink_to(others)

    site.delete_claim("data")

    site.said(name_of(volume), "VolumeFailedDelete", "symlink")
    assert phase_of(site.get_volume(name_of(volume))) == "Released"
    assert FINALIZER in finalizers_of(site.get_volume(name_of(volume)))
    assert running.metric(FAILED) >= 1
    assert (others / "file").exists()


def test_provisioner_fails_to_delete_the_pv_object(site: Site) -> None:
    """The volume stays and is told; once volumes may be deleted, it goes."""
    user = f"keeper-{site.namespace}"
    site.grant(user, NEEDED | {VOLUMES: ("get", "list", "watch", "create", "patch")})
    running = site.serve(kubeconfig=str(site.plane.kubeconfig_for(user)))
    volume = site.bound(site.claim(site.make_class(parameters=DELETE)))
    directory = site.directory(volume)

    site.delete_claim("data")

    site.said(name_of(volume), "VolumeFailedDelete", "cannot delete resource")
    assert FINALIZER in finalizers_of(site.get_volume(name_of(volume)))
    assert running.metric(FAILED) >= 1
    site.grant(user, {VOLUMES: ("delete",)})
    site.gone(volume)
    assert not directory.exists()


def test_finalizer_and_released_is_deleted(site: Site) -> None:
    site.serve()
    volume = site.bound(site.claim(site.make_class(parameters=DELETE)))
    assert FINALIZER in finalizers_of(volume)

    site.delete_claim("data")

    site.gone(volume)
    assert site.tree() == set()


def test_a_volume_deleted_before_its_claim_is_reclaimed_with_the_claim(site: Site) -> None:
    """Our finalizer holds the volume until its directory is dealt with."""
    running = site.serve()
    volume = site.bound(site.claim(site.make_class(parameters=DELETE)))
    eventually(lambda: with_finalizer(site, volume))
    site.delete_volume(name_of(volume))
    running.settle()

    site.delete_claim("data")

    site.gone(volume)
    assert site.tree() == set()


def test_the_directory_of_a_volume_without_finalizer_is_left_alone_once_it_is_deleted(
    site: Site,
) -> None:
    """Without it, the API server forgets the volume: nobody can say what was to become of it."""
    running = site.serve(finalizer=False)
    volume = site.bound(site.claim(site.make_class(parameters=DELETE)))
    site.delete_volume(name_of(volume))

    site.delete_claim("data")

    site.gone(volume)
    running.settle()
    assert site.directory(volume).is_dir()


def test_a_finalizer_is_added_to_a_volume_made_without(site: Site) -> None:
    first = site.serve(finalizer=False)
    volume = site.bound(site.claim(site.make_class()))
    first.stop()

    site.serve()

    eventually(lambda: with_finalizer(site, volume))


def test_add_finalizer_false_removes_the_finalizer(site: Site) -> None:
    first = site.serve()
    volume = site.bound(site.claim(site.make_class()))
    first.stop()

    site.serve(finalizer=False)

    left = eventually(lambda: without_finalizer(site, volume))
    assert finalizers_of(left) == ["kubernetes.io/pv-protection"]


def test_reclaim_policy_retain_removes_the_finalizer(site: Site) -> None:
    site.serve()
    volume = site.bound(site.claim(site.make_class()))

    site.patch_volume(name_of(volume), {"spec": {"persistentVolumeReclaimPolicy": "Retain"}})

    eventually(lambda: without_finalizer(site, volume))


def test_reclaim_policy_recycle_removes_the_finalizer(site: Site) -> None:
    site.serve()
    volume = site.bound(site.claim(site.make_class()))

    site.patch_volume(name_of(volume), {"spec": {"persistentVolumeReclaimPolicy": "Recycle"}})

    eventually(lambda: without_finalizer(site, volume))


def test_no_finalizer_is_added_to_a_volume_under_deletion(site: Site) -> None:
    first = site.serve(finalizer=False)
    volume = site.bound(site.claim(site.make_class()))
    first.stop()
    site.delete_volume(name_of(volume))

    second = site.serve()
    second.settle()

    now = site.get_volume(name_of(volume))
    assert "deletionTimestamp" in now["metadata"]
    assert FINALIZER not in finalizers_of(now)
    assert site.directory(volume).is_dir()


def test_static_migrated_in_tree_volume_is_given_the_finalizer_once_it_is_bound(
    site: Site,
) -> None:
    site.serve()
    storage_class = f"{site.namespace}-by-hand"
    volume = site.make_volume(
        "migrated-" + site.namespace, "/elsewhere", annotations={MIGRATED_TO: site.name}
    )

    site.claim(storage_class)

    eventually(lambda: with_finalizer(site, volume))


def test_static_csi_volume_is_given_the_finalizer_once_it_is_bound(site: Site) -> None:
    site.serve()
    driver = f"{site.namespace}.example.com"
    site.serve(also=[driver])
    volume = site.make_volume(
        "csi-" + site.namespace,
        "",
        nfs=None,
        csi={"driver": driver, "volumeHandle": "handle"},
    )

    site.claim(f"{site.namespace}-by-hand")

    eventually(lambda: with_finalizer(site, volume))


def test_static_in_tree_volume_is_never_ours(site: Site) -> None:
    """A volume that a person made keeps its finalizers, and its directory when it is released."""
    running = site.serve()
    (site.root / "by-hand").mkdir()
    volume = site.make_volume("static-" + site.namespace, "/export/by-hand")
    site.bound(site.claim(f"{site.namespace}-by-hand"))

    site.delete_claim("data")

    eventually(lambda: phase_of(site.get_volume(name_of(volume))) in {"Released", "Failed"})
    running.settle()
    assert finalizers_of(site.get_volume(name_of(volume))) == ["kubernetes.io/pv-protection"]
    assert (site.root / "by-hand").is_dir()
