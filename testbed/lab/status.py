"""What there is of a lab, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table

from testbed.lab.guest import UmlGuest, reachable
from testbed.lab.layout import Layout


@dataclass(frozen=True)
class Row:
    """One machine, as it is now.

    Attributes:
        pid: of its process; None when it is off.
        uptime: seconds since it was switched on.
        reached: whether its sshd answers.
    """

    name: str
    address: str
    suite: str
    memory: int
    pid: int | None
    uptime: float
    reached: bool

    @property
    def state(self) -> str:
        """In a word."""
        if self.pid is None:
            return "off"
        return "up" if self.reached else "starting"


def look(guests: Sequence[UmlGuest]) -> list[Row]:
    """Look at the machines."""
    return [
        _row(guest, reached=reached)
        for guest, reached in zip(guests, reachable(guests), strict=True)
    ]


def _row(guest: UmlGuest, *, reached: bool) -> Row:
    machine, process, made = guest.machine, guest.process, guest.made()
    return Row(
        name=machine.name,
        address=machine.address,
        suite=made.suite if made else machine.suite,
        memory=machine.memory,
        pid=process.pid(),
        uptime=process.uptime(),
        reached=reached,
    )


def table(layout: Layout, rows: Sequence[Row]) -> Table:
    """The machines for a person."""
    shown = Table(title=f"lab {layout.name}: {'no machines' if not rows else layout.namespace}")
    for heading in ("machine", "address", "release", "state", "pid", "memory", "since", "ssh"):
        shown.add_column(heading)
    for row in rows:
        shown.add_row(
            row.name,
            row.address,
            row.suite,
            row.state,
            str(row.pid or "-"),
            f"{row.memory} MiB",
            f"{row.uptime:.0f} s",
            "yes" if row.reached else "no",
        )
    return shown
