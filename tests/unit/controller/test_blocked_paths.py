"""A volume that is reclaimed but not gone yet, and another one at its path.

The API server does not delete the first (an outage, or a policy that denies it). Its class is
replaced by one with `sharedPaths: "true"`, and a claim asks for the path.
"""

from __future__ import annotations

from contextlib import suppress

import pytest

from holdfast.controller.requeue import Requeue
from holdfast.exports.record import DirectoryTaken, State
from holdfast.kube import errors as kube
from tests.fake.apiserver import NO_ANSWER
from tests.unit.controller.given import a_volume, ref
from tests.unit.controller.site import Site

FAILED = "VolumeFailedDelete"
OTHER = ref("2", "other")


@pytest.fixture(params=["delete", "archive"])
def reclaimed(site: Site, request: pytest.FixtureRequest) -> Site:
    """Volume 1 is reclaimed and still exists; the class shares paths by now."""
    action = str(request.param)
    site.add_class(pathPattern="common", onDelete=action)
    site.serve_and_bind(ref("1"))
    (site.root / "common" / "file").write_text("first")
    site.release("1")
    site.server.fail("delete", NO_ANSWER)
    with pytest.raises(kube.ServerUnavailable):
        site.look_after("1")
    site.add_class(pathPattern="common", onDelete=action, sharedPaths="true")
    return site


@pytest.fixture
def taken(reclaimed: Site) -> Site:
    """Volume 2 has the path already, as by a version that did not wait."""
    reclaimed.made_on_export(OTHER, "common", shared=True)
    (reclaimed.root / "common" / "file").write_text("second")
    reclaimed.add_volume(a_volume(OTHER, "common"))
    return reclaimed


def state(site: Site, uid: str) -> State:
    found = site.record(uid)
    assert found is not None
    return found.state


def test_a_claim_for_a_shared_path_waits_until_the_volume_is_gone(reclaimed: Site) -> None:
    reclaimed.add_claim(OTHER)

    with pytest.raises(Requeue):
        reclaimed.serve(str(OTHER))
    assert reclaimed.only("ProvisioningFailed").message == (
        "directory 'common' is the directory of volume pvc-1, which is being reclaimed: Holdfast "
        "will retry; if this lasts, see the events of volume pvc-1"
    )

    reclaimed.look_after("1")
    reclaimed.view.volumes.apply("pvc-1", 10**6, None)
    reclaimed.serve(str(OTHER))
    assert reclaimed.volume("2") is not None


@pytest.mark.parametrize("order", ["12", "21"])
def test_neither_keeps_the_other_from_being_reclaimed(taken: Site, order: str) -> None:
    taken.release("2")

    for uid in order:
        taken.look_after(uid)

    assert (taken.volume("1"), taken.volume("2")) == (None, None)
    assert not (taken.root / "common").exists()


def test_the_one_that_is_reclaimed_is_deleted_whoever_has_its_path_now(taken: Site) -> None:
    before = state(taken, "1")

    taken.look_after("1")

    assert taken.volume("1") is None
    assert state(taken, "1") is before
    assert (taken.root / "common" / "file").read_text() == "second"


def test_the_second_is_not_reclaimed_while_pods_may_use_it_through_the_first(
    taken: Site,
) -> None:
    """A person has bound the first one again."""
    taken.bind("1")
    taken.release("2")

    with pytest.raises(Requeue):
        taken.look_after("2")

    assert taken.said(FAILED)[-1].message == (
        "directory 'common' is also that of volume pvc-1 of claim team/data, and no record says "
        "that they share it: its data is left alone until volume pvc-1 is gone; see the events of "
        "volume pvc-1"
    )
    assert (taken.root / "common" / "file").read_text() == "second"


def test_of_two_that_do_block_each_other_the_events_say_how_that_ends(site: Site) -> None:
    """nfs-subdir made the first, and it cannot be recorded, as the second has its directory."""
    site.add_class(pathPattern="${.PVC.namespace}/data")
    site.made_on_export(ref("2"), "team/data")
    (site.root / "team" / "data" / "file").write_text("data")
    site.add_volume(a_volume(ref("1"), annotated=False, phase="Released"))
    site.add_volume(a_volume(ref("2"), phase="Released"))
    for uid in "12":
        with pytest.raises(Requeue):
            site.look_after(uid)
    assert site.said(FAILED)[-1].message.endswith(
        "until volume pvc-1 is gone; if each of the two waits for the other, set the reclaim "
        "policy of both to Retain and delete both (the directory stays)"
    )

    for uid in "12":
        site.edit(uid, {"spec": {"persistentVolumeReclaimPolicy": "Retain"}})
        site.server.objects.delete(f"/api/v1/persistentvolumes/pvc-{uid}")
        site.see(uid)
        with suppress(DirectoryTaken):  # an event says so, and that it has no record
            site.look_after(uid)

    assert (site.volume("1"), site.volume("2")) == (None, None)
    assert (site.root / "team" / "data" / "file").exists()
