"""A directory on its way out when its leader ended: reclaimed, or put back (design, rule 4)."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast.exports.record import State
from tests.unit.controller.given import a_volume, ref
from tests.unit.controller.site import Site


@pytest.fixture
def moving(site: Site) -> Site:
    """A volume that a reclaim which was cut short has left in the term's folder."""
    site.made_on_export(ref())
    (site.root / "team" / "data" / "file").write_text("data")
    [term] = Path(site.root, ".holdfast", "terms").glob("*/[0-9]*")
    (site.root / "team" / "data").rename(term / "-pvc-1")
    return site


def there(site: Site) -> bool:
    return (site.root / "team" / "data" / "file").exists()


def test_it_is_queued_when_a_term_begins(moving: Site) -> None:
    moving.add_volume(a_volume(ref()))
    moving.view.volume_queue._due.clear()

    moving.lead()

    assert moving.queued()[1] == {"pvc-1"}


@pytest.mark.parametrize(("phase", "policy"), [("Bound", "Delete"), ("Released", "Retain")])
def test_that_of_a_volume_which_is_not_to_go_is_put_back(
    moving: Site, phase: str, policy: str
) -> None:
    moving.add_volume(a_volume(ref(), phase=phase, policy=policy, finalizers=()))
    moving.lead()

    moving.look_after()

    assert there(moving)
    said = moving.only("DirectoryMovedBack")
    assert said.name == "pvc-1"
    assert said.message == (
        "its directory 'team/data' was found at 'the folder of a term' and moved back"
    )
    assert moving.metric("holdfast_directories_moved_back_total") == 1


def test_it_is_put_back_once(moving: Site) -> None:
    moving.add_volume(a_volume(ref()))
    moving.lead()
    moving.look_after()

    moving.look_after()

    name = "holdfast_export_operation_duration_seconds_count"
    assert moving.metric(name, operation="move back") == 1


def test_that_of_a_released_volume_is_reclaimed(moving: Site) -> None:
    moving.add_volume(a_volume(ref(), phase="Released"))
    moving.lead()

    moving.look_after()

    record = moving.record()
    assert record is not None
    assert record.state is State.TRASHED
    assert moving.volume() is None
    assert moving.said("DirectoryMovedBack") == []


def test_that_of_a_volume_which_is_gone_is_put_back_without_an_event(moving: Site) -> None:
    moving.lead()

    moving.look_after()

    assert there(moving)
    assert moving.said() == []


def test_that_of_a_volume_which_a_person_has_just_kept_is_put_back(moving: Site) -> None:
    """The cache has not seen that yet, and will not queue what is known from an answer."""
    moving.add_volume(a_volume(ref(), phase="Released"))
    moving.lead()
    moving.edit("1", {"spec": {"persistentVolumeReclaimPolicy": "Retain"}}, seen=False)

    moving.look_after()

    assert there(moving)
    assert len(moving.said("DirectoryMovedBack")) == 1


def test_what_did_not_move_is_no_event(site: Site) -> None:
    site.made_on_export(ref())
    site.add_volume(a_volume(ref()))
    site.volumes_controller.begin(["pvc-1"])

    site.look_after()

    assert site.said() == []
    assert site.metric("holdfast_directories_moved_back_total") == 0


def test_every_look_at_a_volume_that_is_gone_has_the_trash_looked_at(site: Site) -> None:
    """What was kept for as long as the volume existed may be removed now."""
    site.look_after()

    assert site.trash_looks == 1


def test_all_volumes_that_want_care_are_queued_when_a_term_begins(site: Site) -> None:
    site.add_volume(a_volume(ref()))
    site.add_volume(a_volume(ref("2", "other"), "team/other", phase="Released"))
    site.view.volume_queue._due.clear()

    site.volumes_controller.begin([])

    assert site.queued()[1] == {"pvc-2"}


def test_what_an_earlier_term_knew_of_records_is_forgotten_when_a_term_begins(site: Site) -> None:
    """Another replica may have led, and have ended in the middle of it."""
    site.add_volume(a_volume(ref(), export_id=""))
    site.look_after()
    site.made_on_export(ref())

    site.volumes_controller.begin([])
    site.look_after()

    assert site.server.count("patch") == 1
