"""TestRemoveFinalizer, TestAddFinalizer, and the finalizer cases of TestController.

Source of the cases: sigs.k8s.io/sig-storage-lib-external-provisioner, controller_test.go. The
finalizers are tuples here: that the list given is never changed cannot be otherwise.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from holdfast.claims.finalizers import (
    desired_finalizers,
    finalizers_for_reclaim,
    with_finalizer,
    without_finalizer,
)
from tests.unit.claims.given import ME, NAME, volume

OURS = "external-provisioner.volume.kubernetes.io/finalizer"
THEIRS = "kubernetes.io/pv-protection"
MORE = "example.com/more"
NOW = "2026-11-21T09:00:00Z"


def test_removing_the_last_one_leaves_none() -> None:
    assert without_finalizer((OURS,)) == ()


def test_removing_what_is_absent_changes_nothing() -> None:
    assert without_finalizer((THEIRS, MORE)) == (THEIRS, MORE)


def test_removing_takes_only_mine_from_many() -> None:
    assert without_finalizer((THEIRS, OURS, MORE)) == (THEIRS, MORE)


def test_removing_from_none_leaves_none() -> None:
    assert without_finalizer(()) == ()


def test_removing_from_a_volume_that_has_no_such_field_leaves_none() -> None:
    assert without_finalizer(volume(metadata={"finalizers": None}).finalizers) == ()


def test_adding_what_is_there_changes_nothing() -> None:
    assert with_finalizer((OURS, THEIRS)) == (OURS, THEIRS)


def test_adding_to_none_gives_mine() -> None:
    assert with_finalizer(()) == (OURS,)


def test_adding_to_a_volume_that_has_no_such_field_gives_mine() -> None:
    assert with_finalizer(volume(metadata={"finalizers": None}).finalizers) == (OURS,)


def test_adding_appends_to_others() -> None:
    assert with_finalizer((THEIRS, MORE)) == (THEIRS, MORE, OURS)


def wanted(*held: str, deleting: bool = False, mine: bool = True, **fields: Any) -> tuple[str, ...]:
    metadata = {"finalizers": list(held), "deletionTimestamp": NOW if deleting else None}
    provisioner = replace(ME, finalizer=mine)
    return desired_finalizers(volume(metadata=metadata, **fields), provisioner)


def test_a_bound_volume_of_policy_delete_gets_it() -> None:
    assert wanted(THEIRS) == (THEIRS, OURS)


def test_a_volume_that_has_it_keeps_it() -> None:
    assert wanted(OURS) == (OURS,)


@pytest.mark.parametrize("policy", ["Retain", "Recycle"])
def test_a_volume_of_another_policy_loses_it(policy: str) -> None:
    assert wanted(THEIRS, OURS, policy=policy) == (THEIRS,)


def test_it_is_taken_off_where_it_is_not_wanted() -> None:
    assert wanted(OURS, THEIRS, mine=False) == (THEIRS,)


def test_a_volume_under_deletion_does_not_get_it() -> None:
    assert wanted(THEIRS, deleting=True) == (THEIRS,)


def test_a_volume_under_deletion_keeps_it() -> None:
    assert wanted(OURS, deleting=True) == (OURS,)


@pytest.mark.parametrize("phase", ["Pending", "Available", "Released", "Failed"])
def test_a_volume_that_is_not_bound_does_not_get_it(phase: str) -> None:
    assert wanted(phase=phase) == ()


@pytest.mark.parametrize("held", [(THEIRS,), (THEIRS, OURS)])
def test_a_released_volume_gets_it_only_before_its_directory_is_touched(
    held: tuple[str, ...],
) -> None:
    """The library adds none: it reclaims what was set to Delete after its release without one."""
    released = volume(metadata={"finalizers": list(held)}, phase="Released")

    assert finalizers_for_reclaim(released, ME) == (THEIRS, OURS)


def test_a_released_volume_under_deletion_does_not_get_it_either() -> None:
    metadata = {"finalizers": [THEIRS], "deletionTimestamp": NOW}
    released = volume(metadata=metadata, phase="Released")

    assert finalizers_for_reclaim(released, ME) == (THEIRS,)


def test_a_released_volume_does_not_get_it_where_it_is_not_wanted() -> None:
    released = volume(metadata={"finalizers": [THEIRS]}, phase="Released")

    assert finalizers_for_reclaim(released, replace(ME, finalizer=False)) == (THEIRS,)


def test_a_released_volume_keeps_it_until_it_is_dealt_with() -> None:
    assert wanted(OURS, phase="Released") == (OURS,)


@pytest.mark.parametrize("policy", ["Delete", "Retain"])
def test_the_volume_of_another_is_left_as_it_is(policy: str) -> None:
    other = {"pv.kubernetes.io/provisioned-by": "another/one"}

    assert wanted(OURS, policy=policy, annotations=other) == (OURS,)
    assert wanted(policy=policy, annotations=other) == ()


def test_a_static_volume_migrated_to_us_gets_it() -> None:
    assert wanted(annotations={"pv.kubernetes.io/migrated-to": NAME}) == (OURS,)


def test_a_static_csi_volume_of_ours_gets_it() -> None:
    assert wanted(annotations={}, csi={"driver": NAME}, nfs=None) == (OURS,)
