"""Modes and ids as people write them into settings."""

from __future__ import annotations

import pytest

from holdfast.claims.errors import Refused
from holdfast.claims.ownership import read_id, read_mode


@pytest.mark.parametrize(
    ("text", "mode"),
    [
        ("0", 0),
        ("777", 0o777),
        ("0770", 0o770),
        ("2770", 0o2770),
        ("02770", 0o2770),
        ("0o755", 0o755),
        ("7777", 0o7777),
    ],
)
def test_a_mode_is_octal(text: str, mode: int) -> None:
    assert read_mode(text) == mode


@pytest.mark.parametrize(
    "text", ["", "0o", "rwx", "888", "-1", "10000", "77777", "0x1ff", " 777", "0o0o7", "7" * 5000]
)
def test_any_other_mode_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(Refused, match="for example 0770"):
        read_mode(text)


@pytest.mark.parametrize(
    ("text", "number"), [("0", 0), ("65534", 65534), ("4294967294", 2**32 - 2)]
)
def test_an_id_is_a_number_up_to_the_largest(text: str, number: int) -> None:
    assert read_id(text) == number


@pytest.mark.parametrize(
    "text", ["", "-1", "4294967295", "99999999999", "root", "1.0", "²", "٣", " 1", "9" * 5000]
)
def test_any_other_id_is_refused_with_the_range(text: str) -> None:
    with pytest.raises(Refused, match="from 0 to 4294967294"):
        read_id(text)
