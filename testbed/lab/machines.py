"""Which machines there are: the same names, groups and addresses as the Vagrantfile's."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from testbed.errors import LabError

NETWORK: Final = "192.168.41.0/24"
GATEWAY: Final = "192.168.41.1"  # the lab's own end: what it serves to the machines is there
EXPORT_DEVICE: Final = "/dev/ubdb"  # a second disk in User-mode Linux
USER: Final = "vagrant"
SUITES: Final = ("trixie", "bookworm")  # the Debian releases that the roles are proven on


@dataclass(frozen=True)
class Machine:
    """One machine.

    Attributes:
        group: of the inventory.
        memory: in MiB.
        suite: its Debian release.
        export_disk: the size in GiB of a second, blank disk; 0 for none.
    """

    name: str
    group: str
    address: str
    memory: int
    suite: str = "trixie"
    export_disk: int = 0

    @property
    def mac(self) -> str:
        """Its network card's address: locally administered, ends like the IP address."""
        return "02:00:{:02x}:{:02x}:{:02x}:{:02x}".format(*map(int, self.address.split(".")))


MACHINES: Final = (
    Machine("nfs", "nfs_servers", "192.168.41.10", 1024, export_disk=8),
    Machine("control", "control_plane", "192.168.41.11", 3072),
    Machine("worker1", "workers", "192.168.41.21", 2560),
    # One of the other release, so that both are always proven.
    Machine("worker2", "workers", "192.168.41.22", 2560, suite="bookworm"),
)


def chosen(names: Collection[str]) -> list[Machine]:
    """The machines of these names, in the table's order; all of them for no names.

    Raises:
        LabError: there is none of that name.
    """
    known = {machine.name: machine for machine in MACHINES}
    for name in names:
        if name not in known:
            raise LabError(f"there is no machine {name!r} in the lab; it has {', '.join(known)}")
    return [machine for machine in MACHINES if not names or machine.name in names]


def spread(processors: Sequence[int]) -> dict[Machine, int]:
    """The processor of each machine of the table: the large ones first, each where least is."""
    machines = sorted(MACHINES, key=lambda machine: machine.memory, reverse=True)
    load = dict.fromkeys(processors, 0)
    placed = {}
    for machine in machines:
        processor = min(load, key=lambda each: load[each])
        load[processor] += machine.memory
        placed[machine] = processor
    return placed
