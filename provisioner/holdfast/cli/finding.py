"""One line of what `holdfast check` prints."""

from __future__ import annotations

from dataclasses import dataclass

import click


@dataclass(frozen=True, slots=True)
class Line:
    """One finding; `advice` is empty where all is well.

    A note is what may be meant so; it fails no check.
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
