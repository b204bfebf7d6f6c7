"""Paths, names and records that are unusual, or that no rule gives."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from holdfast.claims.parameters import Action
from holdfast.exports.errors import ExportError, Unsafe
from holdfast.exports.record import Taken
from tests.unit.exports.given import (
    Leading,
    adopted,
    found,
    listing,
    plan,
    published,
    visible,
)

BAD_PATHS = ["", ".", "..", "../x", "a/../b", "/etc", "a//b", "a/", ".holdfast", ".holdfast/x"]


@pytest.fixture
def export(either: Leading) -> Leading:
    """All of this holds for each implementation of the interface."""
    return either


@pytest.mark.parametrize("path", [*BAD_PATHS, "a\0b", "a\nb", "n" * 256, "\ud800", "a/" * 512])
def test_a_path_that_no_rule_gives_is_refused_here_too(
    root: Path, export: Leading, path: str
) -> None:
    before = listing(root)

    with pytest.raises(Unsafe):
        export.create(plan(directory=path))
    with pytest.raises(Unsafe):
        export.adopt(adopted(directory=path))
    assert listing(root) == before


@pytest.mark.parametrize("uid", ["/../../../../outside/file", "a/b", "x\0", "n" * 300, "\ud800"])
def test_a_volume_name_that_is_a_path_is_refused(root: Path, export: Leading, uid: str) -> None:
    before = listing(root)
    volume = f"pvc-{uid}"

    for call in (
        lambda: export.create(plan(uid)),
        lambda: export.confirm(volume),
        lambda: export.undo(volume),
        lambda: export.find(volume),
        lambda: export.adopt(adopted(uid)),
        lambda: export.reclaim(volume, uid, Action.DELETE),
        lambda: export.find(".."),
        lambda: export.undo(""),
    ):
        with pytest.raises(ExportError):
            call()
    assert listing(root) == before


@pytest.mark.parametrize(
    "directory",
    [
        "ü-日本語-🦀",
        "n" * 255,
        "ü" * 127,
        "/".join(["d"] * 64),
        "/".join(["n" * 255] * 4),
        " leading and trailing ",
        "-rf",
        "*",
        "a\\b",
        "…",
    ],
)
def test_an_unusual_name_lives_a_whole_life(root: Path, export: Leading, directory: str) -> None:
    published(export, directory=directory)
    (root / directory / "file").write_text("data")
    with pytest.raises(Taken):
        export.create(plan("2", directory.partition("/")[0]))

    assert found(export).directory == directory
    archived = export.reclaim("pvc-1", "1", Action.ARCHIVE)

    assert (root / archived.place / "file").read_text() == "data"
    assert not (root / directory).exists()
    export.create(plan("2", directory))


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "null", '{"volume": "pvc-1"}', "\ud7ff", '{"claim": 1}'],
)
def test_a_record_that_cannot_be_read_is_named_and_stops_only_its_own_volume(
    root: Path, export: Leading, content: str
) -> None:
    export.create(plan())
    other = export.create(plan("2", "other"))
    (root / ".holdfast/creating/pvc-1").write_text(content)

    with pytest.raises(Unsafe, match="pvc-1"):
        export.find("pvc-1")
    assert export.unconfirmed() == [other]
    export.confirm("pvc-2")


@pytest.mark.parametrize(
    "change",
    [
        {"directory": "../outside/folder"},
        {"target": "../outside/folder"},
        {"target": ".holdfast/volumes"},
        {"volume": "pvc-2"},
        {"claim": 1},
    ],
)
def test_a_record_that_somebody_edited_does_not_lead_out_of_the_export(
    root: Path, export: Leading, change: dict[str, object]
) -> None:
    published(export)
    record = root / ".holdfast/volumes/pvc-1"
    record.write_text(json.dumps(json.loads(record.read_text()) | change))

    with pytest.raises(Unsafe, match=r"the record \.holdfast/…/pvc-1"):
        export.reclaim("pvc-1", "1", Action.DELETE)
    assert visible(root) == ["team", "team/data"]
