"""The provisioner runs when its pods do; a node that is down holds nobody up."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.holdfast.nfs.plugins.filter.provisioner import (
    rollout_advice,
    rollout_is_done,
)

Object = dict[str, Any]
DONE = {"observedGeneration": 3, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}


def deployment(**status: Any) -> Object:
    return {
        "kind": "Deployment",
        "metadata": {"generation": 3},
        "spec": {"replicas": 2},
        "status": DONE | status,
    }


def node(name: str, ready: str) -> Object:
    conditions = [{"type": "Ready", "status": ready}]
    return {"kind": "Node", "metadata": {"name": name}, "status": {"conditions": conditions}}


def pod(where: str, **metadata: Any) -> Object:
    return {"kind": "Pod", "metadata": metadata, "spec": {"nodeName": where}}


UP, DOWN = node("up", "True"), node("down", "Unknown")


def done(*items: Object) -> bool:
    nodes = [item for item in items if item["kind"] == "Node"]
    others = [item for item in items if item["kind"] != "Node"]
    return rollout_is_done(json.dumps({"items": others}), json.dumps({"items": nodes}))


def test_all_pods_of_the_present_version_are_available() -> None:
    assert done(deployment(), UP, pod("up"), pod("up"))


@pytest.mark.parametrize(
    "status",
    [
        {"observedGeneration": 2},
        {"updatedReplicas": 1},
        {"replicas": 3},
        {"availableReplicas": 1},
        {"availableReplicas": 0},
    ],
)
def test_what_is_still_to_come_is_waited_for(status: Object) -> None:
    assert not done(deployment(**status), UP, pod("up"), pod("up"))


def test_a_pod_on_a_node_that_is_down_is_not_waited_for() -> None:
    assert done(deployment(availableReplicas=1), UP, DOWN, pod("up"), pod("down"))


def test_one_pod_at_least_has_to_be_ready() -> None:
    assert not done(deployment(availableReplicas=0), DOWN, pod("down"), pod("down"))


def test_a_pod_that_is_leaving_such_a_node_has_one_in_its_place_that_is_waited_for() -> None:
    leaving = pod("down", deletionTimestamp="2026-11-28T00:00:00Z")

    assert not done(deployment(availableReplicas=1), UP, DOWN, pod("up"), leaving, pod("up"))


def test_without_an_answer_it_is_not_done() -> None:
    assert not rollout_is_done("", json.dumps({"items": [UP]}))
    assert not done(UP)


@pytest.mark.parametrize("reason", ["ErrImagePull", "ImagePullBackOff"])
def test_an_image_that_no_registry_has_comes_with_what_to_do(reason: str) -> None:
    waiting = {"image": "example.com/it:1", "state": {"waiting": {"reason": reason}}}
    lacking = {"kind": "Pod", "status": {"containerStatuses": [waiting]}}

    said = rollout_advice(json.dumps({"items": [deployment(), lacking, lacking]}))

    assert said.startswith("A node cannot pull example.com/it:1: build it with make image, which")


@pytest.mark.parametrize("waits", [{}, {"waiting": {"reason": "CrashLoopBackOff"}}])
def test_another_reason_has_no_advice(waits: Object) -> None:
    pods = [{"kind": "Pod", "status": {"containerStatuses": [{"image": "x", "state": waits}]}}]

    assert rollout_advice(json.dumps({"items": pods})) == ""
    assert rollout_advice("") == ""
