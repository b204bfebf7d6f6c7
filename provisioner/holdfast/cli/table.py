"""Tables for a person, like kubectl's: one line each, never wrapped or truncated."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.table import Table


def table_of(names: Sequence[str], lines: Iterable[Sequence[str]]) -> Table:
    """A table whose columns have these names; nothing in a cell is taken for markup."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD if sys.stdout.isatty() else None, pad_edge=False)
    for name in names:
        table.add_column(head(name), no_wrap=True)
    for line in lines:
        table.add_row(*map(Text, line))
    return table


def print_table(table: Table, narrow: Callable[[], Iterable[str]] | None = None) -> None:
    """Prints a table, or the lines of `narrow` where the terminal is too narrow for it."""
    from rich.console import Console
    from rich.measure import Measurement

    console = Console(highlight=False)
    width = Measurement.get(console, console.options.update(max_width=10_000), table).maximum
    if narrow is not None and console.is_terminal and width > console.width:
        click.echo("\n".join(narrow()))
        return
    console.width = max(width, console.width)  # the terminal wraps longer lines
    console.print(table)


def head(name: str) -> str:
    """The head of a column."""
    return name.replace("_", " ").upper()


def span(seconds: float) -> str:
    """A time as kubectl shows it: `42s`, `7m`, `3h`, `12d`."""
    whole = int(seconds)
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if whole >= 2 * size:
            return f"{whole // size}{unit}"
    return f"{max(0, whole)}s"
