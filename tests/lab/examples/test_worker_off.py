"""A worker loses its power: what ran there runs elsewhere, with its data.

A node that is gone cannot say that its pods have ended, and no other may have their names before
they have: a person says it, with the taint out-of-service.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.examples.cluster import EXAMPLES, PATIENCE, Cluster, Space, is_ready, until

pytestmark = pytest.mark.timeout(900)
TAINT = "node.kubernetes.io/out-of-service"
REDIS = "redis-pv-sts-0"
MYAPP = [f"myapp-{number}" for number in range(3)]
PAGE = "/usr/share/nginx/html/index.html"


@pytest.fixture(scope="module", autouse=True)
def applied(space: Space) -> Iterator[None]:
    for name in ("deployment", "myapp", "redis"):
        space.apply(EXAMPLES / name)
    for what in ("deployment/nginx-deployment", "statefulset/myapp", "statefulset/redis-pv-sts"):
        space.roll_out(what)
    space.run(REDIS, "redis-cli", "set", "name", "jack")
    for name in MYAPP:
        space.run(name, "sh", "-c", f"hostname > {PAGE}; sync {PAGE}")
    yield
    space.kubectl("delete", "statefulset/myapp", "storageclass/nfs-client-storageclass")


@pytest.fixture(scope="module")
def off(cluster: Cluster, space: Space, applied: None) -> Iterator[str]:
    """The worker where redis is, without power."""
    assert applied is None
    node = str(space.pods()[REDIS]["spec"]["nodeName"])
    cluster.guest(node).kill()
    until(lambda: not node_is_ready(cluster, node), PATIENCE)
    cluster.kubectl("taint", "node", node, f"{TAINT}=nodeshutdown:NoExecute")
    yield node
    cluster.guest(node).cut_power()
    cluster.kubectl("taint", "node", node, f"{TAINT}-")
    until(lambda: node_is_ready(cluster, node), PATIENCE)


def node_is_ready(cluster: Cluster, node: str) -> bool:
    conditions = cluster.get("node", node)["status"]["conditions"]
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def test_all_pods_run_elsewhere(space: Space, off: str) -> None:
    def elsewhere() -> bool:
        pods = [pod for pod in space.pods().values() if is_ready(pod)]
        return len(pods) == 8 and off not in {pod["spec"]["nodeName"] for pod in pods}

    until(elsewhere, PATIENCE)


@pytest.mark.usefixtures("off")
def test_with_their_data(space: Space) -> None:
    assert space.run(REDIS, "redis-cli", "get", "name").strip() == "jack"
    assert [space.run(name, "cat", PAGE).strip() for name in MYAPP] == MYAPP
