"""The cluster is ready when its nodes and its DNS are, and not while nobody can say so."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.holdfast.nfs.plugins.filter.pod_network import cluster_is_ready

Object = dict[str, Any]


def item(kind: str, condition: str, status: str = "True", name: str = "control") -> Object:
    conditions = [{"type": condition, "status": status}]
    return {"kind": kind, "metadata": {"name": name}, "status": {"conditions": conditions}}


NODE = item("Node", "Ready")
DOWN = item("Node", "Ready", "Unknown", "worker1")
DNS = item("Deployment", "Available")


@pytest.mark.parametrize(
    ("items", "ready"),
    [
        ([NODE, DNS], True),
        ([item("Node", "Ready", "Unknown"), DNS], False),
        ([NODE, item("Deployment", "Available", "False")], False),
        ([NODE, item("Deployment", "Progressing")], False),
        ([NODE, {"kind": "Deployment", "status": {}}], False),
        ([NODE], False),
        ([DNS], False),
        ([], False),
    ],
)
def test_it_is_ready_when_all_of_it_is(items: list[Object], ready: bool) -> None:  # noqa: FBT001
    assert cluster_is_ready(json.dumps({"items": items}), ["control"]) is ready


def test_without_an_answer_it_is_not() -> None:
    assert not cluster_is_ready("", ["control"])


def test_a_node_that_is_down_holds_up_nobody_who_does_not_ask_for_it() -> None:
    text = json.dumps({"items": [NODE, DOWN, DNS]})

    assert cluster_is_ready(text, ["control"])
    assert not cluster_is_ready(text, ["control", "worker1"])


def test_a_node_that_has_not_joined_is_waited_for() -> None:
    assert not cluster_is_ready(json.dumps({"items": [NODE, DNS]}), ["control", "worker2"])
