"""What a crash left of a directory is told from its owners' own by their inodes, not its mode."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from holdfast.exports import create, tree
from tests.unit.exports.faults import Crash
from tests.unit.exports.given import Leading, plan, published


def _cut_short(export: Leading, *args: Any) -> None:
    """A create that ends after its directory is there, and before its record is."""

    def crash(*_: object, **__: object) -> None:
        raise Crash

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(create, "_record", crash)
        with pytest.raises(Crash):
            export.create(*args)


def _mode(path: Path) -> int:
    return path.stat().st_mode & 0o7777


def test_a_directory_that_is_made_anew_for_a_retained_path_gets_its_mode_after_a_crash(
    root: Path, export: Leading
) -> None:
    """A person has removed the one that was retained."""
    published(export, "1", "data", policy="Retain")
    (root / "data").rmdir()
    _cut_short(export, plan("2", "data"), ["pvc-1"])

    made = export.create(plan("2", "data"), ["pvc-1"])

    assert (made.found, _mode(root / "data")) == (False, 0o777)


def test_a_shared_directory_that_is_made_anew_gets_its_mode_after_a_crash(
    root: Path, export: Leading
) -> None:
    published(export, "1", "data", shared=True)
    (root / "data").rmdir()
    _cut_short(export, plan("2", "data", shared=True))

    made = export.create(plan("2", "data", shared=True))

    assert (made.found, _mode(root / "data")) == (False, 0o777)


@pytest.mark.parametrize("is_shared", [True, False])
def test_an_owners_empty_directory_of_the_half_made_mode_stays_as_it_is(
    root: Path, export: Leading, *, is_shared: bool
) -> None:
    of: dict[str, Any] = {"shared": True} if is_shared else {"policy": "Retain"}
    published(export, "1", "data", **of)
    (root / "data").chmod(tree.HALF_MADE)
    _cut_short(export, plan("2", "data", **of), ["pvc-1"])

    made = export.create(plan("2", "data", **of), ["pvc-1"])

    assert (made.found, _mode(root / "data")) == (True, tree.HALF_MADE)
