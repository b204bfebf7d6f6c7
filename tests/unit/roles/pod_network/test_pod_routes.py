"""Each node leads packets to the pods of each other one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.holdfast.nfs.plugins.filter.pod_network import pod_routes


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
