"""One run of a seed: random steps, then the checks."""

from __future__ import annotations

import os
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from kubernetes.client import Configuration

from holdfast.exports.export import Export
from holdfast.kube.api import Api
from tests.fake.apiserver import FakeApiServer
from tests.search import checks
from tests.search.beside import without_waiting
from tests.search.cluster import Cluster
from tests.search.faults import Faults
from tests.search.inodes import reused_inodes
from tests.search.scenario import Scenario, scenario_of
from tests.search.world import World
from tests.unit.controller.given import ID

_STEPS = 250  # of each cluster


@dataclass(frozen=True, slots=True)
class Result:
    """What a run has shown.

    Attributes:
        seed: it repeats the run.
        scenario: what could happen.
        problems: what does not hold at the end.
        log: every step.
    """

    seed: int
    scenario: Scenario
    problems: tuple[str, ...]
    log: tuple[str, ...]

    def report(self) -> str:
        """Problems and log, to be read from the top."""
        title = f"seed {self.seed} ({self.scenario.name})"
        options = f"--kind {self.scenario.name} --seeds {self.seed}:1"
        repeat = f"make search ARGS='{options}' repeats it"
        return "\n".join([f"{title}; {repeat}", *self.problems, "", *self.log])


def run(seed: int, scenario: Scenario | None = None) -> Result:
    """Runs one seed, of its own kind if no other is given."""
    scenario, log = scenario or scenario_of(seed), list[str]()
    try:
        problems = _run(seed, scenario, log)
    except Exception:  # noqa: BLE001 - a run that cannot go on has found something: its log counts
        problems = [traceback.format_exc()]
    return Result(seed, scenario, tuple(problems), tuple(log))


def _run(seed: int, scenario: Scenario, log: list[str]) -> list[str]:
    with ExitStack() as stack:
        faults, root = Faults(), Path(stack.enter_context(_folder()))
        Export(root).initialise(ID)
        stack.enter_context(without_waiting())
        if scenario.reuses_inodes:
            stack.enter_context(reused_inodes())
        stack.enter_context(faults.injected())
        worlds = []
        for name in "ab"[: scenario.clusters]:
            server = stack.enter_context(FakeApiServer())
            api = stack.enter_context(_client(server))
            cluster = Cluster(name, api, server, root, Random(f"{seed}{name}"), log)
            worlds.append(stack.enter_context(_closing(World(cluster, scenario, faults))))
        return _problems(worlds, root, Random(seed))


def _problems(worlds: list[World], root: Path, random: Random) -> list[str]:
    for world in worlds:
        world.people.others = tuple(one.cluster for one in worlds if one is not world)
    for _ in range(_STEPS * len(worlds)):
        random.choice(worlds).step()
    settled = [(world.cluster.name, world.settle()) for world in worlds * len(worlds)]
    problems = [f"cluster {name} does not come to rest" for name, rests in settled if not rests]
    problems += checks.of_export(root, {one for world in worlds for one in world.cluster.inherited})
    for world in worlds:
        problems += checks.of_cluster(world)
        _tell_end(world)
    return problems


def _tell_end(world: World) -> None:
    for volume in world.cluster.volumes():
        world.cluster.say("volume", volume["metadata"], volume["spec"], volume.get("status"))
    for said in world.replicas.process.said():
        world.cluster.say(*said)


@contextmanager
def _client(server: FakeApiServer) -> Iterator[Api]:
    """It waits for as long as what happens beside a request may take."""
    api = Api(Configuration(host=server.url), connect_timeout=5.0, read_timeout=60.0)
    try:
        yield api
    finally:
        api.close()


@contextmanager
def _closing(world: World) -> Iterator[World]:
    try:
        yield world
    finally:
        world.replicas.process.close()


def _folder() -> tempfile.TemporaryDirectory[str]:
    """In memory, where there is a place: syncing it costs nothing there."""
    place = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    return tempfile.TemporaryDirectory(dir=place)
