"""`python -m tests.mutants`, as it is typed, on a toy project."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.mutants import __main__ as program
from tests.unit.mutants.toy import toy

EQUIVALENT = """\
[[equivalent]]
file = "src/toy/calc.py"
function = "never_tested"
line = "return value or LIMIT"
changes = ["or -> and"]
reason = "for this test"
"""

pytestmark = pytest.mark.usefixtures("temporary")


def typed(*words: str) -> Result:
    return CliRunner().invoke(program.main, words)


@pytest.fixture(autouse=True)
def _project(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "HOLDFAST", toy(root, equivalents=EQUIVALENT))


def test_too_many_survivors_are_shown_and_make_the_exit_code_1(tmp_path: Path) -> None:
    output = tmp_path / "out.json"

    done = typed("--file", "calc.py:21", "--file", "calc.py:3", "--json", str(output))

    assert done.exit_code == 1
    assert done.stdout.splitlines() == [
        "src/toy/calc.py:21: return [-value or LIMIT-]{+None+}",
        "package  mutants  killed  survived  equivalent    rate  of",
        "toy            3       1         1           1  50.0 %  14",
    ]
    written = json.loads(output.read_text())["packages"]["toy"]
    assert written["rate"] == 50.0
    assert written["outcomes"][1] | {"seconds": 0} == {
        "file": "src/toy/calc.py",
        "line": 21,
        "function": "never_tested",
        "text": "return value or LIMIT",
        "change": "value or LIMIT -> None",
        "operator": "return",
        "survived": True,
        "killed_by": "",
        "seconds": 0,
    }


def test_enough_killed_make_the_exit_code_0() -> None:
    assert typed("--file", "calc.py:21", "--file", "calc.py:3", "--at-least", "50").exit_code == 0


def test_a_list_of_mutants_runs_nothing() -> None:
    done = typed("--list", "--file", "calc.py:21")

    assert done.exit_code == 0
    assert done.stdout.splitlines() == [
        "src/toy/calc.py:21: return [-value or LIMIT-]{+None+}",
        "src/toy/calc.py:21: return value [-or-]{+and+} LIMIT",
    ]


def test_an_outdated_equivalent_makes_the_exit_code_2(root: Path) -> None:
    (root / "equivalents.toml").write_text(EQUIVALENT.replace("or -> and", "or -> xor"))

    done = typed("--list")

    assert done.exit_code == 2
    assert "return value or LIMIT [or -> xor]" in done.stderr
