"""The contract of a provisioner: which claims get a volume, and what that volume is.

The cases are those by which sig-storage-lib-external-provisioner tests its controller.
"""

from __future__ import annotations

from holdfast.claims.constants import FINALIZER, PROVISIONED_BY, STORAGE_PROVISIONER
from holdfast.controller.permissions import NEEDED
from holdfast.kube.resources import VOLUMES
from tests.cluster.objects import annotations_of, finalizers_of, name_of, names_of
from tests.cluster.site import Site
from tests.support import eventually

MADE = "controller_persistentvolumeclaim_provision_total"
FAILED = "controller_persistentvolumeclaim_provision_failed_total"


def test_provision_for_claim_1_but_not_claim_2(site: Site) -> None:
    running = site.serve()
    theirs = site.claim(site.make_class("theirs", provisioner="example.com/other"), "claim-2")
    site.assigned(theirs)

    volume = site.bound(site.claim(site.make_class(), "claim-1"))

    running.settle()
    assert names_of(site.volumes()) == names_of([volume])
    assert running.metric(MADE) == 1
    assert site.events(theirs) == []


def test_the_volume_is_what_claim_and_class_say(site: Site) -> None:
    site.serve()
    storage_class = site.make_class(mountOptions=["nfsvers=4.2", "hard"])

    volume = site.bound(site.claim(storage_class))

    spec, claim = volume["spec"], site.get_claim("data")
    assert name_of(volume) == f"pvc-{claim['metadata']['uid']}"
    assert annotations_of(volume)[PROVISIONED_BY] == site.name
    assert spec["claimRef"]["uid"] == claim["metadata"]["uid"]
    assert spec["storageClassName"] == storage_class
    assert spec["capacity"] == {"storage": "1Mi"}
    assert spec["mountOptions"] == ["nfsvers=4.2", "hard"]
    assert spec["nfs"] == {
        "server": site.address.server,
        "path": f"/export/{site.namespace}-data-{volume['metadata']['name']}",
    }
    assert site.directory(volume).is_dir()


def test_a_claim_is_told_of_its_success(site: Site) -> None:
    site.serve()

    volume = site.bound(site.claim(site.make_class()))

    site.said("data", "ProvisioningSucceeded", name_of(volume))


def test_don_t_provision_volume_already_exists(site: Site) -> None:
    """A volume of the name that ours would have stays as it is; the claim is told."""
    claim = site.claim(site.make_class())
    taken = f"pvc-{site.assigned(claim)}"
    before = site.make_volume(taken, "/elsewhere", persistentVolumeReclaimPolicy="Retain")

    running = site.serve()

    assert taken in site.refusal(claim, "exists")
    assert site.get_volume(taken)["spec"] == before["spec"]
    assert running.metric(FAILED) >= 1
    eventually(lambda: site.tree() == set(), what="the directory made for it is undone")


def test_a_volume_made_by_an_attempt_that_was_cut_short_is_not_made_again(site: Site) -> None:
    first = site.serve()
    volume = site.bound(site.claim(site.make_class()))
    first.stop()

    second = site.serve()
    second.settle()

    assert names_of(site.volumes()) == names_of([volume])
    assert second.metric(MADE) == 0


def test_provisioner_does_not_support_raw_block(site: Site) -> None:
    running = site.serve()

    claim = site.claim(site.make_class(), volumeMode="Block")

    site.refusal(claim, "volumeMode")
    assert site.volume_of(claim) is None
    assert running.metric(FAILED) >= 1


def test_storage_class_provisioner_name_distinct_from_controller_name(site: Site) -> None:
    """A class may give any name that the provisioner answers to; its volumes carry that name."""
    other = f"{site.namespace}.example.com/former"
    site.serve(also=[other])

    volume = site.bound(site.claim(site.make_class(provisioner=other)))

    assert annotations_of(volume)[PROVISIONED_BY] == other
    site.delete_claim("data")
    site.gone(volume)


def test_already_bound_claim(site: Site) -> None:
    running = site.serve()
    site.make_volume("pvc-by-hand", "/elsewhere", storageClassName=site.make_class())

    volume = site.bound(site.claim(f"{site.namespace}-nfs", volumeName="pvc-by-hand"))

    running.settle()
    assert name_of(volume) == "pvc-by-hand"
    assert len(site.volumes()) == 1
    assert running.metric(MADE) == 0


def test_class_doesn_t_exist(site: Site) -> None:
    """The claim is told, and served as soon as there is a class of that name."""
    storage_class = site.make_class()
    claim = site.claim(storage_class)
    site.assigned(claim)
    site.delete_class(storage_class)
    running = site.serve()

    site.refusal(claim, f"StorageClass '{storage_class}' does not exist")
    assert site.volume_of(claim) is None
    assert running.metric(FAILED) >= 1

    site.make_class()
    site.bound(claim)


def test_provisioner_fails_to_provision_a_volume(site: Site) -> None:
    """A file where a directory is to be made: no volume, and one once it is out of the way."""
    storage_class = site.make_class(
        parameters={"pathPattern": "shelf/${.PVC.namespace}/${.PVC.name}"}
    )
    (site.root / "shelf").write_text("not a directory")
    running = site.serve()

    claim = site.claim(storage_class)

    site.refusal(claim, "'shelf' is a symlink or a file")
    assert site.volume_of(claim) is None
    assert running.metric(FAILED) >= 1
    assert (site.root / "shelf").read_text() == "not a directory"
    (site.root / "shelf").unlink()
    site.bound(claim)


def test_provisioner_fails_to_save_the_pv_object(site: Site) -> None:
    """The directory that was made for it is undone; once volumes may be made, it is served."""
    may = NEEDED | {VOLUMES: ("get", "list", "watch", "patch", "delete")}
    kubeconfig = site.kubeconfig_with(may)
    running = site.serve(kubeconfig=kubeconfig)

    claim = site.claim(site.make_class())

    site.refusal(claim, "cannot create resource")
    assert site.volume_of(claim) is None
    assert running.metric(FAILED) >= 1
    eventually(lambda: site.tree() == set(), what="the directory made for it is undone")


def test_pv_save_backoff_provision_is_tried_again_until_the_pv_is_saved(site: Site) -> None:
    may = NEEDED | {VOLUMES: ("get", "list", "watch", "patch", "delete")}
    user = f"saver-{site.namespace}"
    site.grant(user, may)
    site.serve(kubeconfig=str(site.plane.kubeconfig_for(user)))
    claim = site.claim(site.make_class())
    site.refusal(claim, "cannot create resource")

    site.grant(user, {VOLUMES: ("create",)})

    assert site.directory(site.bound(claim)).is_dir()


def test_don_t_provision_because_it_is_ignored(site: Site) -> None:
    """A claim whose class has become another provisioner's: no volume, no event."""
    storage_class = site.make_class()
    claim = site.claim(storage_class)
    site.assigned(claim)
    site.delete_class(storage_class)
    site.make_class(provisioner="example.com/other")

    running = site.serve()
    running.settle()

    assert site.volume_of(claim) is None
    assert site.events(claim) == []


def test_provision_for_claim_1_but_not_ignored_claim_2(site: Site) -> None:
    ignored = site.make_class("ignored")
    second = site.claim(ignored, "claim-2")
    site.assigned(second)
    site.delete_class(ignored)
    site.make_class("ignored", provisioner="example.com/other")
    running = site.serve()

    volume = site.bound(site.claim(site.make_class(), "claim-1"))

    running.settle()
    assert names_of(site.volumes()) == names_of([volume])
    assert running.metric(MADE) == 1


def test_provision_with_retain_reclaim_policy(site: Site) -> None:
    site.serve()

    volume = site.bound(site.claim(site.make_class(reclaim="Retain")))

    assert volume["spec"]["persistentVolumeReclaimPolicy"] == "Retain"


def test_provision_with_finalizer(site: Site) -> None:
    site.serve()

    assert FINALIZER in finalizers_of(site.bound(site.claim(site.make_class())))


def test_provision_without_finalizer_where_it_is_switched_off(site: Site) -> None:
    running = site.serve(finalizer=False)

    volume = site.bound(site.claim(site.make_class()))

    running.settle()
    assert FINALIZER not in finalizers_of(site.get_volume(name_of(volume)))


def test_allowed_topologies_are_refused(site: Site) -> None:
    """An export is the same from every node: a restriction would be ignored, so it is refused."""
    zone = {"matchLabelExpressions": [{"key": "zone", "values": ["a"]}]}
    site.serve()

    claim = site.claim(site.make_class(allowedTopologies=[zone]))

    site.refusal(claim, "allowedTopologies")
    assert site.volume_of(claim) is None


def test_provision_and_delete_work_from_what_is_known_before_the_first_event(site: Site) -> None:
    """What was made while no provisioner ran is served and reclaimed from the first lists."""
    first = site.serve()
    volume = site.bound(site.claim(site.make_class(), "deleted"))
    first.stop()
    site.delete_claim("deleted")
    site.released(volume)
    site.assigned(site.claim(f"{site.namespace}-nfs", "made"))

    site.serve()

    site.bound("made")
    site.gone(volume)


class TestInfeasible:
    """A refusal that only a change can cure is not repeated until that change; errors are."""

    def test_an_infeasible_claim_is_told_once(self, site: Site) -> None:
        running = site.serve()
        storage_class = site.make_class(parameters={"onDelet": "delete"})
        running.settle()  # a claim that is seen before its class is told of that first
        claim = site.claim(storage_class)
        site.refusal(claim, "onDelet")

        running.settle()

        assert not running.manager.exports["default"].view.claim_queue._later
        assert len({event["message"] for event in site.events(claim)}) == 1

    def test_an_infeasible_claim_is_served_once_its_class_is_another(self, site: Site) -> None:
        site.serve()
        storage_class = site.make_class(parameters={"onDelet": "delete"})
        claim = site.claim(storage_class)
        site.refusal(claim, "onDelet")

        site.delete_class(storage_class)
        site.make_class(parameters={"onDelete": "delete"})

        site.bound(claim)

    def test_an_infeasible_claim_is_served_once_it_is_changed(self, site: Site) -> None:
        site.serve()
        claim = site.claim(
            site.make_class(parameters={"pathPattern": "${.PVC.annotations.place}"}),
            annotations={"place": "../out"},
        )
        site.refusal(claim, "'..'")

        site.patch_claim(claim, {"metadata": {"annotations": {"place": "in"}}})

        assert site.directory(site.bound(claim)) == site.root / "in"

    def test_an_ordinary_error_is_tried_again(self, site: Site) -> None:
        running = site.serve()
        (site.root / "shelf").touch()
        pattern = {"pathPattern": "shelf/${.PVC.name}"}

        claim = site.claim(site.make_class(parameters=pattern))

        site.refusal(claim, "shelf")
        eventually(lambda: running.metric(FAILED) >= 2)


def test_claims_are_taken_by_the_annotation_of_older_clusters_too(site: Site) -> None:
    """Of the two annotations that name the provisioner, either is enough."""
    claim = site.claim(site.make_class())
    site.assigned(claim)
    site.patch_claim(claim, {"metadata": {"annotations": {STORAGE_PROVISIONER[0]: None}}})

    running = site.serve()

    site.bound(claim)
    eventually(lambda: running.metric(MADE) == 1)
