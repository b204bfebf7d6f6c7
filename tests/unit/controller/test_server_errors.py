"""The API server fails on one object: an admission webhook is down, or asks for patience.

It is that object's error, told in an event, and what the request did is not known: the object may
have been made after all.
"""

from __future__ import annotations

import pytest

from holdfast.claims.constants import EXPORT, FINALIZER
from holdfast.controller.requeue import AFFECTS_ALL_VOLUMES, MAY_BE_API_OUTAGE, UNKNOWN
from holdfast.exports.record import State
from holdfast.kube import errors as kube
from holdfast.kube.resources import VOLUMES
from tests.fake.apiserver import Fault, Request
from tests.unit.controller.given import a_volume, directory_spec, ref
from tests.unit.controller.site import Site

FAULTS = [
    Fault(500, "InternalError"),
    Fault(502, raw=b"<html>"),
    Fault(503, "ServiceUnavailable"),
    Fault(504, "Timeout"),
    Fault(429, "TooManyRequests", headers={"Retry-After": "1"}),
    Fault(429, "TooManyRequests"),
]
FAILED = pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: str(fault.code))
PATH = VOLUMES.path(name="pvc-1")


def carry_out(site: Site) -> None:
    """The next volume is made, whatever is answered then."""

    def make(request: Request) -> None:
        site.server.objects.create(request.path, request.body)

    site.server.meanwhile("create", make)


@pytest.mark.parametrize("error", MAY_BE_API_OUTAGE)
def test_its_end_is_unknown_and_concerns_nobody_else(error: type[kube.KubeError]) -> None:
    assert issubclass(error, UNKNOWN)
    assert not issubclass(error, AFFECTS_ALL_VOLUMES)


class TestClaim:
    @FAILED
    def test_it_is_told_and_its_attempt_stays_in_progress(self, site: Site, fault: Fault) -> None:
        site.server.fail("create", fault)
        site.add_claim(ref())

        with pytest.raises(MAY_BE_API_OUTAGE) as caught:
            site.serve()

        assert isinstance(caught.value, kube.KubeError)
        assert site.only("ProvisioningFailed").message == caught.value.message
        assert site.claims_controller.in_progress == {"1"}
        assert (site.root / "team" / "data").is_dir()

    @FAILED
    def test_the_next_try_serves_it(self, site: Site, fault: Fault) -> None:
        site.server.fail("create", fault)
        site.add_claim(ref())
        with pytest.raises(MAY_BE_API_OUTAGE):
            site.serve()

        site.serve()

        assert site.volume() is not None
        assert site.claims_controller.in_progress == set()
        assert not site.export.is_unfinished("pvc-1")

    @FAILED
    def test_one_whose_volume_was_made_all_the_same_keeps_it(
        self, site: Site, fault: Fault
    ) -> None:
        """A response that the server could not write, or a webhook after it: pods may use it."""
        carry_out(site)
        site.server.fail("create", fault)
        site.add_claim(ref())
        with pytest.raises(MAY_BE_API_OUTAGE):
            site.serve()
        site.remove_claim(ref())

        site.serve()

        assert not site.export.is_unfinished("pvc-1")
        assert (site.root / "team" / "data").is_dir()

    @FAILED
    def test_one_whose_volume_is_made_late_gets_its_directory_again(
        self, site: Site, fault: Fault
    ) -> None:
        site.server.fail("create", fault)
        site.add_claim(ref())
        with pytest.raises(MAY_BE_API_OUTAGE):
            site.serve()
        body = next(one.body for one in site.server.requests if one.verb == "create")
        site.add_class(unknown="parameter")
        site.serve()  # the claim is refused now, and the attempt undone
        assert not (site.root / "team").exists()
        site.add_class()

        site.add_volume(body)
        site.serve()

        assert (site.root / "team" / "data").is_dir()
        assert site.record() is not None

    def test_an_unfinished_volume_that_cannot_be_read_does_not_hold_up_another(
        self, site: Site
    ) -> None:
        """Both are of claims of one name, which are gone."""
        site.export.create(site.grant, directory_spec(ref()))
        site.export.create(site.grant, directory_spec(ref("2"), "team/other"))
        assert len(site.lead()) == 2
        site.server.fail("get", Fault(500, "InternalError"))

        with pytest.raises(kube.ServerError):
            site.serve()

        assert [bool(site.record(uid)) for uid in "12"].count(False) == 1


class TestVolume:
    def test_a_finalizer_that_cannot_be_set_is_told(self, site: Site) -> None:
        site.made_on_export(ref())
        site.add_volume(a_volume(ref(), finalizers=()))
        site.server.fail("patch", Fault(500, "InternalError"))

        with pytest.raises(kube.ServerError):
            site.look_after()

        assert site.only("VolumeFinalizerFailed").message == "fault 500"
        assert site.metric("holdfast_finalizer_update_failed_total") == 1

    def test_an_export_id_that_cannot_be_set_is_told(self, site: Site) -> None:
        site.made_on_export(ref())
        site.add_volume(a_volume(ref(), export_id=""))
        site.server.fail("patch", Fault(500, "InternalError"))

        with pytest.raises(kube.ServerError):
            site.look_after()

        assert site.only("VolumeNotRecorded").message == "fault 500"
        site.look_after()
        volume = site.volume()
        assert volume is not None
        assert EXPORT in volume["metadata"]["annotations"]

    def test_one_that_cannot_be_read_is_told(self, site: Site) -> None:
        """As one that was encrypted with a key that is lost."""
        site.made_on_export(ref())
        site.add_volume(a_volume(ref(), phase="Released"))
        site.server.fail("get", Fault(500, "InternalError"))

        with pytest.raises(kube.ServerError):
            site.look_after()

        assert site.only("VolumeNotRecorded").message == "fault 500"
        record = site.record()
        assert record is not None
        assert record.state is State.LIVE

    @FAILED
    def test_one_that_cannot_be_deleted_is_told_and_deleted_by_the_next_try(
        self, site: Site, fault: Fault
    ) -> None:
        site.made_on_export(ref())
        site.add_volume(a_volume(ref(), phase="Released"))
        site.server.fail("delete", fault)

        with pytest.raises(MAY_BE_API_OUTAGE) as caught:
            site.look_after()

        assert isinstance(caught.value, kube.KubeError)
        assert site.only("VolumeFailedDelete").message == caught.value.message
        volume = site.volume()
        assert volume is not None
        assert volume["metadata"]["finalizers"] == [FINALIZER]
        site.look_after()
        assert site.volume() is None
