"""`python -m testbed.lab up|status|ssh|reboot|down`; HOLDFAST_LAB=NAME is another lab.

HOLDFAST_LAB_MACHINES=vagrant makes its machines with the Vagrantfile, uml in User-mode Linux.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

import click

from testbed.errors import TestbedError
from testbed.lab import forms, host
from testbed.lab.interface import Lab, Wish
from testbed.lab.layout import Layout
from testbed.lab.machines import SUITES, chosen
from testbed.programs.release import ask_no_official_server

_BEGIN: Final = time.monotonic()


@click.group(help=__doc__)
def main() -> None:
    """See the module."""


@main.command()
@click.argument("machines", nargs=-1)
@click.option("--suite", type=click.Choice(SUITES), help="Debian release of the new machines")
@click.option("--fresh", is_flag=True, help="look for a newer kernel, make the images anew")
@click.option("--bare", is_flag=True, help="machines only: no Kubernetes programs and images")
@click.option("--previous", is_flag=True, help="serve the version that an upgrade starts from, too")
def up(machines: tuple[str, ...], **options: Any) -> None:
    """Make the lab, or what is missing of it: all MACHINES, or those named."""
    lab = _lab()
    if _is_uml() and forms.has_virtualisation(Path("/proc/cpuinfo"), Path("/dev/kvm")):
        _say("hardware virtualisation works here: make lab LAB=vagrant would use it")
    lab.up(Wish(chosen(machines), **options))
    names = ", ".join(guest.machine.name for guest in lab.guests())
    _say(f"up: {names}; inventory in {os.path.relpath(lab.layout.inventory)}")


@main.command()
def status() -> None:
    """The machines; ends with 0 if there are some and all can be reached."""
    sys.exit(0 if _lab().show() else 1)


@main.command()
@click.argument("machine")
@click.option("--hard", is_flag=True, help="as a power cut")
def reboot(machine: str, *, hard: bool) -> None:
    """Let MACHINE start anew, and wait until it can be reached."""
    guest = _lab().guest(machine)
    if hard:
        guest.cut_power()
    else:
        guest.reboot()
    _say(f"{machine} is back")


@main.command(context_settings={"ignore_unknown_options": True})
@click.argument("machine")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def ssh(machine: str, command: tuple[str, ...]) -> None:
    """A shell on MACHINE, or the one COMMAND; ends with its exit code."""
    lab = _lab()
    lab.guest(machine)
    words = ["ssh", "-F", str(lab.layout.ssh_config), machine, *command]
    sys.exit(subprocess.run(words, check=False).returncode)


@main.command()
def down() -> None:
    """End the lab: nothing of it is left but what the cache holds."""
    _lab().down()
    _say("down: nothing of it is left")


def _lab() -> Lab:
    if _is_uml():
        host.check_root()
    return forms.open_lab(Layout.from_environment(), _say)


def _is_uml() -> bool:
    return forms.form(os.environ) == forms.UML


def _say(text: str) -> None:
    click.echo(f"{time.monotonic() - _BEGIN:5.1f} s  {text}")


def _run() -> int:
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda signum, _: sys.exit(128 + signum))
    ask_no_official_server(os.environ)
    try:
        main()
    except TestbedError as error:
        sys.exit(f"lab: {error}")
    return 0


if __name__ == "__main__":
    sys.exit(_run())
