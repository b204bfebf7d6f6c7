"""Exports on two servers, one of which hangs; a leader is killed and the list is changed."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from testbed.lab.interface import Lab, Wish
from testbed.waiting import until
from tests.lab.disks import Disks
from tests.lab.examples.cluster import Cluster, cluster_of
from tests.lab.replicas import Replicas
from tests.lab.several_exports import (
    EXPORTS,
    NAMESPACE,
    Several,
    second_server,
    several_of,
    variables,
)
from tests.lab.site import play, standing

pytestmark = pytest.mark.timeout(2400)

PATIENCE = 300.0  # seconds: the cluster's machines are slow
AT_FIRST = {"one", "two", "three", "hung"}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """All four machines, and on them what site.yml builds, with a second NFS server."""
    folder = tmp_path_factory.mktemp("inventory")
    (folder / "second.yml").write_text(second_server())
    (folder / "variables.json").write_text(variables())
    with standing("test-several", Wish()) as made:
        play(made, "-i", f"{folder}/second.yml", "-e", f"@{folder}/variables.json", "site.yml")
        yield made


@pytest.fixture
def cluster(whole: Lab, tmp_path: Path) -> Cluster:
    return cluster_of(whole, tmp_path)


def test_exports_are_served_beside_one_that_hangs_while_a_leader_is_killed_and_the_list_changed(
    cluster: Cluster,
) -> None:
    several, disks = several_of(cluster), Disks(cluster.guest("nfs"))
    cluster.kubectl("create", "namespace", NAMESPACE)
    several.list_only(AT_FIRST)
    await_served(several, AT_FIRST)
    burst(several, range(100))
    several.claim("three", range(5))
    await_bound(several, "three", 5)
    several.write("three", several.bound("three"))

    disks.stop()
    several.claim("hung", range(5))
    burst(several, range(100, 200))
    several.list_only({"one", "two", "four", "hung"})
    several.claim("four", range(20))
    await_bound(several, "four", 20)
    await_state(several, "three", "removed")
    others = set[str]()
    burst(several, range(200, 300), lambda: others.update(kill_leader_of(several, "one")))
    assert several.bound("hung") == {}
    several.delete("one-0", "two-1")
    disks.start()
    await_bound(several, "hung", 5)

    for export in ("one", "two", "four", "hung"):
        several.write(export, several.bound(export))
    for export in EXPORTS:
        await_consistent(several, export)
    assert several.bound("three").keys() == {f"three-{number}" for number in range(5)}
    assert not restarted(cluster, others)


def await_served(several: Several, names: set[str]) -> None:
    until(lambda: set(several.leaders()) == names, PATIENCE, f"{names} are served", pause=1.0)


def await_state(several: Several, name: str, state: str) -> None:
    until(lambda: several.states()[name][1] == state, PATIENCE, f"{name} is {state}", pause=1.0)


def await_bound(several: Several, export: str, number: int) -> None:
    what = f"{number} claims of {export} are bound"
    until(lambda: len(several.bound(export)) == number, PATIENCE, what, pause=1.0)


def await_consistent(several: Several, export: str) -> None:
    left: list[str] = []

    def is_settled() -> bool:
        left[:] = several.oddities(export)
        return not left

    with suppress(TimeoutError):  # what was released is reclaimed, and the trash emptied
        until(is_settled, PATIENCE, pause=2.0)
    assert left == []


def burst(several: Several, numbers: range, meanwhile: Callable[[], None] = lambda: None) -> None:
    """Claims of two exports, until all are bound."""
    begun = time.monotonic()
    several.claim("one", numbers[::2])
    several.claim("two", numbers[1::2])
    meanwhile()
    await_bound(several, "one", numbers.stop // 2)
    await_bound(several, "two", numbers.stop // 2)
    seconds = time.monotonic() - begun
    sys.stdout.write(f"{len(numbers)} claims in {seconds:.1f} s\n")


def kill_leader_of(several: Several, export: str) -> set[str]:
    """Kills the replica that leads an export; returns the names of the others."""
    leader = several.leaders()[export]
    pods = {pod["metadata"]["name"]: pod for pod in Replicas(several.cluster).pods()}
    node = pods[leader]["spec"]["nodeName"]
    # In brackets, so that it is not the shell with this line that is found.
    several.cluster.guest(node).ssh("sudo pkill -9 -f '[h]oldfast run'")
    return set(pods) - {leader}


def restarted(cluster: Cluster, names: set[str]) -> list[str]:
    """Those of the replicas that are gone or were restarted."""
    pods = {pod["metadata"]["name"]: pod for pod in Replicas(cluster).pods()}
    return [
        name
        for name in names
        if name not in pods
        or any(one["restartCount"] for one in pods[name]["status"]["containerStatuses"])
    ]
