"""A volume in use without a record is told at the takeover, without reading all records."""

from __future__ import annotations

import shutil

import pytest

from tests.unit.controller.given import a_volume, ref
from tests.unit.controller.site import Site

CALLS = "holdfast_export_operation_duration_seconds_count"


def take_over(site: Site) -> None:
    """A term begins, as in `LeaderTasks`."""
    site.lead()
    site.volumes_controller.check_recorded(site.export.recorded())


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

    take_over(site)

    assert site.queued()[1] == set()
    assert site.metric(CALLS, operation="read record") == 0


def test_records_are_listed_once_wherever_they_are(site: Site) -> None:
    site.made_on_export(ref())
    site.made_on_export(ref("2"), "team/other")
    shutil.copy(site.root / ".holdfast/volumes/pvc-1", site.root / ".holdfast/creating/pvc-1")

    assert sorted(site.export.recorded()) == ["pvc-1", "pvc-2"]
