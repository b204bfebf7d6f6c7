"""docs/walkthrough.md: what it says is typed, and what it says comes back, does."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import ExitStack

import pytest

from testbed.programs import find_program
from testbed.programs.recipes import KUBECTL
from tests.lab.examples.cluster import Cluster, find_cluster
from tests.lab.examples.typed import Command, chapters
from tests.lab.seeds import EXPORT
from tests.lab.site import CHECKOUT

pytestmark = pytest.mark.timeout(1200)
CHAPTERS = chapters(CHECKOUT / "docs/walkthrough.md")
_MARK = r"\0"  # after what each command brings
# Their namespaces or classes are there only once in a cluster, and have tests of their own.
ONLY_ONCE = ("httpd-own-namespace", "myapp")
NAMESPACES = ("names", "dns", "versions", "work", "volumes", "redis", "database")


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory, cluster: Cluster) -> Iterator[Cluster]:
    """The cluster with a kubeconfig of this file's own: the document changes its namespace."""
    with alone(cluster, ONLY_ONCE):
        clear(cluster)
    yield find_cluster(tmp_path_factory.mktemp("walkthrough"))
    with alone(cluster, ONLY_ONCE):
        clear(cluster)


def alone(cluster: Cluster, examples: Iterable[str]) -> ExitStack:
    """Keep the tests of these examples waiting until the end of the block."""
    stack = ExitStack()
    for example in examples:
        stack.enter_context(cluster.alone(example))
    return stack


def clear(cluster: Cluster) -> None:
    """What an earlier run was broken off in, and the volumes that the document leaves."""
    walked = [f"walk-{name}" for name in NAMESPACES]
    cluster.kubectl("delete", "namespace", *walked, "xgp-lll", "--ignore-not-found", deadline=300)
    classes = ("stateful-nfs", "nfs-client-storageclass")
    cluster.kubectl("delete", "storageclass", *classes, "--ignore-not-found")
    kept = [
        volume["metadata"]["name"]
        for volume in cluster.get("pv")["items"]
        if volume["spec"].get("claimRef", {}).get("namespace") == "xgp-lll"
    ]
    if kept:
        cluster.kubectl("delete", "pv", *kept)
    cluster.guest("nfs").ssh(f"sudo rm --recursive --force {EXPORT}/*walk-* {EXPORT}/*xgp-lll-*")


def typed(cluster: Cluster, commands: list[Command]) -> list[str]:
    """What comes back of each command of a block, by whichever stream."""
    words = [f"{command.text}\nprintf '{_MARK}'" for command in commands]
    [machine] = {command.machine for command in commands}
    if machine:
        return cluster.guest(machine).ssh("\n".join(words)).split("\0")[:-1]
    folder = find_program(KUBECTL).parent
    done = subprocess.run(
        [*cluster.lab.inside(), "bash", "-c", "\n".join(words)],
        cwd=CHECKOUT,
        env=os.environ
        | {"KUBECONFIG": str(cluster.kubeconfig), "PATH": f"{folder}:{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=900,
        check=False,
    )
    return done.stdout.split("\0")[:-1]


@pytest.mark.parametrize("title", CHAPTERS)
def test_what_is_typed_brings_what_is_said(own: Cluster, title: str) -> None:
    blocks = CHAPTERS[title]
    text = " ".join(command.text for block in blocks for command in block)

    with alone(own, [example for example in ONLY_ONCE if f"examples/{example}" in text]):
        for block in blocks:
            for command, output in zip(block, typed(own, block), strict=True):
                assert command.fits(output), f"$ {command.text}\n{output}"
