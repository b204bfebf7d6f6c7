"""JSON that is nested more deeply than Python's decoder goes."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from holdfast.kube.json_decoder import DEEPEST, loads
from tests.fake.apiserver import FakeApiServer, Fault
from tests.unit.kube.mirror import Mirror, volume

Start = Callable[..., Mirror]

LEVELS = 100_000  # more than any version of Python decodes


def nested(levels: int, inner: bytes = b"1") -> bytes:
    return b'{"f:x":[' * (levels // 2) + inner + b"]}" * (levels // 2)


def depth_of(value: object) -> int:
    depth = 0
    while isinstance(value, dict | list):
        value, depth = value["f:x"] if isinstance(value, dict) else value[0], depth + 1
    return depth


def test_json_of_usual_depth_is_decoded_whole() -> None:
    whole = nested(DEEPEST + 10)

    assert loads(whole) == json.loads(whole)


def test_what_is_nested_too_deeply_is_cut_off_and_the_rest_stays() -> None:
    text = b'[{"a": 1, "deep": %b, "b": "]}"}, %b, 2]' % (nested(LEVELS), nested(LEVELS))

    first, second, third = loads(text)

    assert (first["a"], first["b"], third) == (1, "]}", 2)
    assert depth_of(first["deep"]) == DEEPEST - 2
    assert depth_of(second) == DEEPEST - 1


@pytest.mark.parametrize(
    "inside",
    ['"}}]]"', r'"\"}}"', r'"\\"', '"ü[{"', '"' + "x" * 10**6 + '"'],
    ids=["brackets", "quote", "backslash", "not ASCII", "long"],
)
def test_brackets_in_strings_do_not_count(inside: str) -> None:
    text = b'{"deep": %b, "after": %b}' % (nested(LEVELS, inside.encode()), inside.encode())

    assert loads(text)["after"] == json.loads(inside)
    assert loads(text.decode())["after"] == json.loads(inside)


@pytest.mark.parametrize(
    "text",
    [b"[" * LEVELS, nested(LEVELS) + b"]", nested(LEVELS) + b'"[{'],
    ids=["no end", "bracket after the end", "string without end"],
)
def test_what_is_no_json_is_a_value_error(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"breaks off|Extra data"):
        loads(text)


def test_an_object_that_is_nested_deeply_hides_no_other(
    mirror: Start, server: FakeApiServer
) -> None:
    """Its author needs no more than the right to create a claim."""
    metadata = b'"metadata":{"name":"%b","resourceVersion":"%d","managedFields":[%b]}'
    deep = [metadata % (name, version, nested(LEVELS)) for name, version in ((b"a", 1), (b"b", 3))]
    plain = json.dumps(volume("c") | {"metadata": {"name": "c", "resourceVersion": "2"}}).encode()
    items = b'{"spec":{"size":1},%b},%b' % (deep[0], plain)
    listed = b'{"metadata":{"resourceVersion":"2"},"items":[%b]}' % items
    server.fail("list", Fault(200, raw=listed))
    server.script(b'{"type":"ADDED","object":{"spec":{"size":2},%b}}\n' % deep[1], "hold")

    mine = mirror()

    mine.holds(a=1, b=2, c=1)
