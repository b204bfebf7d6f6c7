"""A shared directory that is on its way out while the next claim of its path comes (rule 2).

The claim waits; a version before did not, and its volume has a directory of its own at the path.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from holdfast.claims.parameters import Action
from holdfast.exports.errors import Failed, Unsafe
from holdfast.exports.interface import Outcome
from holdfast.exports.operation import Operation
from tests.unit.exports.given import Leading, found, joining_at_once, plan, published, visible


def _taken_out_only(export: Leading) -> None:
    """Has a reclaim of the first volume fail half way."""

    def bad_disk(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Operation, "put_down", bad_disk)
        with pytest.raises(Failed):
            export.reclaim("pvc-1", "1", Action.DELETE)


def test_the_next_claim_waits_until_it_is_gone(root: Path, export: Leading) -> None:
    """The volume may be set to Retain yet."""
    claim = published(export, "1", "data", shared=True).claim
    (root / "data/file").write_text("first")
    _taken_out_only(export)

    with pytest.raises(Unsafe, match=r"the directory of volume pvc-1 is at .*/-pvc-1', not at"):
        export.create(plan("2", "data", shared=True))

    export.exports.update_record(export.grant, "pvc-1", claim, "1Gi", "Retain")
    assert export.exports.move_back(export.grant, "pvc-1") == "data"
    export.create(plan("2", "data", shared=True))
    assert (root / "data/file").read_text() == "first"


@pytest.mark.parametrize(
    ("action", "outcome"),
    [(Action.DELETE, Outcome.TRASHED), (Action.ARCHIVE, Outcome.ARCHIVED)],
)
def test_what_was_taken_out_is_reclaimed_though_the_next_claim_shares_the_path(
    root: Path,
    export: Leading,
    action: Action,
    outcome: Outcome,
) -> None:
    published(export, "1", "data", shared=True)
    (root / "data/file").write_text("first")
    _taken_out_only(export)
    with joining_at_once():
        published(export, "2", "data", shared=True)
    (root / "data/file").write_text("second")

    moved = export.reclaim("pvc-1", "1", action)

    assert moved.outcome is outcome
    assert (root / moved.place / "file").read_text() == "first"
    assert (root / "data/file").read_text() == "second"
    assert found(export, "2").in_place


def test_what_was_taken_out_and_deleted_is_gone_once_it_is_reaped(
    root: Path, export: Leading
) -> None:
    published(export, "1", "data", shared=True)
    _taken_out_only(export)
    with joining_at_once():
        export.create(plan("2", "data", shared=True))

    export.reclaim("pvc-1", "1", Action.DELETE)

    assert export.reap() == 0
    assert visible(root) == ["data"]
    assert not list((root / ".holdfast").rglob("*pvc-1"))
