"""Our finalizer on volumes: others' are never lost, and what fails is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from holdfast.claims.constants import EXPORT, FINALIZER
from holdfast.claims.decide import Provisioner
from holdfast.controller.requeue import LeadershipLost, Requeue
from holdfast.kube import errors as kube
from tests.fake.apiserver import NO_ANSWER, Fault, Request
from tests.unit.controller.given import ID, NAME, a_volume, ref
from tests.unit.controller.site import Site

ANOTHERS = "kubernetes.io/pv-protection"


def finalizers(site: Site) -> list[str]:
    volume = site.volume()
    assert volume is not None
    return list(volume["metadata"].get("finalizers") or [])


def add_anothers(site: Site) -> None:
    """Has another controller add its finalizer before the next patch is looked at."""

    def add(request: Request) -> None:
        both = [*finalizers(site), ANOTHERS]
        site.server.objects.patch(request.path, {"metadata": {"finalizers": both}})

    site.server.meanwhile("patch", add)


def patches(site: Site) -> list[Request]:
    return [request for request in site.server.requests if request.verb == "patch"]


@pytest.mark.parametrize("theirs", [(), (ANOTHERS,)])
def test_a_bound_volume_gets_it_and_keeps_others(site: Site, theirs: tuple[str, ...]) -> None:
    site.made_on_export(ref())
    site.add_volume(a_volume(ref(), finalizers=theirs))

    site.look_after()

    assert finalizers(site) == [*theirs, FINALIZER]


def test_it_is_taken_off_a_volume_that_is_to_be_retained(site: Site) -> None:
    site.made_on_export(ref())
    site.add_volume(a_volume(ref(), policy="Retain", finalizers=(ANOTHERS, FINALIZER)))

    site.look_after()

    assert finalizers(site) == [ANOTHERS]


def test_it_is_taken_off_where_finalizers_are_switched_off(site: Site) -> None:
    site.set_up(replace(site.context, provisioner=Provisioner(NAME, finalizer=False)))
    site.made_on_export(ref())
    site.add_volume(a_volume(ref()))

    site.look_after()

    assert finalizers(site) == []


def test_a_released_volume_that_still_has_it_is_reclaimed_in_one_turn_though_it_is_switched_off(
    site: Site,
) -> None:
    """It was taken off first, and the delete at the version before that was a conflict."""
    site.set_up(replace(site.context, provisioner=Provisioner(NAME, finalizer=False)))
    site.made_on_export(ref())
    site.add_volume(a_volume(ref(), phase="Released"))

    site.look_after()

    assert site.volume() is None
    assert len(patches(site)) == 1
    assert not (site.root / "team" / "data").exists()


def test_one_that_has_it_is_not_written_to(site: Site) -> None:
    site.made_on_export(ref())
    site.add_volume(a_volume(ref()))

    site.look_after()

    assert patches(site) == []


def test_adding_it_does_not_lose_one_that_was_added_in_between(site: Site) -> None:
    """A merge patch writes the whole list: it carries the version that the list was read at."""
    site.made_on_export(ref())
    site.add_volume(a_volume(ref(), finalizers=()))
    version = site.volume()["metadata"]["resourceVersion"]  # type: ignore[index]
    add_anothers(site)

    with pytest.raises(Requeue):
        site.look_after()

    [patch] = patches(site)
    assert patch.body["metadata"]["resourceVersion"] == version
    assert finalizers(site) == [ANOTHERS]

    site.see()
    site.look_after()
    assert finalizers(site) == [ANOTHERS, FINALIZER]


def test_taking_it_off_at_the_end_does_not_lose_one_that_was_added_in_between(site: Site) -> None:
    site.made_on_export(ref())
    site.add_volume(a_volume(ref(), phase="Released"))
    add_anothers(site)

    site.look_after()

    first, second = patches(site)
    assert finalizers(site) == [ANOTHERS]
    assert first.body["metadata"]["finalizers"] == []
    assert second.body["metadata"]["finalizers"] == [ANOTHERS]
    assert int(second.body["metadata"]["resourceVersion"]) > int(
        first.body["metadata"]["resourceVersion"]
    )


def test_one_that_others_change_all_the_time_is_tried_again_later(site: Site) -> None:
    site.made_on_export(ref())
    site.add_volume(a_volume(ref(), phase="Released"))
    site.server.fail("patch", Fault(409, "Conflict"), times=5)

    with pytest.raises(Requeue):
        site.look_after()
    assert finalizers(site) == [FINALIZER]

    site.see()
    site.look_after()
    assert site.volume() is None


@pytest.mark.parametrize("fault", [Fault(403, "Forbidden"), Fault(422, "Invalid")])
def test_a_refusal_is_an_event_a_metric_and_tried_again(site: Site, fault: Fault) -> None:
    """Issue 12, no 10: it vanished."""
    site.made_on_export(ref())
    site.add_volume(a_volume(ref(), finalizers=()))
    site.server.fail("patch", fault)

    with pytest.raises(Requeue):
        site.look_after()

    said = site.only("VolumeFinalizerFailed")
    assert (said.kind, said.name, said.type) == ("PersistentVolume", "pvc-1", "Warning")
    assert said.message == f"fault {fault.code}"
    assert site.metric("holdfast_finalizer_update_failed_total") == 1


def test_an_api_server_that_is_away_is_no_fault_of_the_volume(site: Site) -> None:
    site.made_on_export(ref())
    site.add_volume(a_volume(ref(), finalizers=()))
    site.server.fail("patch", NO_ANSWER)

    with pytest.raises(kube.ServerUnavailable):
        site.look_after()

    assert site.said() == []
    assert site.metric("holdfast_finalizer_update_failed_total") == 0


def test_a_volume_that_is_gone_by_now_needs_none(site: Site) -> None:
    site.made_on_export(ref())
    site.add_volume(a_volume(ref(), finalizers=()))
    site.server.objects.delete("/api/v1/persistentvolumes/pvc-1")

    site.look_after()

    assert site.said() == []


def test_one_that_does_not_lead_writes_nothing(site: Site) -> None:
    site.made_on_export(ref())
    site.add_volume(a_volume(ref()))
    site.look_after()  # looks for its directory, as it has not seen the volume before
    site.edit("1", {"metadata": {"finalizers": []}})
    site.leads = False

    with pytest.raises(LeadershipLost):
        site.look_after()

    assert patches(site) == []


def test_a_volume_of_another_provisioner_is_left_alone(site: Site) -> None:
    others = a_volume(ref(), finalizers=(), phase="Released")
    others["metadata"]["annotations"]["pv.kubernetes.io/provisioned-by"] = "others"
    site.add_volume(others)

    site.look_after()

    assert site.server.requests == []


class TestWithoutTheRightToPatchVolumes:
    """Permissions of nfs-subdir: a finalizer could never be taken off."""

    @pytest.fixture(autouse=True)
    def refuse(self, site: Site) -> None:
        site.may_patch_volumes = False
        site.server.lasting["patch"] = Fault(403, "Forbidden")

    def test_a_volume_that_is_made_gets_none(self, site: Site) -> None:
        site.add_claim(ref())

        site.serve()

        assert finalizers(site) == []

    @pytest.mark.parametrize("policy", ["Delete", "Retain"])
    @pytest.mark.parametrize("held", [(), (FINALIZER,)])
    def test_those_of_a_volume_stay_as_they_are(
        self, site: Site, policy: str, held: tuple[str, ...]
    ) -> None:
        site.made_on_export(ref())
        site.add_volume(a_volume(ref(), policy=policy, finalizers=held))

        site.look_after()

        assert finalizers(site) == list(held)
        assert (patches(site), site.said()) == ([], [])

    def test_a_volume_is_reclaimed(self, site: Site) -> None:
        site.serve_and_bind(ref())
        site.release()

        site.look_after()

        volume = site.volume()
        assert volume is None or "deletionTimestamp" in volume["metadata"]
        assert site.said("VolumeFailedDelete") == []
        assert not (site.root / "team" / "data").exists()

    def test_a_volume_that_names_no_export_is_not_written_to(self, site: Site) -> None:
        site.made_on_export(ref())
        site.add_volume(a_volume(ref(), export_id=""))

        site.look_after()

        assert (patches(site), site.said()) == ([], [])

    @pytest.mark.parametrize(("export_id", "held"), [(ID, ()), ("", (FINALIZER,))])
    def test_once_it_is_granted_volumes_get_what_they_lack(
        self, site: Site, export_id: str, held: tuple[str, ...]
    ) -> None:
        site.made_on_export(ref())
        site.add_volume(a_volume(ref(), export_id=export_id, finalizers=held))
        site.look_after()
        del site.server.lasting["patch"]
        site.may_patch_volumes = True

        site.volumes_controller.resync()

        assert "pvc-1" in site.queued()[1]
        site.look_after()
        assert finalizers(site) == [FINALIZER]
        volume = site.volume()
        assert volume is not None
        assert volume["metadata"]["annotations"][EXPORT] == ID
