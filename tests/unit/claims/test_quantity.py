"""Quantities as the API server compares them."""

from __future__ import annotations

from fractions import Fraction

import pytest

from holdfast.claims import quantity


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("1024", 1024),
        ("1Ki", 1024),
        ("1.5Gi", 3 * 2**29),
        (".5Mi", 2**19),
        ("2.", 2),
        ("1k", 1000),
        ("5G", 5 * 10**9),
        ("1e9", 10**9),
        ("1E3", 1000),
        ("1E", 10**18),
        ("1Ei", 2**60),
        ("1500m", Fraction(3, 2)),
        ("-1Mi", -(2**20)),
        ("1e-3", Fraction(1, 1000)),
        ("1n", Fraction(1, 10**9)),
        ("1u", Fraction(1, 10**6)),
        ("1M", 10**6),
        ("1T", 10**12),
        ("1P", 10**15),
        ("1Ti", 2**40),
        ("1Pi", 2**50),
    ],
)
def test_a_quantity_is_a_number(text: str, number: int | Fraction) -> None:
    assert quantity.parse(text) == number


@pytest.mark.parametrize(
    "text", ["", "Gi", "1 Gi", "1gi", "1K", "1KiB", "1e", "1,5Gi", "\u0661Gi", "1e999"]
)
def test_what_is_none_is_none(text: str) -> None:
    assert quantity.parse(text) is None
