"""A toy project whose mutants are really run, and the place where their copies are made."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mutants import baseline
from tests.unit.mutants.toy import toy


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The toy project's folder."""
    toy(tmp_path / "checkout")
    return tmp_path / "checkout"


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where copies are made; nothing may be left there."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    assert list(folder.iterdir()) == []


@pytest.fixture(autouse=True)
def _short_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A toy test that takes seconds hangs."""
    monkeypatch.setattr(baseline, "_TEST_LIMIT", (4.0, 5.0))
