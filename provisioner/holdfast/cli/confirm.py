"""Confirmation by the user before something is changed."""

from __future__ import annotations

import sys

import click


def confirm(question: str) -> None:
    """Asks on stderr; raises ClickException unless the user confirms."""
    try:
        if click.confirm(question, err=True):
            return
    except click.Abort:
        if not sys.stdin.isatty():
            click.echo(err=True)  # the error has a line of its own
            raise click.ClickException("no terminal to ask for confirmation: add --yes") from None
        raise
    raise click.ClickException("nothing was changed")
