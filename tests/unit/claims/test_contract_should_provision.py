"""TestShouldProvision, TestCanProvision and TestTopologyParams of the provisioner contract.

Source of the cases: sigs.k8s.io/sig-storage-lib-external-provisioner, controller_test.go.
"""

from __future__ import annotations

from typing import Any

from holdfast.claims.decide import Plan, Refusal, Wait, decide
from tests.unit.claims.given import (
    BETA,
    GA,
    ME,
    NAME,
    claim,
    decided,
    planned,
    refusal,
    storage_class,
)

NODE = "volume.kubernetes.io/selected-node"
TOPOLOGIES = [{"matchLabelExpressions": [{"key": "zone", "values": ["a"]}]}]


def waits_for_consumer(**fields: Any) -> Any:
    return storage_class(volumeBindingMode="WaitForFirstConsumer", **fields)


def test_provision_by_name() -> None:
    assert isinstance(decided(claim(annotations={BETA: NAME})), Plan)


def test_provision_by_additional_name() -> None:
    old = "example.com/old-name"

    assert isinstance(decided(claim(annotations={BETA: old}), storage_class(provisioner=old)), Plan)


def test_do_not_provision_what_is_already_bound() -> None:
    assert isinstance(decided(claim(volumeName="bound")), Wait)


def test_do_not_provision_without_a_class_or_an_annotation_and_call_it_no_error() -> None:
    assert isinstance(decide(claim(annotations={}), None, ME, lambda _: ()), Wait)


def test_do_not_provision_what_is_not_our_job() -> None:
    of = storage_class(provisioner="another/one")

    assert isinstance(decided(claim(annotations={BETA: "another/one"}), of), Wait)


def test_do_not_provision_with_an_unknown_annotation() -> None:
    assert isinstance(decided(claim(annotations={BETA: "unknown"})), Wait)


def test_do_not_provision_without_annotation() -> None:
    assert isinstance(decided(claim(annotations={})), Wait)


def test_do_not_provision_with_an_unknown_ga_annotation() -> None:
    assert isinstance(decided(claim(annotations={GA: "unknown"})), Wait)


def test_do_not_provision_what_waits_for_its_first_consumer() -> None:
    assert isinstance(decided(claim(annotations={BETA: NAME}), waits_for_consumer()), Wait)


def test_provision_what_waited_once_a_node_is_selected() -> None:
    one = claim(annotations={BETA: NAME, NODE: "node-1"})

    assert isinstance(decided(one, waits_for_consumer()), Plan)


def test_provision_what_waited_once_a_node_is_selected_with_the_ga_annotation() -> None:
    one = claim(annotations={GA: NAME, NODE: "node-1"})

    assert isinstance(decided(one, waits_for_consumer()), Plan)


def test_do_not_provision_what_waited_when_the_node_is_taken_back() -> None:
    assert isinstance(decided(claim(annotations={GA: NAME, NODE: ""}), waits_for_consumer()), Wait)


def test_file_systems_can_be_provisioned() -> None:
    assert planned(claim(volumeMode="Filesystem"))


def test_an_unset_volume_mode_is_a_file_system() -> None:
    assert planned(claim(volumeMode=None))


def test_block_volumes_cannot_be_provisioned() -> None:
    assert "volumeMode Block is not supported" in refusal(claim(volumeMode="Block"))


def test_without_topologies_there_is_nothing_to_refuse() -> None:
    assert planned(of=storage_class(allowedTopologies=None))


def test_allowed_topologies_are_refused() -> None:
    assert "allowedTopologies" in refusal(of=storage_class(allowedTopologies=TOPOLOGIES))


def test_a_selected_node_changes_nothing() -> None:
    assert planned(claim(annotations={GA: NAME, NODE: "node-1"})).directory == planned().directory


def test_allowed_topologies_are_refused_with_a_selected_node_too() -> None:
    result = decided(
        claim(annotations={GA: NAME, NODE: "node-1"}),
        waits_for_consumer(allowedTopologies=TOPOLOGIES),
    )

    assert isinstance(result, Refusal)
    assert "allowedTopologies" in result.message
