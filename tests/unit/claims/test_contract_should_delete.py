"""TestShouldDelete and TestShouldDeleteWithFinalizer of the provisioner contract.

Source of the cases: sigs.k8s.io/sig-storage-lib-external-provisioner, controller_test.go.
"""

from __future__ import annotations

from typing import Any

from holdfast.claims.objects import Json
from holdfast.claims.reclaim_rules import is_released
from tests.unit.claims.given import ME, NAME, volume

MIGRATED = "pv.kubernetes.io/migrated-to"
PROVISIONED = "pv.kubernetes.io/provisioned-by"
FINALIZER = "external-provisioner.volume.kubernetes.io/finalizer"
NOW = "2026-11-21T09:00:00Z"


def should_delete(*, metadata: Json | None = None, **fields: Any) -> bool:
    return is_released(volume(metadata=metadata, **{"phase": "Released", **fields}), ME)


def test_released_with_policy_delete_is_deleted() -> None:
    assert should_delete()


def test_failed_is_not_deleted() -> None:
    assert not should_delete(phase="Failed")


def test_bound_is_not_deleted() -> None:
    assert not should_delete(phase="Bound")


def test_available_is_not_deleted() -> None:
    assert not should_delete(phase="Available")


def test_retain_is_not_deleted() -> None:
    assert not should_delete(policy="Retain")


def test_with_a_deletion_timestamp_it_is_not_deleted() -> None:
    assert not should_delete(metadata={"deletionTimestamp": NOW})


def test_with_a_nil_deletion_timestamp_it_is_deleted() -> None:
    assert should_delete(metadata={"deletionTimestamp": None})


def test_migrated_to_us_is_deleted() -> None:
    assert should_delete(annotations={PROVISIONED: "another/one", MIGRATED: NAME})


def test_anothers_is_not_deleted() -> None:
    assert not should_delete(annotations={PROVISIONED: "another/one"})


def test_nobodys_is_not_deleted() -> None:
    assert not should_delete(annotations={})


def test_with_our_finalizer_and_no_timestamp_it_is_deleted() -> None:
    assert should_delete(metadata={"finalizers": [FINALIZER]})


def test_with_our_finalizer_and_a_timestamp_it_is_deleted() -> None:
    assert should_delete(metadata={"finalizers": [FINALIZER], "deletionTimestamp": NOW})


def test_with_the_finalizer_of_another_and_a_timestamp_it_is_not_deleted() -> None:
    finalizers = ["kubernetes.io/pv-protection"]

    assert not should_delete(metadata={"finalizers": finalizers, "deletionTimestamp": NOW})


def test_with_our_finalizer_but_bound_it_is_not_deleted() -> None:
    assert not should_delete(metadata={"finalizers": [FINALIZER]}, phase="Bound")


def test_with_our_finalizer_but_retained_it_is_not_deleted() -> None:
    assert not should_delete(metadata={"finalizers": [FINALIZER]}, policy="Retain")
