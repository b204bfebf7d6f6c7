"""Each node leads packets to the pods of each other one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.holdfast.nfs.plugins.filter.pod_network import other_pod_routes, pod_routes

from tests.unit.roles.reading import HERE, load, mappings


def node(name: str, number: int, network: str | None = "") -> dict[str, Any]:
    return {
        "metadata": {"name": name},
        "spec": {"podCIDR": f"10.244.{number}.0/24"} if network == "" else {},
        "status": {
            "addresses": [
                {"type": "Hostname", "address": name},
                {"type": "InternalIP", "address": f"192.168.41.{number}"},
            ]
        },
    }


def routes(own: str, *nodes: dict[str, Any]) -> dict[str, Any]:
    return pod_routes(json.dumps({"items": nodes}), own)


def test_the_own_network_is_apart_from_the_others() -> None:
    found = routes("worker1", node("worker2", 22), node("control", 11), node("worker1", 21))

    assert found == {
        "own": "10.244.21.0/24",
        "others": [
            {"network": "10.244.11.0/24", "address": "192.168.41.11"},
            {"network": "10.244.22.0/24", "address": "192.168.41.22"},
        ],
    }


def test_a_node_alone_leads_to_no_other() -> None:
    assert routes("control", node("control", 11))["others"] == []


def test_a_node_that_has_not_joined_is_named() -> None:
    with pytest.raises(ValueError, match="no node worker1"):
        routes("worker1", node("control", 11))


def test_a_node_without_a_network_is_named_with_the_likely_cause() -> None:
    with pytest.raises(ValueError, match=r"worker1 was given no network.*may be used up"):
        routes("control", node("control", 11), node("worker1", 21, None))


NODES = json.dumps({"items": [node("control", 11), node("w1", 21), node("worker3", 23)]})


def test_each_other_machine_leads_to_all_nodes_but_itself() -> None:
    """Seen: after add_node.yml no other node reached the pods of the new one."""
    (one,) = other_pod_routes(NODES, {"worker1": "w1"})

    assert one["machine"] == "worker1"
    assert one["routes"] == pod_routes(NODES, "w1")
    assert "10.244.23.0/24" in {other["network"] for other in one["routes"]["others"]}


@pytest.mark.parametrize("text", [NODES, ""])
def test_a_machine_that_is_not_in_the_cluster_is_left_alone(text: str) -> None:
    assert other_pod_routes(text, {"worker9": "worker9"}) == []


def test_a_run_on_some_machines_sets_the_routes_of_the_others() -> None:
    roles = next(play for play in load(HERE / "playbooks/cluster.yml") if "roles" in play)["roles"]
    given = next(role for role in roles if role["role"] == "holdfast.nfs.pod_network")["vars"]
    tasks = load(HERE / "roles/pod_network/tasks/routes.yml")
    (other,) = [task for task in tasks if "pod_network_other_nodes" in str(task.get("loop"))]
    apply = other["ansible.builtin.include_tasks"]["apply"]

    assert "difference(ansible_play_hosts_all)" in given["__cluster_others"]
    assert "__cluster_others" in given["pod_network_other_nodes"]
    assert apply["delegate_to"] == "{{ __pod_network_machine }}"
    assert apply["ignore_unreachable"] is True


def test_a_node_that_was_removed_is_forgotten_by_the_others() -> None:
    """Else packets for a new node with its network go to the former one's address."""
    *_, last = load(HERE / "playbooks/remove_node.yml")
    (role,) = [task for task in mappings(last) if "ansible.builtin.include_role" in task]

    assert role["ansible.builtin.include_role"]["tasks_from"] == "refresh"
    assert "remove_node" in role["vars"]["pod_network_other_nodes"]
