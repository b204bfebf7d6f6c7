"""The table says of each example what was asserted, how it ended, and how long it took."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Literal

import pytest

from tests.lab.examples.table import Row, rows, save, show

Outcome = Literal["passed", "failed"]
FILE = "tests/lab/examples/test_stateful_web.py"


def report(
    test: str, when: Literal["setup", "call"], seconds: float, outcome: Outcome = "passed"
) -> pytest.TestReport:
    nodeid = f"{FILE}::test_{test}"
    return pytest.TestReport(
        nodeid, ("", 0, ""), {}, outcome, None, when, duration=seconds, start=0, stop=seconds
    )


RUN = [
    report("names_stay", "setup", 20),
    report("names_stay", "call", 1.5),
    report("it_breaks", "setup", 0),
    report("it_breaks", "call", 2, "failed"),
    report("never_ran", "setup", 0, "failed"),
]


def test_a_row_has_an_examples_facts_and_all_of_its_seconds() -> None:
    facts = {"names stay": "passed", "it breaks": "failed", "never ran": "failed"}

    assert rows(RUN) == {"stateful-web": Row(facts, 23.5)}


def test_the_table_shows_them() -> None:
    shown = show(RUN)

    assert "✓ names stay" in shown
    assert "✗ it breaks" in shown


def test_the_picture_is_whole_and_loads_nothing(tmp_path: Path) -> None:
    save(RUN, tmp_path / "table.svg")

    picture = (tmp_path / "table.svg").read_text()
    assert "names\xa0stay" in "".join(ET.fromstring(picture).itertext())
    assert "url(http" not in picture
