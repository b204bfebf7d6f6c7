"""What becomes of an object is an event on it (design, rule 7)."""

from __future__ import annotations

import pytest

from holdfast.claims.objects import Claim, parse_claim
from holdfast.controller.event_recorder import EventRecorder
from holdfast.kube.api import Api
from holdfast.kube.event_broadcaster import EventBroadcaster, ObjectReference
from tests.unit.controller.given import a_claim, ref, volume


class Bench:
    """An event recorder whose events wait."""

    def __init__(self, api: Api) -> None:
        self.broadcaster = EventBroadcaster(api, "test")
        self.present: set[str] | None = None  # keys of claims; None: all
        self.events = EventRecorder(self.broadcaster, self._is_present)

    def _is_present(self, key: str) -> bool:
        return self.present is None or key in self.present

    @property
    def only(self) -> tuple[ObjectReference, str, str, str]:
        [said] = self.broadcaster._queue
        return said.about, said.type, said.reason, said.message


@pytest.fixture
def bench(api: Api) -> Bench:
    return Bench(api)


def claim(uid: str = "1", name: str = "data") -> Claim:
    made = a_claim(ref(uid, name))
    made["metadata"]["resourceVersion"] = "7"
    return parse_claim(made)


CLAIM = ObjectReference("PersistentVolumeClaim", "v1", "team", "data", "1", "7")


def test_good_news_is_a_normal_event_on_the_claim(bench: Bench) -> None:
    bench.events.normal(claim(), "Provisioning", "it is made")

    assert bench.only == (CLAIM, "Normal", "Provisioning", "it is made")


def test_bad_news_is_a_warning_on_the_claim(bench: Bench) -> None:
    bench.events.warning(claim(), "ProvisioningFailed", "it is not made")

    assert bench.only == (CLAIM, "Warning", "ProvisioningFailed", "it is not made")


def test_what_is_said_once_is_said_once_of_each_claim_and_for_each_reason(bench: Bench) -> None:
    for _ in range(3):
        bench.events.normal_once(claim(), "WaitForPopulator", "it waits")
    assert bench.only == (CLAIM, "Normal", "WaitForPopulator", "it waits")

    bench.events.normal_once(claim("2", "other"), "WaitForPopulator", "it waits")
    bench.events.normal_once(claim(), "Another", "it waits")
    bench.events.normal_once(claim(), "Another", "it waits for more")

    assert len(bench.broadcaster._queue) == 4


def test_what_is_said_once_is_remembered_of_each_claim_that_is_there(bench: Bench) -> None:
    """However many there are; each term and each change of the exports looks at all."""
    for _ in range(3):
        for number in range(1500):
            bench.events.normal_once(claim(str(number), f"data{number}"), "SizeNotEnforced", "no")

    assert len(bench.broadcaster._queue) == 1500


def test_what_was_said_of_claims_that_are_gone_is_forgotten(bench: Bench) -> None:
    for number in range(5000):
        bench.present = {f"team/data{number}"}
        bench.events.normal_once(claim(str(number), f"data{number}"), "SizeNotEnforced", "no")

    assert len(bench.events._said) <= 1001


def test_bad_news_of_a_volume_is_a_warning_on_it(bench: Bench) -> None:
    bench.events.volume_warning(volume(), "VolumeFailedDelete", "it is not removed")

    about = ObjectReference("PersistentVolume", "v1", "", "pvc-1", "pv", "1")
    assert bench.only == (about, "Warning", "VolumeFailedDelete", "it is not removed")


def test_trash_that_cannot_be_removed_is_told_on_the_volume_that_is_gone(bench: Bench) -> None:
    bench.events.trash_warning("pvc-1", "'f': Permission denied")

    left = "cannot remove what is left in .holdfast/trash/pvc-1"
    message = f"{left}: 'f': Permission denied; Holdfast retries"
    about = ObjectReference("PersistentVolume", "v1", "", "pvc-1", "")
    assert bench.only == (about, "Warning", "TrashNotRemoved", message)


def test_what_is_wrong_with_the_export_is_told_on_our_own_pod(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POD_NAME", "holdfast-0")

    bench.events.replica_warning("storage", "example.com-nfs", "WrongExport", "another is mounted")

    about = ObjectReference("Pod", "v1", "storage", "holdfast-0", "")
    assert bench.only == (about, "Warning", "WrongExport", "another is mounted")


def test_outside_of_a_pod_it_is_told_on_the_lease(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("POD_NAME", raising=False)

    bench.events.replica_warning("storage", "example.com-nfs", "WrongExport", "another is mounted")

    about = ObjectReference("Lease", "coordination.k8s.io/v1", "storage", "example.com-nfs", "")
    assert bench.only == (about, "Warning", "WrongExport", "another is mounted")
