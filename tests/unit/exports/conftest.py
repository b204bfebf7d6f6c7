"""One prepared export in a directory, with something outside of it that must stay as it is."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.exports.agent import served
from tests.unit.exports.given import Leading, export_at, listing


@pytest.fixture
def memory() -> Iterator[Path]:
    """A directory in memory, where there is a place: syncing it costs nothing there."""
    place = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=place) as folder:
        yield Path(folder)


@pytest.fixture
def root(memory: Path) -> Iterator[Path]:
    """The export's root; beside it lies what no operation may reach."""
    outside = memory / "outside"
    (outside / "folder").mkdir(parents=True)
    (outside / "file").write_text("precious")
    (outside / "folder" / "file").write_text("precious too")
    before = listing(outside)
    yield memory / "export"
    assert listing(outside) == before
    assert {path.name for path in memory.iterdir()} <= {"outside", "export"}
    # Python would remove it by a function that calls itself for each level.
    subprocess.run(["rm", "-rf", memory / "export"], check=True, timeout=50)


@pytest.fixture
def outside(root: Path) -> Path:
    """What lies beside the export."""
    return root.parent / "outside"


@pytest.fixture
def export(root: Path) -> Leading:
    """The export, with an id, mounted here."""
    return export_at(root)


@pytest.fixture(params=["mounted", "remote"])
def either(request: pytest.FixtureRequest, root: Path) -> Iterator[Leading]:
    """The export through each implementation of its interface."""
    if request.param == "mounted":
        yield export_at(root)
        return
    with served(root) as exports:
        yield export_at(root, exports)
