"""An upgrade goes on where it was broken off, and is refused where it would break something."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.roles.kubernetes_node.cluster import OLD, WANTED, cluster
from tests.unit.roles.kubernetes_node.upgrading import Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_an_upgrade_broken_off_after_the_api_server_is_gone_on_with(site: Site) -> None:
    scheduler = {"kube-scheduler": f"registry.k8s.io/kube-scheduler:{OLD}"}

    (called,) = site.upgrade(cluster(**scheduler))

    assert called.startswith("kubeadm upgrade apply ")


def test_what_a_failed_upgrade_left_is_not_said_to_be_rolled_back(site: Site) -> None:
    """kubeadm may have upgraded the API server, and another run goes on from there."""
    site.ends = "echo 'error: timed out' >&2; exit 1"

    done = site.try_to_upgrade(cluster(**{"kube-scheduler": f"x/kube-scheduler:{OLD}"}))

    said = " ".join(done.stdout.split())
    assert "kubeadm may have upgraded some of its parts. Fix the cause" in said
    assert "error: timed out" in said
    assert "rolled" not in said


def test_a_control_plane_that_is_upgraded_is_left_alone(site: Site) -> None:
    assert site.upgrade(cluster()) == []


def test_a_worker_is_upgraded_once_its_control_plane_is(site: Site) -> None:
    done = site.try_to_upgrade(cluster(), machine="worker1")

    assert done.returncode == 0, done.stdout + done.stderr


def test_a_worker_is_not_upgraded_before_its_control_plane(site: Site) -> None:
    """As with --limit worker1: a kubelet must not be newer than the API server."""
    proxy = {"kube-proxy": f"registry.k8s.io/kube-proxy:{OLD}"}

    done = site.try_to_upgrade(cluster(**proxy), machine="worker1")

    assert done.returncode != 0
    assert f"kube-proxy runs {OLD}" in " ".join(done.stdout.split())
    assert site.calls.read_text() == ""


def test_a_node_is_not_drained_for_the_machine_of_another(site: Site) -> None:
    """Seen: with two addresses exchanged, worker1 was drained for the upgrade of worker2."""
    site.state = {"name": "worker2"}

    done = site.try_to_upgrade(cluster(), machine="worker1", node=OLD)

    assert done.returncode != 0
    assert "worker1 should be the node worker1, but is worker2" in " ".join(done.stdout.split())
    assert site.calls.read_text() == ""


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        ({"running": True}, "kubeadm runs on control"),
        (
            {"unfinished": True, "configuration": f"kubernetesVersion: {OLD}\nkind: ClusterConfig"},
            "is not complete",
        ),
    ],
)
def test_no_second_kubeadm_is_started_beside_one_that_has_not_ended(
    site: Site, state: dict[str, Any], sentence: str
) -> None:
    site.state = state

    done = site.try_to_upgrade(cluster(configuration=OLD), server=WANTED)

    assert done.returncode != 0
    assert sentence in " ".join(done.stdout.split())
    assert site.calls.read_text() == ""
