"""A provisioner that is killed again and again loses nothing and leaves nothing behind.

Leader election is off here, so that nothing waits for a lease: `test_chaos_replicas.py` has two.
The burst is spread over the kills, because the controller manager, not the provisioner, would
otherwise decide how much of it is left after the first few.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from testbed.programs import Programs
from tests.chaos import Provisioner, cluster_of_its_own, tell
from tests.replicas import new_seed
from tests.storm import Storm
from tests.support import eventually

KILLS = 200
CLAIMS = 300


def run_until_killed(provisioner: Provisioner, storm: Storm, number: int) -> None:
    """One life: it meets work at its start, or is given some, and ends at some moment of it."""
    chance = storm.chance
    moment = chance.choices(["starting", "any", "working", "emptying"], [2, 6, 10, 3])[0]
    share = range(number * CLAIMS // KILLS, (number + 1) * CLAIMS // KILLS)
    meets_work = chance.random() < 0.5
    if meets_work:
        storm.stir(share)
    before = storm.progress()
    provisioner.start()
    if moment == "starting":
        time.sleep(chance.uniform(0.0, 0.6))
    else:
        provisioner.await_line("term begun")
    if not meets_work:
        storm.stir(share)
    if moment == "working":
        wait_for(lambda: storm.progress() != before, 0.6)
    if moment == "emptying":
        trash = storm.files("trash")
        wait_for(lambda: not trash <= storm.files("trash"), 1.6)
    time.sleep(chance.uniform(0.0, 0.3 if moment == "any" else 0.03))
    assert provisioner.is_running()
    provisioner.kill()


def wait_for(condition: Callable[[], bool], within: float) -> None:
    """Returns in the very moment; `eventually` would be too late for what lasts milliseconds."""
    end = time.monotonic() + within
    while not condition() and time.monotonic() < end:
        time.sleep(0.001)


def let_it_finish(provisioner: Provisioner, storm: Storm) -> None:
    with provisioner:
        provisioner.await_line("term begun")
        eventually(storm.is_over, 120, f"quiet; see {provisioner.log}")
        assert provisioner.stop() == 0


@pytest.mark.timeout(1800)
def test_two_hundred_kills_in_a_burst_of_three_hundred_claims_lose_and_leave_nothing(
    programs: Programs, tmp_path: Path
) -> None:
    seed = new_seed()
    with cluster_of_its_own(programs, tmp_path) as cluster:
        storm, provisioner = Storm(cluster, random.Random(seed)), cluster.provisioner()
        storm.make_classes()
        started = time.monotonic()
        for number in range(KILLS):
            run_until_killed(provisioner, storm, number)
            storm.look()
        tell(f"{KILLS} kills in {time.monotonic() - started:.0f} s, of these {storm.interrupted}")
        let_it_finish(provisioner, storm)
        tell(f"deleted {sum(tenant.deleted for tenant in storm.tenants)} of {CLAIMS} claims")
        assert storm.interrupted["work to do"] > KILLS / 4
        storm.assert_all_is_well()

        let_it_finish(provisioner, storm)  # one start more changes nothing

        storm.assert_all_is_well()
