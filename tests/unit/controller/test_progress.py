"""A claim is told that its volume is being made, where that takes its time."""

from __future__ import annotations

import pytest

from holdfast.claims.objects import Claim, parse_claim
from holdfast.controller.event_recorder import EventRecorder
from holdfast.controller.progress import SLOW, Progress
from holdfast.kube.api import Api
from holdfast.kube.event_broadcaster import EventBroadcaster
from tests.unit.controller.given import a_claim, ref


def claim(name: str = "data") -> Claim:
    return parse_claim(a_claim(ref(name=name)))


class Bench:
    """Progress by a clock that the test holds."""

    def __init__(self, api: Api) -> None:
        self.now = 100.0
        self._broadcaster = EventBroadcaster(api, "test")
        self.progress = Progress(EventRecorder(self._broadcaster), lambda: self.now)

    def told(self, after: float) -> list[tuple[str, str, str]]:
        """What was said up to now, once so many seconds more have passed."""
        self.now += after
        self.progress.tell()
        return [(one.about.name, one.type, one.reason) for one in self._broadcaster._queue]


@pytest.fixture
def bench(api: Api) -> Bench:
    return Bench(api)


def test_a_claim_is_told_once_when_making_has_taken_its_time(bench: Bench) -> None:
    with bench.progress.of(claim()):
        assert bench.told(after=SLOW - 0.1) == []

        told = [("data", "Normal", "Provisioning")]
        assert bench.told(after=0.1) == told
        assert bench.told(after=SLOW) == told


def test_each_claim_has_its_own_time(bench: Bench) -> None:
    with bench.progress.of(claim("first")):
        bench.now += SLOW
        with bench.progress.of(claim("second")):
            assert len(bench.told(after=0)) == 1


def test_what_has_ended_is_not_told_of(bench: Bench) -> None:
    with pytest.raises(ZeroDivisionError), bench.progress.of(claim()):
        raise ZeroDivisionError

    assert bench.told(after=2 * SLOW) == []
