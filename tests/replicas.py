"""Two replicas that are killed and frozen while a storm of claims goes on."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from testbed.controlplane import ControlPlane
from testbed.errors import RequestError
from tests.chaos import Cluster, Provisioner, tell
from tests.storm import Storm
from tests.support import eventually

LOST = 4  # exit code
_PATIENCE = 180.0  # several exports are disturbed at the same time
_LONGEST_FREEZE = 60.0  # seconds
_TO_PROGRESS = 10.0  # a replica that starts has to read, and to begin a term
_TO_END = 300.0


def new_seed() -> int:
    """What chance begins with, from $CHAOS_SEED or new; it is said, to repeat a run."""
    seed = int(os.environ.get("CHAOS_SEED", random.randrange(2**32)))
    tell(f"CHAOS_SEED={seed} repeats the choices of this run")
    return seed


class Pair:
    """Two replicas of one export, one of which leads."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.both = [
            cluster.provisioner(name, ENABLE_LEADER_ELECTION="true") for name in ("first", "second")
        ]
        lease = cluster.name.replace("/", "-")
        leases = f"/apis/coordination.k8s.io/v1/namespaces/{cluster.namespace}/leases"
        self._lease = f"{leases}/{lease}"
        self._ends = ExitStack()

    def __enter__(self) -> Self:
        for replica in self.both:
            self._ends.enter_context(replica)
        eventually(lambda: self.leader, _PATIENCE, "one leads")
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.close()

    @property
    def leader(self) -> Provisioner | None:
        """Whose the lease is, which may have ended or be frozen."""
        try:
            holder = self.cluster.plane.client.get(self._lease)["spec"]["holderIdentity"]
        except RequestError as error:
            if error.status != 404:
                raise
            return None
        return next((replica for replica in self.both if replica.identity == holder), None)

    def other_than(self, replica: Provisioner) -> Provisioner:
        """The other one."""
        return next(one for one in self.both if one is not replica)

    def start_what_ended(self) -> int:
        """Starts what ended because it lost the lease in a call, as a kubelet does; how many."""
        ended = [replica for replica in self.both if not replica.is_running()]
        for replica in ended:
            assert replica.process.returncode == LOST, replica.log
            replica.start()
        return len(ended)

    def stop(self) -> None:
        """Ends both, as a kubelet does."""
        self.start_what_ended()
        for replica in self.both:
            replica.await_line("holdfast starts", _PATIENCE)  # before, SIGTERM would just end it
        assert [replica.stop() for replica in self.both] == [0, 0]


class Disturbed:
    """One export, its storm, and what is done to the two that look after it."""

    def __init__(self, plane: ControlPlane, folder: Path, namespace: str, seed: str) -> None:
        plane.client.send("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
        root = folder / namespace / "export"
        root.mkdir(parents=True)
        self.chance = random.Random(seed)
        self.cluster = Cluster(plane, root, namespace)
        self.storm = Storm(self.cluster, self.chance)
        self.pair = Pair(self.cluster)
        self._stirred = 0

    def kill(self, times: int, claims: int) -> None:
        """Kills one of the two so many times while so many claims come and go."""
        self._through(times, claims, self._kill_once)

    def freeze(self, times: int, claims: int) -> None:
        """Freezes the leader so many times, for one second to sixty."""
        self._through(times, claims, self._freeze_once)

    def _through(self, times: int, claims: int, once: Callable[[int], None]) -> None:
        self.storm.make_classes()
        with self.pair:
            for number in range(times):
                once((number + 1) * claims // times)
                self.storm.look()
            self.pair.start_what_ended()
            eventually(self.storm.is_over, _TO_END, f"quiet; see {self.cluster.root.parent}")
            self.pair.stop()
            self.storm.assert_all_is_well()
        self._assert_one_more_start_changes_nothing()

    def _assert_one_more_start_changes_nothing(self) -> None:
        with self.pair:
            leader = eventually(lambda: self.pair.leader, _PATIENCE, "one leads")
            leader.await_line("term begun", _PATIENCE)
            eventually(self.storm.is_over, _TO_END, "quiet")
            self.pair.stop()
        self.storm.assert_all_is_well()

    def _stir(self, until: int) -> None:
        self.storm.stir(range(self._stirred, until))
        self._stirred = until

    def _kill_once(self, until: int) -> None:
        """Mostly the leader; mostly it is started again at once, and takes its lease again."""
        leader = self.pair.leader or self.pair.both[0]
        victim = leader if self.chance.random() < 0.85 else self.pair.other_than(leader)
        before = self.storm.progress()
        self._stir(until)
        if self.chance.random() < 0.75:
            _wait_for(lambda: self.storm.progress() != before, _TO_PROGRESS)
        time.sleep(self.chance.choice([0.0, 0.03, 0.3]) * self.chance.random())
        victim.kill()
        if self.chance.random() < 0.06:
            other = self.pair.other_than(victim)
            eventually(lambda: self.pair.leader is other, _PATIENCE, "the other takes over")
        victim.start()

    def _freeze_once(self, until: int) -> None:
        leader = eventually(lambda: self.pair.leader, _PATIENCE, "one leads")
        before = self.storm.progress()
        self._stir(until)
        if self.chance.random() < 0.75:
            _wait_for(lambda: self.storm.progress() != before, _TO_PROGRESS)
        time.sleep(0.1 * self.chance.random())
        leader.signal(signal.SIGSTOP)
        over = time.monotonic() + self.chance.uniform(1.0, _LONGEST_FREEZE)
        while (left := over - time.monotonic()) > 0:
            time.sleep(min(left, 5.0))
            self.storm.look()  # which has the tenants of new volumes write
        leader.signal(signal.SIGCONT)
        time.sleep(3.0 * self.chance.random())
        self.pair.start_what_ended()


def side_by_side(plane: ControlPlane, folder: Path, seed: int, exports: int) -> list[Disturbed]:
    """Several exports with two replicas each, in namespaces of their own."""
    return [
        Disturbed(plane, folder, f"storm-{seed}-{number}", f"{seed}-{number}")
        for number in range(exports)
    ]


def disturb(all_of_them: Sequence[Disturbed], how: Callable[[Disturbed], None]) -> None:
    """Does it to all at the same time; raises what the first that failed raised."""
    started = time.monotonic()
    with ThreadPoolExecutor(len(all_of_them)) as pool:
        errors = [done.exception() for done in [pool.submit(how, one) for one in all_of_them]]
    for one in all_of_them:
        tell(f"{one.cluster.root.parent}: {one.storm.interrupted}")
    tell(f"took {time.monotonic() - started:.0f} s")
    for error in filter(None, errors):
        raise error


def _wait_for(condition: Callable[[], bool], within: float) -> None:
    """Returns in the very moment, or when the time is up."""
    end = time.monotonic() + within
    while not condition() and time.monotonic() < end:
        time.sleep(0.001)
