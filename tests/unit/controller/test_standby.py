"""The queues of an export of which no term is open: another replica leads, or something is away."""

from __future__ import annotations

import pytest

from holdfast.kube.api import Api
from tests.unit.controller.given import a_claim, a_volume, ref
from tests.unit.controller.test_export_view import CLAIMS, VOLUMES, Bench

RETAIN = "Retain"
MANY = 100


@pytest.fixture
def bench(api: Api) -> Bench:
    made = Bench(api)
    made.view.pause()
    return made


def test_nothing_is_kept_of_claims_and_volumes_that_come_and_go(bench: Bench) -> None:
    for number in range(MANY):
        whose = ref(str(number), f"data-{number}")
        bench.take(CLAIMS, a_claim(whose))
        bench.take(VOLUMES, a_volume(whose))
        bench.take(CLAIMS, a_claim(whose, volumeName=f"pvc-{number}"), "MODIFIED")
        bench.take(VOLUMES, a_volume(whose, phase="Released"), "MODIFIED")
        bench.take(VOLUMES, a_volume(whose, phase="Released"), "DELETED")

    assert (bench.claims, bench.volumes) == ([], [])


def test_claims_that_came_meanwhile_are_queued_when_a_term_begins(bench: Bench) -> None:
    bench.take(CLAIMS, a_claim(ref()))
    assert bench.claims == []

    bench.view.resume()
    bench.take(CLAIMS, a_claim(ref("2", "more")))

    assert bench.claims == ["team/data", "team/more"]


def test_a_claim_with_an_open_attempt_is_queued_all_the_same(bench: Bench) -> None:
    bench.view.is_in_progress = lambda key: key == "team/data"
    bench.take(CLAIMS, a_claim(ref()))
    bench.take(CLAIMS, a_claim(ref()), "DELETED")

    assert bench.claims == ["team/data"]


def test_a_volume_that_changes_is_queued_all_the_same(bench: Bench) -> None:
    """No term looks at each record, and the new policy is to be in the volume's."""
    made = a_volume(ref())
    bench.take(VOLUMES, made)
    made["spec"]["persistentVolumeReclaimPolicy"] = RETAIN
    bench.take(VOLUMES, made, "MODIFIED")

    assert bench.volumes == ["pvc-1"]


def test_a_volume_that_was_set_to_retain_on_its_way_out_is_remembered(bench: Bench) -> None:
    made = a_volume(ref())
    bench.take(VOLUMES, made)
    made["spec"]["persistentVolumeReclaimPolicy"] = RETAIN
    made["metadata"]["deletionTimestamp"] = "2026-11-21T09:00:00Z"
    bench.take(VOLUMES, made, "MODIFIED")
    bench.take(VOLUMES, made, "DELETED")

    assert bench.volumes == []
    assert bench.view.was_kept("pvc-1")
