"""The cluster is ready when its nodes and its DNS are, and not while nobody can say so."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.holdfast.nfs.plugins.filter.pod_network import cluster_is_ready

Object = dict[str, Any]


def item(kind: str, condition: str, status: str = "True") -> Object:
    return {"kind": kind, "status": {"conditions": [{"type": condition, "status": status}]}}


NODE = item("Node", "Ready")
DNS = item("Deployment", "Available")


@pytest.mark.parametrize(
    ("items", "ready"),
    [
        ([NODE, NODE, DNS], True),
        ([NODE, item("Node", "Ready", "Unknown"), DNS], False),
        ([NODE, item("Deployment", "Available", "False")], False),
        ([NODE, item("Deployment", "Progressing")], False),
        ([NODE, {"kind": "Deployment", "status": {}}], False),
        ([NODE], False),
        ([DNS], False),
        ([], False),
    ],
)
def test_it_is_ready_when_all_of_it_is(items: list[Object], ready: bool) -> None:  # noqa: FBT001
    assert cluster_is_ready(json.dumps({"items": items})) is ready


def test_without_an_answer_it_is_not() -> None:
    assert not cluster_is_ready("")
