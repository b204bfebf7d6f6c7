"""One prepared export in a directory, with something outside of it that must stay as it is."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.exports.export import Export
from tests.unit.exports.given import export_at, listing


@pytest.fixture(autouse=True)
def _nobody_pulls_the_plug(monkeypatch: pytest.MonkeyPatch) -> None:
    """fsync matters to who pulls the plug; here it would be most of the time that tests take."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture
def memory() -> Iterator[Path]:
    """A directory for tests that make very many exports: in memory, where there is a place."""
    place = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=place) as folder:
        yield Path(folder)


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """The export's root; beside it lies what no operation may reach."""
    outside = tmp_path / "outside"
    (outside / "folder").mkdir(parents=True)
    (outside / "file").write_text("precious")
    (outside / "folder" / "file").write_text("precious too")
    before = listing(outside)
    yield tmp_path / "export"
    assert listing(outside) == before
    assert {path.name for path in tmp_path.iterdir()} <= {"outside", "export"}
    # pytest would remove it later by a function that calls itself for each level.
    subprocess.run(["rm", "-rf", tmp_path / "export"], check=True, timeout=50)


@pytest.fixture
def outside(root: Path) -> Path:
    """What lies beside the export."""
    return root.parent / "outside"


@pytest.fixture
def export(root: Path) -> Export:
    """The export, prepared."""
    return export_at(root)
