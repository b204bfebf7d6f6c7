"""A claim reuses a retained directory: only that one, not another at its path."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast.claims.parameters import Action
from holdfast.exports.errors import Unsafe
from holdfast.exports.interface import Outcome
from tests.unit.exports.given import Leading, listing, plan, published


@pytest.fixture
def retained(root: Path, export: Leading) -> Leading:
    """The retained directory of a deleted volume, with data."""
    published(export, "1", "team/data", policy="Retain")
    (root / "team/data/file").write_text("data")
    return export


def _replaced(root: Path) -> None:
    """A person moves the retained directory away, and puts another one there."""
    (root / "team/data").rename(root / "saved")
    (root / "team/data").mkdir()
    (root / "team/data/own").write_text("a person's")


def test_what_a_person_put_in_its_place_is_refused(root: Path, retained: Leading) -> None:
    _replaced(root)
    before = listing(root)

    with pytest.raises(Unsafe, match="is not the directory that was retained for volume pvc-1"):
        retained.create(plan("2"), ["pvc-1"])

    assert listing(root) == before


def test_what_a_person_put_in_its_place_is_foreign_where_the_class_uses_such(
    root: Path, retained: Leading
) -> None:
    _replaced(root)

    made = retained.create(plan("2", use_existing=True), ["pvc-1"])
    retained.confirm("pvc-2")

    assert (made.found, made.foreign) == (True, True)
    assert retained.reclaim("pvc-2", "2", Action.DELETE).outcome is Outcome.RETAINED
    assert (root / "team/data/own").exists()


def test_what_a_person_put_in_place_of_a_shared_one_is_refused(root: Path, export: Leading) -> None:
    """Else the last volume would remove it."""
    published(export, "1", shared=True)
    _replaced(root)

    with pytest.raises(Unsafe, match="is not the directory that was made for volume pvc-1"):
        export.create(plan("2", shared=True))

    assert export.find("pvc-2") is None


def test_what_a_person_put_in_place_of_a_shared_one_is_foreign_where_the_class_uses_such(
    root: Path, export: Leading
) -> None:
    published(export, "1", shared=True)
    _replaced(root)

    assert published(export, "2", shared=True, use_existing=True).foreign


def test_it_is_made_anew_where_a_person_has_removed_it(root: Path, retained: Leading) -> None:
    (root / "team/data/file").unlink()
    (root / "team/data").rmdir()

    made = retained.create(plan("2"), ["pvc-1"])
    retained.confirm("pvc-2")

    assert not made.found
    assert retained.recorded() == {"pvc-2"}
