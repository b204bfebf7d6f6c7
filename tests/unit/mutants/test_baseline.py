"""Which tests run first for a mutant, and which of them can have noticed it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mutants.baseline import Baseline
from tests.mutants.mutant import Mutant, find
from tests.mutants.packages import HOLDFAST, Package
from tests.mutants.processes import Processes
from tests.mutants.trial import Laboratory
from tests.unit.mutants.toy import toy

CODE = "A = 1\n\n\ndef f(a=2):\n    b = 3\n    return b\n\n\ndef g():\n    return f()\n"
LINES = {
    "elsewhere": {"other.py": frozenset({5})},
    "file": {"code.py": frozenset({10})},
    "function": {"code.py": frozenset({6})},
    "slow": {"code.py": frozenset({5, 6})},
    "quick": {"code.py": frozenset({5, 6})},
}
BASELINE = Baseline(
    {"elsewhere": 0.1, "file": 0.2, "function": 0.3, "slow": 4.0, "quick": 0.5}, LINES
)


@pytest.fixture
def mutants(tmp_path: Path) -> dict[str, Mutant]:
    """Mutants of numbers, by change."""
    (tmp_path / "code.py").write_text(CODE)
    return {mutant.change: mutant for mutant in find(tmp_path, "code.py")}


def test_tests_that_run_the_changed_line_come_first_and_quick_ones_before_slow_ones(
    mutants: dict[str, Mutant],
) -> None:
    order = BASELINE.order(mutants["3 -> 4"])

    assert order == ["quick", "slow", "function", "file", "elsewhere"]


def test_without_a_line_that_tests_run_they_are_ordered_by_time(mutants: dict[str, Mutant]) -> None:
    assert BASELINE.order(None) == ["elsewhere", "file", "function", "quick", "slow"]
    assert BASELINE.order(mutants["1 -> 2"])[-1] == "elsewhere"


def test_only_tests_that_run_the_function_can_notice_what_is_in_it(
    mutants: dict[str, Mutant],
) -> None:
    noticing = [test for test in LINES if BASELINE.can_notice(test, mutants["3 -> 4"])]

    assert noticing == ["function", "slow", "quick"]


@pytest.mark.parametrize("change", ["1 -> 2", "2 -> 3"])
def test_all_can_notice_what_runs_at_import(mutants: dict[str, Mutant], change: str) -> None:
    assert all(BASELINE.can_notice(test, mutants[change]) for test in LINES)


def test_a_run_without_a_mutant_shows_which_lines_each_test_runs(tmp_path: Path) -> None:
    in_a_thread = (
        "import threading\n\nfrom toy.calc import count\n\n"
        "def test_thread():\n"
        "    thread = threading.Thread(target=count, args=(0,))\n"
        "    thread.start()\n    thread.join()\n\n"
        "def test_nothing():\n    assert count\n"
    )
    project = toy(tmp_path / "checkout", tests=in_a_thread)
    (tmp_path / "temporary").mkdir()

    laboratory = Laboratory(project, tmp_path / "temporary", Processes())
    baseline = laboratory.baseline(project.packages[0]).baseline

    assert baseline.lines == {
        "tests/test_calc.py::test_thread": {"src/toy/calc.py": frozenset({8, 9, 11})},
        "tests/test_calc.py::test_nothing": {},
    }
    assert set(baseline.seconds) == set(baseline.lines)


@pytest.mark.parametrize("package", HOLDFAST.packages, ids=lambda package: str(package.name))
def test_the_tests_of_every_package_are_there(package: Package) -> None:
    assert package.tests
    assert [
        test for test in package.tests if not (HOLDFAST.root / test.partition("::")[0]).exists()
    ] == []
