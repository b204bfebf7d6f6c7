"""The group of all commands, which says in a sentence that the output cannot be written."""

from __future__ import annotations

import os
import sys
from typing import Any

import click


class Commands(click.Group):
    """Ends with 1 where standard output is closed, or on a full disk."""

    def main(self, *args: Any, **extra: Any) -> Any:
        """As the base's; it does not return."""
        sys.stdout = sys.stdout or _closed()
        try:
            return super().main(*args, **extra)
        except OSError:
            if not (reason := _why_unwritable()):
                raise
        click.echo(f"Error: cannot write the output: {reason}", err=True)
        sys.exit(1)


def _closed() -> Any:
    """A stream that fails once something is written; Python has none for a closed descriptor."""
    return os.fdopen(os.open(os.devnull, os.O_RDONLY), "w", encoding="utf-8")


def _why_unwritable() -> str:
    """Why standard output cannot be written, which discards what is left; empty if it can be."""
    try:
        sys.stdout.write("\n")
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the interpreter flushes it
        return os.strerror(error.errno or 0)
    return ""
