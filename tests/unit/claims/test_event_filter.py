"""Which events of volumes are worth reconciling."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast.claims.constants import FINALIZER
from holdfast.claims.event_filter import needs_reconcile
from tests.unit.claims.given import ME, volume


def cared_for(**fields: Any) -> bool:
    annotations = {"pv.kubernetes.io/provisioned-by": ME.name, "holdfast.io/directory": "data"}
    metadata = {"finalizers": [FINALIZER], **fields.pop("metadata", {})}
    made = volume(**{"annotations": annotations, "metadata": metadata, "phase": "Bound", **fields})
    return needs_reconcile(made, ME)


@pytest.mark.parametrize("phase", ["Pending", "Available", "Bound", "Failed"])
def test_a_volume_that_lives_and_has_all_it_should_needs_none(phase: str) -> None:
    assert not cared_for(phase=phase)


def test_a_released_volume_does() -> None:
    assert cared_for(phase="Released")


def test_a_retained_volume_does_not_when_it_is_released() -> None:
    assert not cared_for(phase="Released", policy="Retain", metadata={"finalizers": []})


def test_one_without_the_finalizer_does() -> None:
    assert cared_for(metadata={"finalizers": []})


def test_one_that_became_retained_and_has_the_finalizer_does() -> None:
    assert cared_for(policy="Retain")


def test_one_that_may_have_no_record_does() -> None:
    assert cared_for(annotations={"pv.kubernetes.io/provisioned-by": ME.name})


def test_anothers_does_not() -> None:
    assert not cared_for(annotations={"pv.kubernetes.io/provisioned-by": "another/one"})


@pytest.mark.parametrize(
    ("phase", "does"), [("Pending", True), ("Available", True), ("Bound", False)]
)
def test_one_that_is_deleted_before_it_is_bound_does(phase: str, *, does: bool) -> None:
    deleted = {"finalizers": [FINALIZER], "deletionTimestamp": "2026-01-01T00:00:00Z"}

    assert cared_for(phase=phase, metadata=deleted) == does
