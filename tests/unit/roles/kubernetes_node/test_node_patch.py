"""A node gets its labels and taints, and keeps those that others set."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.holdfast.nfs.plugins.filter.node_patch import (
    CONTROL_PLANE,
    LABELS,
    TAINTS,
    UNTAINTED,
    node_patch,
)

Object = dict[str, Any]
OTHERS = {"key": "example.com/gpu", "effect": "NoExecute"}
KEY = f"{CONTROL_PLANE['key']}:NoSchedule"
OURS = {"key": "disk", "value": "slow", "effect": "NoSchedule"}


def node(
    labels: Object | None = None, taints: list[Object] | None = None, ours: Object | None = None
) -> Object:
    metadata = {
        "name": "worker1",
        "resourceVersion": "7",
        "labels": {"kubernetes.io/os": "linux", **(labels or {})},
        "annotations": {note: json.dumps(keys) for note, keys in (ours or {}).items()},
    }
    return {"metadata": metadata, "spec": {"taints": taints} if taints else {}}


def patch(now: Object, labels: Object | None = None, *taints: Object, **other: Any) -> Object:
    wanted = {"labels": labels or {}, "taints": list(taints), "takes_pods": False, **other}
    return node_patch(json.dumps({"items": [now]}), "worker1", wanted)


def test_a_node_that_has_what_is_wanted_is_left_alone() -> None:
    assert patch(node()) == {}
    assert patch(node({"disk": "ssd"}, ours={LABELS: ["disk"]}), {"disk": "ssd"}) == {}
    assert patch(node(taints=[OTHERS])) == {}


def test_a_label_is_set_and_noted_as_ours() -> None:
    assert patch(node(), {"disk": "ssd"}) == {
        "metadata": {
            "labels": {"disk": "ssd"},
            "annotations": {LABELS: '["disk"]'},
            "resourceVersion": "7",
        }
    }


def test_a_label_of_ours_that_is_wanted_no_longer_is_removed() -> None:
    found = patch(node({"disk": "ssd", "zone": "a"}, ours={LABELS: ["disk"]}))

    assert found["metadata"]["labels"] == {"disk": None}
    assert found["metadata"]["annotations"] == {LABELS: None}


def test_a_value_is_text_as_labels_are() -> None:
    """An inventory may be INI, or YAML with a number."""
    assert patch(node(), {"rack": 7})["metadata"]["labels"] == {"rack": "7"}
    assert patch(node({"rack": "7"}, ours={LABELS: ["rack"]}), {"rack": 7}) == {}


def test_a_taint_is_added_to_those_of_others() -> None:
    found = patch(node(taints=[OTHERS]), {}, OURS)

    assert found["spec"]["taints"] == [OURS, OTHERS]
    assert found["metadata"]["annotations"] == {TAINTS: '["disk:NoSchedule"]'}


def test_a_taint_of_ours_that_is_wanted_no_longer_is_removed() -> None:
    found = patch(node(taints=[OTHERS, OURS], ours={TAINTS: ["disk:NoSchedule"]}))

    assert found["spec"]["taints"] == [OTHERS]


def test_a_control_plane_is_untainted_so_that_it_takes_pods() -> None:
    found = patch(node(taints=[CONTROL_PLANE, OTHERS]), takes_pods=True)

    assert found["spec"]["taints"] == [OTHERS]
    assert found["metadata"]["annotations"] == {UNTAINTED: f'["{KEY}"]'}
    assert patch(node(taints=[OTHERS], ours={UNTAINTED: [KEY]}), takes_pods=True) == {}


def test_a_taint_that_these_roles_took_comes_back() -> None:
    found = patch(node(ours={UNTAINTED: [KEY]}))

    assert found["spec"]["taints"] == [CONTROL_PLANE]
    assert found["metadata"]["annotations"] == {UNTAINTED: None}


@pytest.mark.parametrize("takes_pods", [True, False])
def test_a_taint_that_somebody_else_took_stays_away(*, takes_pods: bool) -> None:
    assert patch(node(), takes_pods=takes_pods) == {}


def test_a_node_that_is_not_there_is_an_error_with_its_name() -> None:
    with pytest.raises(ValueError, match="no node worker2"):
        node_patch(
            json.dumps({"items": [node()]}),
            "worker2",
            {"labels": {}, "taints": [], "takes_pods": False},
        )
