"""What a lab offers, whatever its machines are: who uses one needs no more than this.

`python -m testbed.lab` and `tests/lab` go through it. Two forms have it: `vagrant.VagrantLab`, the
machines of the Vagrantfile, and `lab.UmlLab`, User-mode Linux. `forms.open_lab` chooses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from testbed.lab.layout import Layout
from testbed.lab.machines import MACHINES, Machine
from testbed.supplies import DEFAULT_VERSIONS
from testbed.supplies.recipes import PREVIOUS_VERSION


@dataclass(frozen=True)
class Wish:
    """What a lab shall be.

    Attributes:
        machines: which of them, at least.
        suite: the release of those that are new; None for each its own.
        fresh: with a new kernel and new images, should there be newer ones.
        bare: the machines only, without programs and images of Kubernetes for them.
        previous: with the Kubernetes version, too, that an upgrade starts from.
        unpublished: without the provisioner's image in the registry, and with what it is built of.
    """

    machines: Sequence[Machine] = MACHINES
    suite: str | None = None
    fresh: bool = False
    bare: bool = False
    previous: bool = False
    unpublished: bool = False

    @property
    def versions(self) -> tuple[str, ...]:
        """Of Kubernetes, those that the lab serves."""
        return (*DEFAULT_VERSIONS, *([PREVIOUS_VERSION] if self.previous else []))


class Guest(Protocol):
    """One machine of a lab."""

    @property
    def machine(self) -> Machine:
        """Which it is."""

    @property
    def export_device(self) -> str:
        """Its second disk, if it has one."""

    def ssh(self, command: str, deadline: float = 60.0) -> str:
        """Run a command on it; what it wrote to stdout. Raises LabError."""

    def start(self) -> None:
        """Switch it on."""

    def power_off(self) -> None:
        """Let it end in order."""

    def kill(self) -> None:
        """End it at once, as a power cut would."""

    def reboot(self) -> None:
        """Let it start anew in order, and wait until it can be reached. Raises LabError."""

    def cut_power(self) -> None:
        """End it at once, start it again from the same disks, wait until it can be reached."""


class Lab(Protocol):
    """A lab, there or not."""

    @property
    def layout(self) -> Layout:
        """Where its inventory and its configuration of ssh are."""

    def guests(self) -> Sequence[Guest]:
        """The machines that were made, running or not."""

    def guest(self, name: str) -> Guest:
        """The machine of a name. Raises LabError where there is none."""

    def inside(self) -> list[str]:
        """The words before a command with which it reaches the machines' addresses."""

    def up(self, wish: Wish) -> None:
        """Make what is missing, start what does not run, wait until all can be reached.

        Raises:
            LabError: something could not be made or started.
        """

    def down(self) -> None:
        """End everything; nothing is left of it."""

    def show(self) -> bool:
        """Show the machines to a person; whether there are some and all can be reached."""
