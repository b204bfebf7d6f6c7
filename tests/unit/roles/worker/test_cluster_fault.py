"""A node of another cluster is left as it is, and no advice destroys it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.holdfast.nfs.plugins.filter.worker import cluster_fault

from tests.unit.roles.reading import HERE, load

OURS = {"authority": "a" * 64}
NODE: dict[str, Any] = {"node": True, "authority": "a" * 64}


def fault(state: dict[str, Any], cluster: dict[str, Any] = OURS) -> str:
    return cluster_fault(NODE | state, cluster, "worker1", "control")


@pytest.mark.parametrize("state", [{}, {"node": False, "authority": "b" * 64}])
def test_a_node_of_the_cluster_and_a_machine_in_none_are_not_refused(state: dict[str, Any]) -> None:
    assert fault(state) == ""


@pytest.mark.parametrize(
    ("state", "cluster"),
    [({"authority": "b" * 64}, OURS), ({"authority": ""}, OURS), ({}, {"authority": ""})],
)
def test_any_other_node_is_refused(state: dict[str, Any], cluster: dict[str, Any]) -> None:
    assert fault(state, cluster).startswith("worker1 is a node of another cluster than that of con")


def test_what_destroys_the_node_is_named_last_and_with_what_it_costs() -> None:
    """Seen: where ansible_host was mistyped, the first advice was to reset a stranger's node."""
    said = fault({"authority": "b" * 64})
    places = [
        said.index(one)
        for one in (
            "Correct ansible_host of this machine, or name another machine",
            "Only if that cluster is gone, or may lose this node with the pods on it",
            "kubernetes_node_remove_any=true",
        )
    ]

    assert places == sorted(places)


def test_the_role_refuses_it() -> None:
    tasks = load(HERE / "roles/worker/tasks/preflight.yml")
    (task,) = [one for one in tasks if one["name"] == "Refuse a node of another cluster"]

    assert "holdfast.nfs.cluster_fault(__worker_cluster" in task["vars"]["__worker_fault"]
