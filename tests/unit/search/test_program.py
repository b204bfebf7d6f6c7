"""`make search`, as it is typed."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from click.testing import CliRunner, Result

from holdfast.exports import undo
from tests.search.__main__ import main
from tests.search.scenario import MORE, SCENARIOS, scenario_of

FAILING = 0  # where an undo leaves the directory


def typed(*words: str) -> Result:
    return CliRunner().invoke(main, ["--workers", "1", *words])


@pytest.fixture(autouse=True)
def _logging() -> Iterator[None]:
    """A worker logs nothing, and the only worker is this process."""
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(undo, "_keeps_data", lambda *_: False)


def test_seeds_that_pass_are_counted() -> None:
    done = typed("--seeds", f"{FAILING}:2")

    assert done.exit_code == 0
    assert done.output.startswith("2 seeds in ")
    assert done.output.endswith(" s, 0 failed\n")


@pytest.mark.usefixtures("broken")
def test_a_seed_that_fails_is_named_with_how_to_repeat_it() -> None:
    done = typed("--seeds", f"{FAILING}:2")

    assert done.exit_code == 1
    assert done.output.startswith(f"seed {FAILING} ({scenario_of(FAILING).name}): directory ")
    assert "make search ARGS='--kind KIND --seeds SEED:1'" in done.output


@pytest.mark.usefixtures("broken")
def test_one_seed_alone_shows_every_step() -> None:
    done = typed("--seeds", f"{FAILING}:1")

    assert done.exit_code == 1
    assert "[a] --- nothing new happens\n" in done.output


def test_a_kind_leaves_the_seeds_of_the_others_out() -> None:
    done = typed("--seeds", f"0:{len(SCENARIOS)}", "--kind", "late")

    assert done.output.startswith("1 seeds in ")


def test_a_kind_that_no_seed_is_of_runs_every_seed() -> None:
    done = typed("--seeds", "0:2", "--kind", MORE[0].name)

    assert done.output.startswith("2 seeds in ")


def test_all_kinds_are_listed() -> None:
    listed = typed("--help").output

    assert all(one.name in listed for one in (*SCENARIOS, *MORE))


def test_seeds_without_a_count_are_refused() -> None:
    done = typed("--seeds", "7")

    assert done.exit_code == 2
    assert "'7' is not FROM:COUNT, such as 0:500" in done.output
