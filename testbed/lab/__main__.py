"""`python -m testbed.lab up|status|ssh|reboot|down`; HOLDFAST_LAB=NAME is another lab."""

from __future__ import annotations

import os
import sys
import time
from typing import Final

import click

from testbed.errors import TestbedError
from testbed.lab.lab import Lab, Wish
from testbed.lab.layout import Layout
from testbed.lab.machines import SUITES, chosen

_BEGIN: Final = time.monotonic()


@click.group(help=__doc__)
def main() -> None:
    """See the module."""


@main.command()
@click.argument("machines", nargs=-1)
@click.option("--suite", type=click.Choice(SUITES), help="Debian release of the new machines")
@click.option("--fresh", is_flag=True, help="look for a newer kernel, make the images anew")
@click.option("--bare", is_flag=True, help="machines only: no Kubernetes programs and images")
def up(machines: tuple[str, ...], suite: str | None, *, fresh: bool, bare: bool) -> None:
    """Make the lab, or what is missing of it: all MACHINES, or those named."""
    lab = _lab()
    lab.up(Wish(chosen(machines), suite, fresh, bare))
    names = ", ".join(guest.machine.name for guest in lab.guests())
    _say(f"up: {names}; inventory in {os.path.relpath(lab.layout.inventory)}")


@main.command(context_settings={"ignore_unknown_options": True})
@click.argument("machine")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def ssh(machine: str, command: tuple[str, ...]) -> None:
    """A shell on MACHINE, or the one COMMAND; ends with its exit code."""
    lab = _lab()
    lab.guest(machine)
    os.execvp("ssh", ["ssh", "-F", str(lab.layout.ssh_config), machine, *command])


@main.command()
def down() -> None:
    """End the lab: nothing of it is left but what the cache holds."""
    _lab().down()
    _say("down: nothing of it is left")


def _lab() -> Lab:
    return Lab(Layout.from_environment(), _say)


def _say(text: str) -> None:
    click.echo(f"{time.monotonic() - _BEGIN:5.1f} s  {text}")


if __name__ == "__main__":
    try:
        main()
    except TestbedError as error:
        sys.exit(f"lab: {error}")
