"""What an unfinished volume's record asks for when its directory has to be made again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from holdfast.claims.parameters import Action
from holdfast.controller.directory_spec import spec_of_record
from holdfast.exports.errors import Unsafe
from tests.unit.exports.given import Leading, export_at, plan, published


@pytest.fixture
def export(tmp_path: Path) -> Leading:
    return export_at(tmp_path / "export")


def _replaced(export: Leading) -> None:
    """The attempt is undone, and a person puts a directory of their own at its path."""
    export.undo("pvc-2")
    if (export.root / "data").exists():
        (export.root / "data").rename(export.root / "away")
    (export.root / "data").mkdir()


def test_a_directory_that_the_class_let_it_use_may_be_used_again(export: Leading) -> None:
    (export.root / "data").mkdir()
    record = export.create(plan("2", "data", use_existing=True))
    _replaced(export)

    assert export.create(spec_of_record(record)).foreign


def test_no_unknown_directory_is_used_for_one_that_shares(export: Leading) -> None:
    """Its directory was found, but its class says `refuse`."""
    published(export, "1", "data", shared=True)
    record = export.create(plan("2", "data", shared=True))
    export.reclaim("pvc-1", "1", Action.DELETE)
    _replaced(export)

    with pytest.raises(Unsafe, match="exists without a record"):
        export.create(spec_of_record(record))


@pytest.mark.parametrize("mode", ["", "rwx", "-1", "7_7_7", "\u0667\u0667\u0667", "7" * 5000])
def test_a_mode_that_somebody_garbled_is_refused(export: Leading, mode: str) -> None:
    record = replace(export.create(plan("2", "data")), mode=mode)

    with pytest.raises(Unsafe, match="invalid mode"):
        export.create(spec_of_record(record))


@pytest.mark.parametrize("is_foreign", [True, False])
def test_no_unknown_directory_is_used_for_one_that_reuses_a_retained_one(
    export: Leading, *, is_foreign: bool
) -> None:
    """Its directory was found, and may be a foreign one, but its class says `refuse`."""
    if is_foreign:
        (export.root / "data").mkdir()
    published(export, "1", "data", policy="Retain", use_existing=is_foreign)
    record = export.create(plan("2", "data"), ["pvc-1"])
    _replaced(export)

    with pytest.raises(Unsafe, match="not the directory that was retained"):
        export.create(spec_of_record(record), ["pvc-1"])
