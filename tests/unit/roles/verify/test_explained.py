"""When volumes do not work, the sentence says what does not, and why."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.holdfast.nfs.plugins.module_utils.verify.objects import (
    can_run_pods,
    explain,
    failed,
    has_ended,
    pod,
)

Object = dict[str, Any]
READY = {"type": "Ready", "status": "True"}
WANTED = {"image": "busybox", "user": 65534, "namespace": "trial"}


def found(kind: str, phase: str, *containers: Object) -> Object:
    status = {"phase": phase, "containerStatuses": [{"state": state} for state in containers]}
    return {"kind": kind, "metadata": {"name": "it", "uid": "1"}, "status": status}


def event(message: str, *, kind: str = "Warning", time: str = "1", uid: str = "1") -> Object:
    return {
        "kind": "Event",
        "type": kind,
        "reason": "Because",
        "message": message,
        "lastTimestamp": time,
        "involvedObject": {"uid": uid},
    }


def test_the_last_warning_says_why() -> None:
    events = [event("new", time="2"), event("old"), event("later", kind="Normal", time="3")]

    assert explain([*events, found("Pod", "Pending")]) == "pod it is Pending: Because: new"


def test_without_a_warning_the_last_event_does() -> None:
    waiting = event("Waiting for a volume to be created", kind="Normal")
    told = explain([found("PersistentVolumeClaim", "Pending"), waiting])

    assert told == "claim it is Pending: Because: Waiting for a volume to be created"


def test_somebody_elses_event_does_not() -> None:
    told = explain([found("Pod", "Pending"), event("x", uid="2")])

    assert told == "pod it is Pending: nobody has said why"


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        ({"terminated": {"exitCode": 1, "reason": "Error"}}, "it ended with 1"),
        ({"waiting": {"reason": "ErrImagePull", "message": "no such"}}, "ErrImagePull no such"),
        ({"waiting": {"reason": "ContainerCreating"}}, "ContainerCreating"),
        ({"running": {"startedAt": "1"}}, "nobody has said why"),
    ],
)
def test_without_an_event_the_containers_state_does(state: Object, sentence: str) -> None:
    assert explain([found("Pod", "Failed", state)]) == f"pod it is Failed: {sentence}"


def test_what_is_as_it_should_be_is_not_mentioned() -> None:
    assert explain([found("PersistentVolumeClaim", "Bound"), found("Pod", "Succeeded")]) == ""


@pytest.mark.parametrize(
    ("spec", "conditions", "can"),
    [
        ({}, [READY], True),
        ({}, [{"type": "Ready", "status": "Unknown"}], False),
        ({}, [], False),
        ({"taints": [{"key": "a", "effect": "NoSchedule"}]}, [READY], False),
        ({"taints": [{"key": "a", "effect": "PreferNoSchedule"}]}, [READY], True),
    ],
)
def test_a_node_counts_when_it_takes_any_pod(spec: Object, conditions: Object, can: bool) -> None:  # noqa: FBT001
    assert can_run_pods({"spec": spec, "status": {"conditions": conditions}}) is can


def test_the_pods_ask_for_nothing_that_a_restricted_namespace_refuses() -> None:
    specification = pod("writer", "true", WANTED)["spec"]
    [container] = specification["containers"]

    assert specification["securityContext"]["runAsNonRoot"] is True
    assert specification["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }


def test_the_reader_goes_elsewhere_where_there_is_an_elsewhere() -> None:
    terms = str(pod("reader", "true", WANTED, "worker1")["spec"]["affinity"])

    assert "'operator': 'NotIn', 'values': ['worker1']" in terms
    assert "affinity" not in pod("reader", "true", WANTED)["spec"]


@pytest.mark.parametrize(
    ("phase", "containers", "over", "wrong"),
    [
        ("Pending", [], False, False),
        ("Running", [{"running": {}}], False, False),
        ("Running", [{"terminated": {"exitCode": 0}}], True, False),
        ("Running", [{"terminated": {"exitCode": 1}}], True, True),
        ("Succeeded", [{"terminated": {"exitCode": 0}}], True, False),
        ("Failed", [], True, True),  # evicted, before it had a container
    ],
)
def test_a_pod_has_ended_when_its_container_has(
    phase: str, containers: list[Object], *, over: bool, wrong: bool
) -> None:
    seen = found("Pod", phase, *containers)

    assert (has_ended(seen), failed(seen)) == (over, wrong)
