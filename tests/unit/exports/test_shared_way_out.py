"""A shared directory that is on its way out while the next claim of its path comes (rule 2)."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from holdfast.claims.parameters import Action
from holdfast.exports.errors import Failed
from holdfast.exports.interface import Outcome
from holdfast.exports.operation import Operation
from tests.unit.exports.given import Leading, found, plan, published, visible


def _taken_out_only(export: Leading) -> None:
    """Has a reclaim of the first volume fail half way."""

    def bad_disk(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Operation, "put_down", bad_disk)
        with pytest.raises(Failed):
            export.reclaim("pvc-1", "1", Action.DELETE)


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
    export.create(plan("2", "data", shared=True))

    export.reclaim("pvc-1", "1", Action.DELETE)

    assert export.reap() == 0
    assert visible(root) == ["data"]
    assert not list((root / ".holdfast").rglob("*pvc-1"))
