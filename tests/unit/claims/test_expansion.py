"""A claim that asks for more than its volume has (row 12 of the public cases)."""

from __future__ import annotations

import pytest

from holdfast.claims import expansion
from holdfast.claims.objects import Claim, parse_claim
from tests.unit.claims.given import UID, claim_json, volume


def bound(size: str, capacity: str, volume_name: str = f"pvc-{UID}") -> Claim:
    obj = claim_json(resources={"requests": {"storage": size}}, volumeName=volume_name)
    if capacity:
        obj["status"] = {"capacity": {"storage": capacity}}
    return parse_claim(obj)


@pytest.mark.parametrize(("size", "capacity"), [("2Gi", "1Gi"), ("1025Mi", "1Gi"), ("2G", "1Gi")])
def test_one_that_was_made_larger_asks_for_more(size: str, capacity: str) -> None:
    """Row 12: nobody said anything."""
    assert expansion.is_asked(bound(size, capacity))


@pytest.mark.parametrize(
    ("size", "capacity"),
    [
        ("1Gi", "1Gi"),
        ("1024Mi", "1Gi"),
        ("1Gi", "2Gi"),
        ("2Gi", ""),
        ("odd", "1Gi"),
        ("1Gi", "odd"),
    ],
)
def test_one_whose_volume_is_large_enough_does_not(size: str, capacity: str) -> None:
    assert not expansion.is_asked(bound(size, capacity))


def test_one_that_has_no_volume_does_not() -> None:
    assert not expansion.is_asked(bound("2Gi", "1Gi", volume_name=""))


def test_the_answer_names_both_sizes_and_says_what_happens() -> None:
    said = expansion.answer(bound("2Gi", "1Gi"), volume())

    assert said.startswith(f"the claim asks for 2Gi, and volume pvc-{UID} has 1Gi: ")
    assert "sizes are not enforced yet" in said
    assert "nothing is expanded" in said
