"""Confirmation by the user before something is changed."""

from __future__ import annotations

import sys

import click


def confirm(question: str) -> None:
    """Asks on stderr; raises ClickException unless the user confirms."""
    is_terminal = sys.stdin is not None and sys.stdin.isatty()
    try:
        if _asked(question, is_terminal=is_terminal):
            return
    except click.Abort:
        if is_terminal:
            raise
        raise click.ClickException("no terminal to ask for confirmation: add --yes") from None
    raise click.ClickException("nothing was changed")


def _asked(question: str, *, is_terminal: bool) -> bool:
    """The answer; raises Abort if there is none."""
    if sys.stdin is None:  # it is closed
        raise click.Abort
    try:
        return click.confirm(question, err=True)
    finally:
        if not is_terminal:
            click.echo(err=True)  # what is said next has a line of its own
