"""Labels and taints that no node can have are refused before anything is changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.nfs.plugins.filter.label_faults import label_faults

from tests.unit.roles.playing import Site
from tests.unit.roles.reading import HERE, load

LONG = "a" * 63


def of_labels(**labels: object) -> list[str]:
    return label_faults(labels, [], "worker1")


def of_taints(*taints: dict[str, object]) -> list[str]:
    return label_faults({}, taints, "worker1")


def taint(key: object = "disk", effect: object = "NoSchedule", **more: object) -> dict[str, object]:
    return {"key": key, "effect": effect, **more}


@pytest.mark.parametrize("value", ["ssd", "", "a.b_c-D", 7, 4.2, LONG])
def test_what_kubernetes_takes_is_not_refused(value: object) -> None:
    assert of_labels(disk=value) == []
    assert of_taints(taint(value=value)) == []


@pytest.mark.parametrize("key", ["disk", "a", LONG, "example.com/disk", "K8s.x_y-z"])
def test_a_key_may_have_a_domain(key: str) -> None:
    assert of_labels(**{key: "x"}) == []
    assert of_taints(taint(key)) == []


@pytest.mark.parametrize(
    "key",
    ["", "a b", "-a", "a-", "a" * 64, "/disk", "example.com/", "A.com/disk", "a/b/c", 7, None],
)
def test_a_key_of_the_wrong_form_is_refused_with_variable_machine_and_remedy(key: Any) -> None:
    (label,) = label_faults({key: "x"}, [], "worker1")
    (fault,) = of_taints(taint(key))

    told = f'"{key}"' if isinstance(key, str) else str(key)
    assert label.startswith(
        f"kubernetes_node_labels on worker1: {told} is no key of a label; a key has up to 63"
    )
    assert fault.startswith(f"kubernetes_node_taints on worker1: {told} is no key of a taint; ")


@pytest.mark.parametrize("value", ["a b", "-a", "a-", "a" * 64, "a/b", "ä", ["x"], {"x": 1}])
def test_a_value_of_the_wrong_form_is_refused(value: object) -> None:
    (label,) = of_labels(zone=value)
    (fault,) = of_taints(taint(value=value))

    assert label.startswith("kubernetes_node_labels on worker1: zone has the value ")
    assert fault.startswith("kubernetes_node_taints on worker1: disk has the value ")


def test_a_label_without_a_value_does_not_become_the_word_none() -> None:
    (label,) = of_labels(zone=None)
    (fault,) = of_taints(taint(value=None))

    assert label == (
        'kubernetes_node_labels on worker1: zone has no value; write "" for an empty one, or '
        "remove the line."
    )
    assert "disk has no value" in fault
    assert of_taints(taint()) == []


def test_a_yes_does_not_become_the_word_true_with_a_capital() -> None:
    (fault,) = of_labels(gpu=True)

    assert fault == (
        "kubernetes_node_labels on worker1: gpu is true, which YAML takes for a yes or no; put it "
        "in quotes."
    )


@pytest.mark.parametrize("effect", [None, "noSchedule", ""])
def test_an_effect_is_one_of_three(effect: object) -> None:
    (fault,) = of_taints(taint(effect=effect))

    assert "is no effect of a taint; use one of NoSchedule, PreferNoSchedule, NoExecute." in fault


def test_a_key_and_an_effect_are_there_once() -> None:
    (fault,) = of_taints(taint(value="a"), taint(value="b"), taint(effect="NoExecute"))

    assert "disk with the effect NoSchedule is there 2 times" in fault


@pytest.mark.parametrize("entry", ["preflight", "labels"])
def test_they_are_looked_at_before_the_machine_and_the_cluster_are_asked(entry: str) -> None:
    tasks = load(HERE / f"roles/kubernetes_node/tasks/{entry}.yml")

    assert tasks[1]["ansible.builtin.include_tasks"] == "label_faults.yml"


def test_the_role_refuses_them(tmp_path: Path) -> None:
    include = {"name": "holdfast.nfs.kubernetes_node", "tasks_from": "labels"}
    task = {"name": "Label", "ansible.builtin.include_role": include}

    done = Site(tmp_path).played([task], kubernetes_node_labels={"zone": None})

    assert done.returncode != 0
    assert "kubernetes_node_labels on localhost: zone has no value" in done.stdout
