"""What an operation has done is on the disk when it returns.

Rule 4: a crash between any two steps, and be it a power cut, leaves nothing that the next run does
not finish or undo. What was acknowledged is there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from holdfast.exports import export_id_file
from holdfast.exports.export import Export
from tests.unit.exports.given import ID, Leading, export_at, found, published
from tests.unit.exports.operations import OPERATIONS, Operation
from tests.unit.exports.recorder import Recorder, recorded


@contextmanager
def _durable() -> Iterator[Recorder]:
    """All that is changed within is on the disk at its end."""
    state = Recorder()
    with recorded(state):
        yield state
    assert state.broken == []
    assert list(state.folders.values()) == []


@pytest.fixture(params=OPERATIONS)
def operation(request: pytest.FixtureRequest) -> Operation:
    """Each operation."""
    return OPERATIONS[request.param]


def test_what_an_operation_has_done_is_on_the_disk(root: Path, operation: Operation) -> None:
    operation.before(export_at(root), root)
    export = Leading(root)
    export.begin()

    with _durable():
        operation.run(export)


def test_a_term_that_has_begun_is_on_the_disk(root: Path) -> None:
    export = export_at(root)
    with _durable() as state:
        export.begin()
    assert state.changes >= 3

    published(export)
    _leave_something(root)
    with _durable() as state:
        takeover = Leading(root).begin()

    assert takeover.moving == ("pvc-1",)
    assert state.changes >= 8


def _leave_something(root: Path) -> None:
    """A draft, an intent, and a directory on its way out, as a crash leaves them."""
    (term,) = root.glob(".holdfast/terms/*/[0-9]*")
    (term / ".draft-1").write_text("half")
    (term / ".draft-2").mkdir()
    (term / "+pvc-2").symlink_to("team/other")
    (root / "team/data").rename(term / "-pvc-1")


def test_an_export_that_is_initialised_is_on_the_disk(root: Path) -> None:
    root.mkdir()

    with _durable() as state:
        Export(root).initialise(ID)

    assert state.changes > 5


def test_an_id_that_an_export_of_version_1_is_given_is_on_the_disk(root: Path) -> None:
    export = export_at(root)
    (root / ".holdfast/export").unlink()

    with _durable() as state:
        export.exports.initialise(ID)

    assert state.changes > 1


def test_an_id_that_a_person_gave_is_on_the_disk(root: Path, export: Leading) -> None:
    published(export)
    handle = os.open(root / ".holdfast", os.O_RDONLY)

    with _durable():
        export_id_file.replace(handle, "another")

    os.close(handle)
    assert export.exports.inspect().id == "another"


def test_the_inodes_of_a_restored_export_are_on_the_disk(root: Path, export: Leading) -> None:
    """Of one without its id: with the new id on the disk and the inodes not, nobody learns them."""
    published(export, directory="data")
    (root / "data").rename(root / "old")
    (root / "data").mkdir()
    (root / ".holdfast/export").unlink()

    with _durable():
        Export(root).accept(ID)

    assert found(export).inode.number == (root / "data").stat().st_ino
