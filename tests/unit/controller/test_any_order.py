"""Random orders of events, as `make search` tries many more of: one test for each seed.

A failed one shows every step. Where the search changes, a seed is another order.
"""

from __future__ import annotations

import pytest

from holdfast.exports import undo
from tests.search.run import run
from tests.search.scenario import scenario_of

_SEEDS = range(60)


def _id(seed: int) -> str:
    return f"{scenario_of(seed).name}-{seed}"


@pytest.mark.parametrize("seed", _SEEDS, ids=_id)
def test_no_order_of_events_leaves_anything_unfinished_or_loses_data(seed: int) -> None:
    result = run(seed)

    assert not result.problems, result.report()


def test_an_undo_that_leaves_the_directory_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(undo, "_keeps_data", lambda *_: False)

    assert any("has no record" in str(run(seed).problems) for seed in _SEEDS)


def test_a_seed_repeats_its_steps() -> None:
    assert run(6).log == run(6).log
