"""Whatever people write into labels, annotations and patterns, a path stays beneath the root.

Design, rule 1: empty, absolute, `..`, over-long, control characters and `.holdfast` in any case of
letters are refused.

The rules are written down here a second time, on purpose in another way than in the code.
"""

from __future__ import annotations

import posixpath
import re
import string
import uuid

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from holdfast.claims.decide import directory_for
from holdfast.claims.errors import Refused
from holdfast.claims.parameters import read
from holdfast.claims.path_pattern import FIELDS
from holdfast.claims.paths import (
    archive_name,
    cleaned,
    components,
    directory_name,
    overlap,
    parents_of,
)
from tests.unit.claims.given import claim

# Text that people would attack a path with, mixed with any text at all.
NASTY = st.sampled_from(
    [
        "",
        "/",
        "..",
        ".",
        "./",
        "../",
        "//",
        ".holdfast",
        ".HOLDfast",
        "\0",
        "\n",
        "\ud800",
        "\x85",
        "ü" * 128,
    ]
)
ANY = st.text(st.characters(exclude_categories=()), max_size=30)
TEXT = st.lists(NASTY | ANY | st.just("n" * 250), max_size=5).map("".join)
KEYS = st.sampled_from(["a", "example.com/b", "KEY"])
MAPS = st.dictionaries(KEYS, TEXT, max_size=3)
FIELD = st.sampled_from([*FIELDS, "${.PVC.labels.a}", "${.PVC.annotations.example.com/b}"])
PATTERNS = st.lists(FIELD | TEXT | st.just("/"), max_size=6).map("".join)

DNS_LABEL = st.text(string.ascii_lowercase + string.digits + "-", min_size=1, max_size=63)
DNS_NAME = st.text(string.ascii_lowercase + string.digits + "-.", min_size=1, max_size=253)
VOLUMES = st.uuids().map(lambda uid: f"pvc-{uid}")


def assert_safe(path: str) -> None:
    raw = path.encode("utf-8")  # fails for surrogates
    assert 0 < len(raw) <= 1024
    assert not re.search(rb"[\x00-\x1f\x7f]|\xc2[\x80-\x9f]", raw)
    assert not path.startswith("/")
    assert not path.endswith("/")
    for name in raw.split(b"/"):
        assert 0 < len(name) <= 255
        assert name.strip(b".") or len(name) > 2
        assert not re.match(rb"\.holdfast", name, re.IGNORECASE)


@given(pattern=PATTERNS, labels=MAPS, annotations=MAPS)
@example(pattern="${.PVC.labels.a}", labels={"a": ".."}, annotations={})
@example(pattern="a/${.PVC.labels.a}", labels={"a": "b/../.."}, annotations={})
def test_any_pattern_is_refused_or_gives_a_path_beneath_the_root(
    pattern: str, labels: dict[str, str], annotations: dict[str, str]
) -> None:
    one = claim(labels=labels, annotations=annotations)
    try:
        path = directory_for(one, read({"pathPattern": pattern}), "pvc-1")
    except Refused as refused:
        assert refused.message.isprintable()  # noqa: PT017 - either end is right
    else:
        assert_safe(path)


@given(path=TEXT | PATTERNS)
def test_components_are_the_path_and_nothing_is_cleaned_up(path: str) -> None:
    try:
        names = components(path)
    except Refused:
        return
    assert "/".join(names) == path
    assert_safe(path)


@given(path=st.lists(st.sampled_from(["a", ".", "..", "", ".b"]), max_size=6).map("/".join))
def test_a_cleaned_path_is_what_posix_makes_of_it_unless_it_goes_up(path: str) -> None:
    expected = posixpath.normpath("/" + path).strip("/")

    assert cleaned(path) == (None if ".." in path.split("/") else expected)


@given(namespace=DNS_LABEL, name=DNS_NAME, volume=VOLUMES)
@example(namespace="n" * 63, name="c" * 253, volume=f"pvc-{uuid.UUID(int=0)}")
def test_a_default_name_is_safe_ends_with_the_volume_and_is_always_the_same(
    namespace: str, name: str, volume: str
) -> None:
    path = directory_name(namespace, name, volume)

    assert_safe(path)
    assert "/" not in path
    assert path.endswith(f"-{volume}")
    assert path == directory_name(namespace, name, volume)
    whole = f"{namespace}-{name}-{volume}"
    assert path == whole or len(whole) > 255


@given(one=st.tuples(DNS_LABEL, DNS_NAME, VOLUMES), other=st.tuples(DNS_LABEL, DNS_NAME, VOLUMES))
@example(one=("a-b", "c", "pvc-1"), other=("a", "b-c", "pvc-2"))
@example(one=("n" * 63, "c" * 252 + "1", "pvc-1"), other=("n" * 63, "c" * 252 + "2", "pvc-2"))
def test_default_names_of_two_volumes_differ(
    one: tuple[str, str, str], other: tuple[str, str, str]
) -> None:
    if one[2] != other[2]:
        assert directory_name(*one) != directory_name(*other)


def test_cut_names_of_one_volume_differ_by_their_hash() -> None:
    names = {directory_name("n" * 63, "c" * 252 + end, "pvc-1") for end in "123"}

    assert len(names) == 3
    assert {len(name) for name in names} == {255}


@pytest.mark.parametrize("letters", [121, 122])
def test_a_name_is_cut_between_characters(letters: int) -> None:
    """Of one with more than one byte, a half is no text."""
    archive = archive_name("x" * (letters % 2) + "ü" * letters, "-20260101T000000Z")

    assert archive.startswith("archived-")
    assert len(archive.encode()) in {254, 255}
    assert archive.endswith("-20260101T000000Z")


@given(directory=TEXT, suffix=st.sampled_from(["", "-20260101T000000Z", "-20260101T000000Z-99"]))
def test_the_archive_of_any_directory_has_a_safe_name_at_the_root(
    directory: str, suffix: str
) -> None:
    try:
        names = components(directory)
    except Refused:
        return
    archive = archive_name(directory, suffix)

    assert_safe(archive)
    assert components(archive) == (archive,)
    assert archive.startswith("archived-")
    assert archive.endswith(suffix)
    assert names[-1] in archive or len(names[-1].encode()) + len(suffix) > 240


@given(
    one=st.lists(st.sampled_from("ab"), min_size=1, max_size=4),
    other=st.lists(st.sampled_from("ab"), min_size=1, max_size=4),
)
def test_directories_overlap_where_one_is_at_the_start_of_the_other(
    one: list[str], other: list[str]
) -> None:
    shorter = min(len(one), len(other))

    assert overlap("/".join(one), "/".join(other)) == (one[:shorter] == other[:shorter])


def test_the_longest_path_has_1024_bytes() -> None:
    path = "/".join(["n" * 204] * 5)

    assert len(components(path)) == 5
    with pytest.raises(Refused, match="more than 1024 bytes"):
        components(path + "n")


def test_a_name_that_begins_alike_is_not_within() -> None:
    assert not overlap("team", "team-b")


def test_an_empty_path_is_refused() -> None:
    with pytest.raises(Refused, match=r"^the directory's path is empty$"):
        components("")


def test_parents_come_from_the_innermost_outwards() -> None:
    assert list(parents_of("a/b/c")) == ["a/b", "a"]
    assert list(parents_of("a")) == []
