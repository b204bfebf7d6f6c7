"""examples/daemonset: one pod on each node that takes pods."""

from __future__ import annotations

import pytest

from tests.lab.examples.cluster import EXAMPLES, Space, one_after_the_other

pytestmark = pytest.mark.timeout(900)
NAME = "daemonset/nginx-daemonset"


@pytest.fixture(scope="module", autouse=True)
def applied(space: Space) -> None:
    space.apply(EXAMPLES / "daemonset")
    space.roll_out(NAME)


def nodes(space: Space) -> list[str]:
    return sorted(pod["spec"]["nodeName"] for pod in space.pods("app=nginx").values())


def test_there_is_one_pod_on_each_node(space: Space) -> None:
    assert nodes(space) == sorted(space.cluster.workers())


def test_another_version_comes_to_one_node_after_the_other(space: Space) -> None:
    space.kubectl("set", "image", NAME, "nginx=nginx:1.26.3")
    space.roll_out(NAME)

    pods = sorted(
        space.pods("app=nginx").values(), key=lambda pod: pod["metadata"]["creationTimestamp"]
    )
    assert {pod["spec"]["containers"][0]["image"] for pod in pods} == {"nginx:1.26.3"}
    assert nodes(space) == sorted(space.cluster.workers())
    assert one_after_the_other(pods)
