"""One line of the output of `holdfast check`."""

from __future__ import annotations

from dataclasses import dataclass

import click


@dataclass(frozen=True, slots=True)
class Line:
    """One finding; `advice` is empty if it is ok.

    A note may be intended; it does not fail the check.
    """

    what: str
    advice: str = ""
    is_note: bool = False

    def __str__(self) -> str:
        if not self.advice:
            return click.style("ok    ", fg="green") + self.what
        head = click.style("FAILS ", fg="red", bold=True)
        if self.is_note:
            head = click.style("note  ", fg="yellow")
        return f"{head}{self.what}\n      {self.advice}"
