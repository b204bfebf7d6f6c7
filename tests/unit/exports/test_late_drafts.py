"""A call whose time is up leaves no draft in the folder of its term, which may last for months."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from holdfast.exports import tree
from holdfast.exports.errors import TimedOut
from holdfast.exports.interface import Grant
from tests.unit.exports.given import Leading, drafts, plan, published


@pytest.fixture
def grant(export: Leading) -> Grant:
    """The permission of a call, until `_end` ends it."""
    return Grant(export.takeover.term, 30.0)


def _end(grant: Grant) -> None:
    object.__setattr__(grant, "until", 0.0)


def test_one_that_has_written_a_file(
    root: Path, export: Leading, grant: Grant, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = tree.write_new

    def slow(*given: Any) -> None:
        write(*given)
        _end(grant)

    monkeypatch.setattr(tree, "write_new", slow)
    with pytest.raises(TimedOut):
        export.exports.create(grant, plan())

    assert drafts(root) == []


def test_one_that_has_made_a_folder(
    root: Path, export: Leading, grant: Grant, monkeypatch: pytest.MonkeyPatch
) -> None:
    mkdir = os.mkdir

    def slow(name: str, *given: int, **place: int) -> None:
        mkdir(name, *given, **place)
        if name.startswith(".draft-"):
            _end(grant)

    monkeypatch.setattr(os, "mkdir", slow)
    with pytest.raises(TimedOut):
        export.exports.create(grant, plan())

    assert drafts(root) == []


def test_one_that_is_about_to_remove_a_file(
    root: Path, export: Leading, grant: Grant, monkeypatch: pytest.MonkeyPatch
) -> None:
    export.create(plan())
    rename = os.rename

    def slow(name: str, target: str, **places: int) -> None:
        rename(name, target, **places)
        if name == "pvc-1" and target.startswith(".draft-"):
            _end(grant)

    monkeypatch.setattr(os, "rename", slow)
    with pytest.raises(TimedOut):
        export.exports.undo(grant, "pvc-1")

    assert drafts(root) == []
    published(export)
