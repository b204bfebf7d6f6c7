"""A project of one file, and what may become of its mutants."""

from __future__ import annotations

from pathlib import Path

from tests.mutants.packages import Package, Project

CODE = '''\
import os

LIMIT = 3


def count(end):
    """How many numbers there are below a limit."""
    number = 0
    while number < min(end, LIMIT):
        number += 1
    return number


def stop(code):
    if code:
        os._exit(0)
    return code


def never_tested(value):
    return value or LIMIT
'''
TESTS = """\
import pytest

from toy.calc import LIMIT, count, stop


@pytest.mark.parametrize(("end", "expected"), [(0, 0), (2, 2), (9, 3)])
def test_count(end, expected):
    assert count(end) == expected


def test_stop():
    assert stop(0) == 0
"""
_SETTINGS = '[tool.pytest.ini_options]\naddopts = ["--import-mode=importlib"]\n'


def toy(root: Path, *, code: str = CODE, tests: str = TESTS, equivalents: str = "") -> Project:
    """Writes the project into a folder."""
    files = {
        "src/toy/calc.py": code,
        "tests/test_calc.py": tests,
        "pyproject.toml": _SETTINGS,
        "equivalents.toml": equivalents,
    }
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return Project(
        root=root,
        copied=("src", "tests", "pyproject.toml"),
        paths=("src",),
        packages=(Package("toy", "src/toy", ("tests",)),),
        equivalents=root / "equivalents.toml",
    )
