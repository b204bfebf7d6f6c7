"""A former leader whose call comes late, or that wakes up, harms nothing of the next one's.

Here in the calls in which it could; `make long` holds a leader up in each of them.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from testbed.controlplane import ControlPlane
from tests.cluster.fencing.stage import HoldUp, Operation, Way, need_seccomp, run_all
from tests.warden import Point

pytestmark = pytest.mark.timeout(600)

SECONDS = 25.0
TERM, MOVING = ".holdfast/terms/TERM", ".holdfast/terms/TERM/-VOLUME"
HARMFUL: list[tuple[Operation, str]] = [
    ("create", "mkdirat NAMESPACE/data"),
    ("create", f"renameat {TERM}/.draft -> .holdfast/creating/VOLUME"),
    ("delete", f"renameat NAMESPACE/data -> {MOVING}"),
    ("delete", f"renameat {MOVING} -> .holdfast/trash/VOLUME"),
    ("delete", f"renameat NAMESPACE -> {TERM}/.draft-removed-NAMESPACE"),
    ("archive", f"renameat {MOVING} -> archived-data"),
]


@pytest.mark.parametrize("way", ["frozen", "hung", "hung beside another export"])
def test_a_leader_held_up_in_a_call_while_the_next_serves_the_path_again_harms_nothing(
    control_plane: ControlPlane, tmp_path: Path, way: Way
) -> None:
    need_seccomp()
    hold_ups = [
        HoldUp(operation, number, Point(call, 0), SECONDS, way)
        for number, (operation, call) in enumerate(HARMFUL)
    ]
    run_all(control_plane, tmp_path, hold_ups, len(hold_ups))


def test_a_leader_held_up_where_it_makes_a_directory_leaves_nothing_of_a_claim_that_is_gone(
    control_plane: ControlPlane, tmp_path: Path
) -> None:
    need_seccomp()
    points = [Point(f"mkdirat {path}", 0) for path in ("NAMESPACE", "NAMESPACE/data")]
    hold_ups = [
        HoldUp("create", number, point, SECONDS, "frozen", again=False)
        for number, point in enumerate(points)
    ]
    run_all(control_plane, tmp_path, hold_ups, len(hold_ups))
