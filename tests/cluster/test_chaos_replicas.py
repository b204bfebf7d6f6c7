"""Two replicas that are killed and frozen again and again lose nothing and leave nothing behind.

Here for a minute; `make long` does it for 500 kills and 100 freezes.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from testbed.controlplane import ControlPlane
from tests.replicas import disturb, new_seed, side_by_side

pytestmark = pytest.mark.timeout(600)


def test_forty_kills_of_one_of_two_replicas_in_a_burst_lose_and_leave_nothing(
    control_plane: ControlPlane, tmp_path: Path
) -> None:
    disturbed = side_by_side(control_plane, tmp_path, new_seed(), exports=2)
    disturb(disturbed, lambda one: one.kill(times=20, claims=40))


def test_six_freezes_of_the_leader_in_a_burst_lose_and_leave_nothing(
    control_plane: ControlPlane, tmp_path: Path
) -> None:
    disturbed = side_by_side(control_plane, tmp_path, new_seed(), exports=3)
    disturb(disturbed, lambda one: one.freeze(times=2, claims=20))
