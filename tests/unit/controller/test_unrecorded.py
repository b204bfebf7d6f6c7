"""A volume in use without a record is told so, without reading all records.

At the takeover all are compared with the list of records; later, each that comes into use and that
this process has not made is looked up.
"""

from __future__ import annotations

import shutil

import pytest

from holdfast.controller.late_volumes import LateVolumes
from holdfast.exports.errors import ExportUnavailable
from holdfast.kube import errors as kube
from holdfast.kube.resources import VOLUMES
from tests.fake.apiserver import NO_ANSWER
from tests.unit.controller.given import ANOTHER_ID, a_volume, directory_spec, ref
from tests.unit.controller.site import Site, before, failing, once

CALLS = "holdfast_export_operation_duration_seconds_count"


READ = "read record"


def take_over(site: Site) -> None:
    """A term begins, as in `LeaderTasks`."""
    site.lead()
    site.volumes_controller.check_recorded(site.export.recorded())


def test_those_of_an_export_that_was_removed_are_not_looked_up(site: Site) -> None:
    """The first export looks after them, and has no record of any."""
    removed = a_volume(ref(), server="nas2", export_id=ANOTHER_ID)
    site.add_volume(removed)

    take_over(site)
    assert site.queued()[1] == set()

    site.add_volume(a_volume(ref("2"), server="nas2", export_id=ANOTHER_ID))
    assert site.queued()[1] == set()


@pytest.fixture
def lost(site: Site) -> Site:
    """A volume in use whose record and directory are gone."""
    site.made_on_export(ref())
    site.add_volume(a_volume(ref()))
    (site.root / ".holdfast" / "volumes" / "pvc-1").unlink()
    shutil.rmtree(site.root / "team")
    return site


def test_one_without_record_and_directory_is_told_what_to_do(lost: Site) -> None:
    take_over(lost)
    assert lost.queued()[1] == {"pvc-1"}

    lost.look_after()

    message = lost.only("VolumeNotRecorded").message
    assert "has no record on the export, and 'team/data' is missing" in message
    assert "delete its claim and create it again" in message
    lost.look_after()
    assert len(lost.said()) == 1


def test_one_without_a_record_whose_data_is_there_is_told_so(lost: Site) -> None:
    (lost.root / "team" / "data").mkdir(parents=True)
    take_over(lost)

    lost.look_after()

    assert "has no record on the export, although" in lost.only("VolumeNotRecorded").message


def test_one_that_is_gone_meanwhile_is_not_told(lost: Site) -> None:
    take_over(lost)
    lost.server.objects.by_path.pop("/api/v1/persistentvolumes/pvc-1")

    lost.look_after()

    assert lost.said() == []


def test_one_with_a_record_is_not_looked_at(site: Site) -> None:
    site.made_on_export(ref())
    site.add_volume(a_volume(ref()))
    site.view.volume_queue._due.clear()

    take_over(site)

    assert site.queued()[1] == set()
    assert site.metric(CALLS, operation=READ) == 0


def test_records_are_listed_once_wherever_they_are(site: Site) -> None:
    site.made_on_export(ref())
    site.made_on_export(ref("2"), "team/other")
    shutil.copy(site.root / ".holdfast/volumes/pvc-1", site.root / ".holdfast/creating/pvc-1")

    assert sorted(site.export.recorded()) == ["pvc-1", "pvc-2"]


def see_bound(site: Site, uid: str = "1") -> None:
    """A volume appears, and then its claim is bound to it."""
    site.add_volume(a_volume(ref(uid), f"team/{uid}", phase="Pending"))
    site.bind(uid)


class TestSeenLater:
    """Volumes that come into use during the term."""

    def test_a_late_one_of_an_earlier_leader_is_told_what_to_do(self, site: Site) -> None:
        """A leader undid it, another led, then the first one's request was carried out."""
        site.add_claim(ref())
        site.server.fail("create", NO_ANSWER)
        with pytest.raises(kube.ServerUnavailable):
            site.serve()
        site.add_class(unknown="parameter")
        site.serve()
        site.view.late = LateVolumes()  # this process is another one
        site.set_up(site.context)
        take_over(site)
        site.add_volume(next(one.body for one in site.server.requests if one.verb == "create"))
        site.view.volume_queue._due.clear()

        site.bind()

        assert site.queued()[1] == {"pvc-1"}
        site.look_after()
        message = site.only("VolumeNotRecorded").message
        assert "has no record on the export, and 'team/data' is missing" in message

    def test_one_with_a_record_is_looked_up_once(self, site: Site) -> None:
        site.made_on_export(ref(), "team/1")
        see_bound(site)
        assert site.queued()[1] == {"pvc-1"}
        site.look_after()
        site.view.volume_queue._due.clear()
        reads = site.metric(CALLS, operation=READ)

        site.edit("1", {"metadata": {"labels": {"some": "label"}}})

        assert site.queued()[1] == set()
        assert site.metric(CALLS, operation=READ) == reads > 0
        assert site.said() == []

    def test_one_that_cannot_be_looked_up_is_tried_again(self, site: Site) -> None:
        see_bound(site)
        before(site.export, "find", once(failing(ExportUnavailable("no answer"))))
        with pytest.raises(ExportUnavailable):
            site.look_after()

        site.look_after()

        assert "has no record on the export" in site.only("VolumeNotRecorded").message

    def test_one_of_this_process_is_not(self, site: Site) -> None:
        site.add_claim(ref())
        site.serve()
        requests = len(site.server.requests)
        site.see()

        site.bind()

        assert site.queued()[1] == set()
        assert site.metric(CALLS, operation=READ) == 0
        assert len(site.server.requests) == requests

    def test_one_of_this_process_that_is_bound_before_it_is_confirmed_is_not(
        self, site: Site
    ) -> None:
        site.add_claim(ref())
        before(site.export, "confirm", site.bind)

        site.serve()

        assert site.queued()[1] == set()

    def test_one_that_this_process_confirms_for_an_earlier_leader_is_not(self, site: Site) -> None:
        site.export.create(site.grant, directory_spec(ref()))
        site.server.objects.create(VOLUMES.path(), a_volume(ref(), phase="Pending"))
        take_over(site)
        site.serve()

        site.bind()

        assert site.queued()[1] == set()

    def test_one_that_this_process_undid_is_though_it_remembers_no_request(
        self, site: Site
    ) -> None:
        site.add_claim(ref())
        site.server.fail("create", NO_ANSWER)
        with pytest.raises(kube.ServerUnavailable):
            site.serve()
        site.add_class(unknown="parameter")
        site.serve()
        site.view.late = LateVolumes()

        site.add_volume(a_volume(ref()))

        assert site.queued()[1] == {"pvc-1"}

    def test_a_late_one_that_its_claim_s_turn_completes_is_not_told(self, site: Site) -> None:
        """It is looked at once more: a person may have changed it meanwhile."""
        site.view.late.add(directory_spec(ref()))
        site.add_volume(a_volume(ref()))
        assert site.queued() == ({"team/data"}, set())

        site.serve()
        site.see()

        assert site.record() is not None
        assert site.queued()[1] == {"pvc-1"}
        site.look_after()
        assert "VolumeNotRecorded" not in [said.reason for said in site.said()]

    def test_a_late_one_that_is_not_what_was_asked_for_is_told(self, site: Site) -> None:
        """It was forgotten until the next takeover."""
        site.view.late.add(directory_spec(ref()))
        site.add_volume(a_volume(ref(), "team/elsewhere"))
        site.serve()
        assert site.queued()[1] == {"pvc-1"}

        site.look_after()

        assert "'team/elsewhere' is missing" in site.only("VolumeNotRecorded").message

    def test_one_that_is_created_again_is(self, site: Site) -> None:
        """Also where its end was not seen: one look is for both."""
        site.serve_and_bind(ref())
        site.view.record_checks.add("pvc-1")
        site.look_after()
        site.drop()
        (site.root / ".holdfast" / "volumes" / "pvc-1").unlink()
        site.add_volume(a_volume(ref()))
        assert site.queued()[1] == {"pvc-1"}

        site.look_after()

        assert "has no record on the export" in site.only("VolumeNotRecorded").message

    def test_one_that_comes_while_another_process_leads_is_not(self, site: Site) -> None:
        site.leads = False

        see_bound(site)

        assert site.queued()[1] == set()
