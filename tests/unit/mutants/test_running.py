"""Mutants of a toy project, really run: which tests notice, and what is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mutants.choice import Choice, all_of
from tests.mutants.errors import MutantsError
from tests.mutants.packages import HOLDFAST, Project
from tests.mutants.running import outcomes
from tests.mutants.trial import Outcome
from tests.support import eventually
from tests.unit.mutants.toy import CODE, TESTS, toy

pytestmark = pytest.mark.usefixtures("temporary")


def tried(project: Project, *places: str) -> dict[str, str]:
    """By change, what killed the mutants of some lines; nothing for those that survived."""
    told: list[Outcome] = []
    known = outcomes(project, Choice(places=places).of(all_of(project)), 2, told.append)
    assert sorted(map(id, told)) == sorted(map(id, known["toy"]))
    return {outcome.mutant.change: outcome.killed_by for outcome in known["toy"]}


def test_a_mutant_is_killed_by_a_test_that_fails_or_hangs_and_survives_otherwise(
    root: Path,
) -> None:
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}

    assert tried(toy(root), "calc.py:3", "calc.py:10", "calc.py:21") == {
        "3 -> 4": "tests/test_calc.py::test_count[9-3]",
        "+ -> -": "a test that hangs",  # counts down for ever
        "1 -> 2": "tests/test_calc.py::test_count[9-3]",
        "or -> and": "",
        "value or LIMIT -> None": "",
    }
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before


def test_a_process_that_ends_in_silence_did_not_pass(root: Path) -> None:
    assert tried(toy(root), "calc.py:15")["code -> not (code)"] == (
        "an end in silence, exit code 0"
    )


def test_a_file_that_cannot_be_imported_is_killed(root: Path) -> None:
    code = CODE + "\nassert LIMIT == 3\n"

    assert tried(toy(root, code=code), "calc.py:3")["3 -> 4"] == "tests/test_calc.py"


def test_tests_that_fail_without_a_mutant_are_an_error(root: Path) -> None:
    project = toy(root, tests=TESTS + "\n\ndef test_wrong():\n    assert count(1) == 2\n")

    with pytest.raises(MutantsError, match=r"(?s)without a mutant: .*test_wrong.*assert 1 == 2"):
        tried(project, "calc.py:3")


def test_tests_that_need_their_order_are_an_error(root: Path) -> None:
    slow_first = (
        "\n\nSEEN = []\n\n"
        "def test_slow():\n    SEEN.append(sum(range(3_000_000)))\n\n"
        "def test_quick():\n    assert SEEN\n"
    )

    with pytest.raises(MutantsError, match=r"test_quick"):
        tried(toy(root, tests=TESTS + slow_first), "calc.py:3")


def test_tests_that_never_run_the_code_are_an_error(root: Path) -> None:
    with pytest.raises(MutantsError, match="run none of the files in src/toy"):
        tried(toy(root, tests="def test_nothing():\n    assert True\n"), "calc.py:3")


def test_a_failure_without_a_link_to_the_change_has_to_happen_twice(
    root: Path, tmp_path: Path
) -> None:
    once = (  # in the first run with a mutant
        "\n\ndef test_fails_now_and_then():\n"
        "    from pathlib import Path\n"
        "    from toy import calc\n"
        f"    failed = Path({str(tmp_path / 'failed')!r})\n"
        "    is_mutant = 'return value or LIMIT' not in Path(calc.__file__).read_text()\n"
        "    if is_mutant and not failed.exists():\n"
        "        failed.touch()\n"
        "        raise AssertionError\n"
    )

    killed_by = tried(toy(root, tests=TESTS + once), "calc.py:21")

    assert killed_by == {"or -> and": "", "value or LIMIT -> None": ""}
    assert (tmp_path / "failed").exists()


def test_what_a_killed_test_left_in_memory_is_removed(root: Path, tmp_path: Path) -> None:
    leaving = (
        "\n\nimport tempfile\n\n"
        "def test_leaves():\n"
        f"    with open({str(tmp_path / 'left')!r}, 'a') as left:\n"
        "        print(tempfile.mkdtemp(dir='/dev/shm'), file=left)\n"
    )

    tried(toy(root, tests=TESTS + leaving), "calc.py:21")

    left = (tmp_path / "left").read_text().splitlines()
    assert len(left) == 4
    assert [name for name in left if Path(name).exists()] == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_all_and_leaves_nothing(
    root: Path, tmp_path: Path, temporary: Path, number: signal.Signals
) -> None:
    begun = tmp_path / "begun"
    toy(
        root,
        tests="import pathlib, time\n\n"
        f"def test_slow():\n    pathlib.Path({str(begun)!r}).touch()\n    time.sleep(600)\n",
    )
    code = (
        "import pathlib, sys\n"
        "from tests.mutants.choice import all_of\n"
        "from tests.mutants.running import ending_by_signal, outcomes\n"
        "from tests.unit.mutants.toy import toy\n"
        f"project = toy(pathlib.Path({str(root)!r}), tests=pathlib.Path(sys.argv[1]).read_text())\n"
        "with ending_by_signal():\n"
        "    outcomes(project, all_of(project), 1, print)\n"
    )
    program = subprocess.Popen(
        [sys.executable, "-c", code, str(root / "tests/test_calc.py")],
        cwd=HOLDFAST.root,
        env=os.environ | {"TMPDIR": str(temporary), "PYTHONPATH": f"provisioner{os.pathsep}."},
        stderr=subprocess.PIPE,
        text=True,
    )
    with program:
        eventually(begun.exists, what="the toy test's begin")
        program.send_signal(number)
        _, errors = program.communicate()

    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert list(temporary.iterdir()) == []
