"""500 kills and 100 freezes of two replicas in a burst of claims."""

from __future__ import annotations

from pathlib import Path

import pytest

from testbed.controlplane import ControlPlane
from tests.replicas import disturb, new_seed, side_by_side

pytestmark = pytest.mark.timeout(3600)


def test_five_hundred_kills_in_a_burst_of_a_thousand_claims_lose_and_leave_nothing(
    control_plane: ControlPlane, tmp_path: Path
) -> None:
    disturbed = side_by_side(control_plane, tmp_path, new_seed(), exports=5)
    disturb(disturbed, lambda one: one.kill(times=100, claims=200))


def test_a_hundred_freezes_of_the_leader_of_up_to_a_minute_lose_and_leave_nothing(
    control_plane: ControlPlane, tmp_path: Path
) -> None:
    disturbed = side_by_side(control_plane, tmp_path, new_seed(), exports=10)
    disturb(disturbed, lambda one: one.freeze(times=10, claims=60))
