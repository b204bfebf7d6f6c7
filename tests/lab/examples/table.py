"""What a run of the examples has shown, as a table."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest
from rich.console import Console
from rich.table import Table

_WIDTH: Final = 110
_MARKS: Final = {"passed": "[green]✓[/]", "failed": "[red]✗[/]", "skipped": "[yellow]-[/]"}


@dataclass
class Row:
    """One example.

    Attributes:
        facts: each test's sentence, with how it ended.
        seconds: of all its tests, with what was made for them.
    """

    facts: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0


def rows(reports: Iterable[pytest.TestReport]) -> dict[str, Row]:
    """The examples in the order of their names."""
    found: dict[str, Row] = {}
    for report in reports:
        row = found.setdefault(example(report.nodeid), Row())
        row.seconds += report.duration
        sentence = fact(report.nodeid)
        if report.when == "call" or report.outcome != "passed":
            row.facts[sentence] = report.outcome
    return dict(sorted(found.items()))


def example(nodeid: str) -> str:
    """The example that a test is of."""
    return Path(nodeid.partition("::")[0]).stem.removeprefix("test_").replace("_", "-")


def fact(nodeid: str) -> str:
    """A test's name as the sentence that it is."""
    return nodeid.rpartition("::")[2].removeprefix("test_").replace("_", " ")


def show(reports: Sequence[pytest.TestReport]) -> str:
    """The table as text."""
    written = io.StringIO()
    Console(file=written, width=_WIDTH).print(_table(reports))
    return written.getvalue()


def save(reports: Sequence[pytest.TestReport], path: Path) -> None:
    """The table as a picture that loads nothing."""
    console = Console(record=True, file=io.StringIO(), width=_WIDTH, force_terminal=True)
    console.print(_table(reports))
    svg = console.export_svg(title="make test-examples")
    path.write_text(re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL))


def _table(reports: Sequence[pytest.TestReport]) -> Table:
    made = Table(show_lines=True)
    made.add_column("example", no_wrap=True)
    made.add_column("what was asserted")
    made.add_column("seconds", justify="right")
    for name, row in rows(reports).items():
        facts = "\n".join(f"{_MARKS[outcome]} {text}" for text, outcome in row.facts.items())
        made.add_row(name, facts, f"{row.seconds:.0f}")
    return made
