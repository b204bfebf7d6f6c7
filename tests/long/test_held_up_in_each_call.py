"""A leader is held up for a minute in each changing call, one run for each call.

Meanwhile the other replica takes over and serves the same path again; then the call takes effect.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from testbed.controlplane import ControlPlane
from tests.chaos import tell
from tests.cluster.fencing.stage import HoldUp, Operation, Way, need_seccomp, points_of, run_all

pytestmark = pytest.mark.timeout(1800)

SECONDS = 60.0
AT_ONCE = 16  # two processes each, which mostly wait


@pytest.mark.parametrize("way", ["frozen", "hung", "hung beside another export"])
@pytest.mark.parametrize("operation", ["create", "delete", "archive"])
def test_a_leader_held_up_for_a_minute_in_any_call_harms_nothing(
    control_plane: ControlPlane, tmp_path: Path, operation: Operation, way: Way
) -> None:
    need_seccomp()
    points = points_of(control_plane, tmp_path, operation)
    tell(f"{operation} changes an export with {len(points)} calls")
    hold_ups = [
        HoldUp(operation, number, point, SECONDS, way) for number, point in enumerate(points, 1)
    ]
    run_all(control_plane, tmp_path, hold_ups, AT_ONCE)


@pytest.mark.parametrize("way", ["frozen", "hung"])
def test_a_leader_held_up_in_any_call_leaves_nothing_of_a_claim_that_is_gone(
    control_plane: ControlPlane, tmp_path: Path, way: Way
) -> None:
    need_seccomp()
    hold_ups = [
        HoldUp("create", number, point, SECONDS, way, again=False)
        for number, point in enumerate(points_of(control_plane, tmp_path, "create"), 1)
    ]
    run_all(control_plane, tmp_path, hold_ups, AT_ONCE)
