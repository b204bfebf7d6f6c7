"""A play goes on to a machine only once the plays before it are done."""

from __future__ import annotations

from typing import Any

from ansible_collections.holdfast.nfs.plugins.filter.steps import step_faults

RUN = {"__reset_machines": ["control", "worker1", "nfs"]}
DONE = RUN | {"__reset_steps": ["node"]}
NODES = {"node": ["control", "worker1"]}


def faults(needed: dict[str, list[str]], **machines: dict[str, Any]) -> list[str]:
    return step_faults({"nfs": RUN} | machines, "nfs", "reset", needed)


def test_a_machine_is_next_when_those_before_it_are_done() -> None:
    assert faults({}) == []
    assert faults(NODES, control=DONE, worker1=DONE) == []


def test_a_machine_that_is_not_done_is_named_with_the_remedy() -> None:
    (fault,) = faults(NODES, control=DONE, worker1=RUN)

    assert fault.startswith("nfs is left as it is, because worker1 failed, or was not reached, in")
    assert "--limit '!worker1'" in fault


def test_one_that_did_another_step_only_is_not_done() -> None:
    (fault,) = faults(NODES, control=DONE, worker1=RUN | {"__reset_steps": ["provisioner"]})

    assert "because worker1 failed" in fault


def test_several_are_named_once_each() -> None:
    (fault,) = faults(NODES | {"provisioner": ["control"]}, control=RUN, worker1=RUN)

    assert "because control and worker1 failed" in fault
    assert "--limit '!control:!worker1'" in fault


def test_a_machine_that_was_left_out_is_not_waited_for() -> None:
    assert faults({"node": ["control", "worker2"]}, control=DONE, worker2={}) == []


def test_nothing_is_done_without_the_first_play() -> None:
    (fault,) = step_faults({"nfs": {}}, "nfs", "reset", {})

    assert fault.startswith("nfs is left as it is, because the first play did not run")
