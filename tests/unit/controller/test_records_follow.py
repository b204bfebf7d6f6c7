"""Records are updated from their volume: its claim, policy and size (issue 12, no 8)."""

from __future__ import annotations

import pytest

from holdfast.claims.constants import EXPORT
from holdfast.controller.requeue import Requeue
from holdfast.exports.errors import ExportUnavailable, Failed
from holdfast.exports.record import Record, State
from holdfast.kube.resources import Json
from tests.fake.apiserver import Fault
from tests.unit.controller.given import ID, a_volume, ref
from tests.unit.controller.site import Site, before, failing, once

RETAIN: Json = {"spec": {"persistentVolumeReclaimPolicy": "Retain"}}
DELETE: Json = {"spec": {"persistentVolumeReclaimPolicy": "Delete"}}
NEW = {"namespace": "team", "name": "data-2", "uid": "new"}


@pytest.fixture
def bound(site: Site) -> Site:
    """A volume that a claim uses since before the term began, which was looked after."""
    site.made_on_export(ref())
    site.add_volume(a_volume(ref()))
    site.view.record_checks.done("pvc-1")
    site.lead()
    site.look_after()
    return site


def record(site: Site) -> Record:
    found = site.record()
    assert found is not None
    return found


def test_what_has_not_changed_costs_nothing(bound: Site) -> None:
    calls = bound.metrics.registry.get_sample_value(
        "holdfast_export_operation_duration_seconds_count",
        {"export": "default", "operation": "find"},
    )

    assert calls is None
    assert bound.server.requests == []


@pytest.mark.parametrize(
    ("change", "field", "value"),
    [
        ({"spec": {"persistentVolumeReclaimPolicy": "Retain"}}, "reclaim_policy", "Retain"),
        ({"spec": {"capacity": {"storage": "2Gi"}}}, "size", "2Gi"),
        ({"spec": {"claimRef": NEW}}, "claim", ref("new", "data-2")),
    ],
)
def test_an_edit_is_seen_queued_and_written_down(
    bound: Site, change: dict[str, object], field: str, value: object
) -> None:
    bound.view.volume_queue._due.clear()
    bound.edit("1", change)
    assert bound.queued()[1] == {"pvc-1"}

    bound.look_after()

    assert getattr(record(bound), field) == value


def test_it_is_written_down_once(bound: Site) -> None:
    bound.edit("1", {"spec": {"capacity": {"storage": "2Gi"}}})
    bound.look_after()
    looked = bound.metric(
        "holdfast_export_operation_duration_seconds_count", operation="read record"
    )

    bound.look_after()

    name = "holdfast_export_operation_duration_seconds_count"
    assert bound.metric(name, operation="read record") == looked == 1
    assert bound.metric(name, operation="update record") == 1


def test_a_volume_that_another_claim_has_is_reclaimed_for_that(bound: Site) -> None:
    """The usual recovery by hand: Retain, release, a new claimRef; later the claim is deleted."""
    bound.edit("1", {"spec": {"claimRef": NEW}})
    bound.look_after()
    bound.release()

    bound.look_after()

    assert bound.volume() is None
    assert record(bound).state is State.TRASHED
    assert record(bound).claim == ref("new", "data-2")


def test_a_volume_that_was_freed_by_hand_and_bound_anew_is_reclaimed_in_the_end(
    bound: Site,
) -> None:
    """Row 4, step by step: Retain, the claim deleted, claimRef null, another claim, Delete."""
    steps: tuple[Json, ...] = (
        {"spec": {"persistentVolumeReclaimPolicy": "Retain"}},
        {"status": {"phase": "Released"}},
        {"spec": {"claimRef": None}, "status": {"phase": "Available"}},
        {"spec": {"claimRef": NEW}, "status": {"phase": "Bound"}},
        {"spec": {"persistentVolumeReclaimPolicy": "Delete"}},
        {"status": {"phase": "Released"}},
    )
    for step in steps:
        assert (bound.root / "team" / "data").is_dir()
        bound.edit("1", step)
        bound.look_after()

    assert bound.volume() is None
    assert record(bound).state is State.TRASHED
    assert bound.said() == []


def test_a_retained_volume_that_is_switched_to_delete_is_recorded_so_before_it_is_deleted(
    bound: Site,
) -> None:
    bound.edit("1", RETAIN)
    bound.release()
    bound.look_after()
    bound.edit("1", DELETE)

    bound.look_after()

    assert bound.volume() is None
    assert (record(bound).state, record(bound).reclaim_policy) == (State.TRASHED, "Delete")


def test_an_edit_that_nobody_saw_is_caught_up_with_when_the_volume_is_reclaimed(site: Site) -> None:
    """It was refused for ever."""
    site.made_on_export(ref())
    made = a_volume(ref(), phase="Released")
    made["spec"]["claimRef"] = NEW
    site.add_volume(made)

    site.look_after()

    assert site.volume() is None
    assert record(site).claim == ref("new", "data-2")


def test_a_volume_named_after_an_earlier_claim_is_looked_at_after_each_start(site: Site) -> None:
    """A populator handed it over, perhaps while nobody led."""
    site.made_on_export(ref())
    made = a_volume(ref())
    made["spec"]["claimRef"] = NEW
    site.add_volume(made)

    site.look_after()

    assert record(site).claim == ref("new", "data-2")


def test_a_released_volume_that_a_person_keeps_is_recorded_as_retained(bound: Site) -> None:
    """Its directory can be taken up again later (rule 5)."""
    bound.edit("1", {"spec": {"persistentVolumeReclaimPolicy": "Retain"}})
    bound.release()

    bound.look_after()

    assert record(bound).reclaim_policy == "Retain"
    assert record(bound).was_retained


@pytest.mark.parametrize("phase", ["Bound", "Released"])
def test_a_retain_that_was_said_while_nobody_led_is_written_down(site: Site, phase: str) -> None:
    """Our finalizer, which such a volume has no more, shows that it was edited."""
    site.made_on_export(ref())
    site.add_volume(a_volume(ref(), phase=phase, policy="Retain"))

    site.look_after()

    assert record(site).reclaim_policy == "Retain"


class TestVersion1:
    """A volume made before exports had an id gets it at the first look."""

    def test_it_gets_its_export_s_id_at_the_version_that_was_read(self, site: Site) -> None:
        site.made_on_export(ref())
        site.add_volume(a_volume(ref(), export_id=""))

        site.look_after()

        volume = site.volume()
        assert volume is not None
        assert volume["metadata"]["annotations"][EXPORT] == ID
        [patch] = [request for request in site.server.requests if request.verb == "patch"]
        assert patch.body["metadata"]["resourceVersion"]
        site.look_after()
        assert site.server.count("patch") == 1

    def test_one_that_was_changed_meanwhile_is_tried_again(self, site: Site) -> None:
        site.made_on_export(ref())
        site.add_volume(a_volume(ref(), export_id=""))
        site.server.fail("patch", Fault(409, "Conflict"))
        with pytest.raises(Requeue):
            site.look_after()

        site.look_after()

        volume = site.volume()
        assert volume is not None
        assert volume["metadata"]["annotations"][EXPORT] == ID

    def test_one_without_a_record_does_not_and_is_told_why(self, site: Site) -> None:
        """Its data may be on another export."""
        site.add_volume(a_volume(ref(), export_id=""))

        site.look_after()

        assert "has no record on the export" in site.only("VolumeNotRecorded").message
        assert site.server.count("patch") == 0
        site.look_after()
        assert len(site.said()) == 1

    def test_one_on_another_server_is_left_alone(self, site: Site) -> None:
        site.add_volume(a_volume(ref(), export_id="", server="other"))

        site.look_after()

        assert site.server.count("patch") == 0
        assert site.said() == []


@pytest.mark.parametrize("method", ["find", "update_record"])
def test_a_volume_in_trouble_has_an_event_and_is_tried_again(site: Site, method: str) -> None:
    """It was tried again and again, and nobody was told why (issue 12, what must work 3)."""
    site.serve_and_bind(ref())
    site.look_after()
    site.edit("1", {"spec": {"capacity": {"storage": "2Gi"}}})
    before(site.export, method, once(failing(Failed("cannot read the record"))))

    with pytest.raises(Failed):
        site.look_after()
    assert site.only("VolumeNotRecorded").message == "cannot read the record"

    site.look_after()
    assert record(site).size == "2Gi"


def test_an_export_that_is_away_is_no_event_of_each_volume(site: Site) -> None:
    site.serve_and_bind(ref())
    site.look_after()
    site.edit("1", {"spec": {"capacity": {"storage": "2Gi"}}})
    before(site.export, "find", once(failing(ExportUnavailable("no answer"))))

    with pytest.raises(ExportUnavailable):
        site.look_after()

    assert site.said("VolumeNotRecorded") == []
