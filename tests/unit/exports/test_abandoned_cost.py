"""What is given up costs the same however many volumes the namespace has (rule 6)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.exports.given import Leading, opened, plan, published


def _cost(export: Leading, monkeypatch: pytest.MonkeyPatch, *, volumes: int) -> int:
    for number in range(volumes):
        published(export, f"{volumes}-{number}", f"n{volumes}/d{number}")
    export.create(plan(f"{volumes}-x", f"n{volumes}/x"))
    export.undo(f"pvc-{volumes}-x")
    return opened(monkeypatch, lambda: export.exports.sweep(export.grant))


@pytest.mark.parametrize("is_made", [True, False])
def test_a_sweep_reads_no_other_volumes_marks(
    root: Path, export: Leading, monkeypatch: pytest.MonkeyPatch, *, is_made: bool
) -> None:
    if not is_made:  # a person has
        for volumes in (2, 40):
            (root / f"n{volumes}").mkdir()

    few = _cost(export, monkeypatch, volumes=2)
    export.begin()
    many = _cost(export, monkeypatch, volumes=40)

    assert many <= 2 * few + 10


def test_a_given_up_path_above_many_volumes_reads_none_of_their_marks(
    export: Leading, monkeypatch: pytest.MonkeyPatch
) -> None:
    export.create(plan("x", "team"))
    export.undo("pvc-x")
    before = opened(monkeypatch, lambda: export.exports.sweep(export.grant))
    for number in range(40):
        published(export, f"{number}", f"team/d{number}")

    after = opened(monkeypatch, lambda: export.exports.sweep(export.grant))

    assert after <= before + 10
