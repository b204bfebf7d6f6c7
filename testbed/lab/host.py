"""What the machine that the lab runs on must have; what can be installed is."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Collection
from pathlib import Path
from typing import Final

from testbed.errors import LabError
from testbed.lab.machines import Machine

# Debian package → what the lab needs it for.
PACKAGES: Final = {
    "apt-utils": "indexing the machines' packages",
    "bc": "building the kernel",
    "bison": "building the kernel",
    "build-essential": "building the kernel",
    "debian-archive-keyring": "checking what comes from Debian",
    "docker-registry": "serving images to the machines",
    "e2fsprogs": "making disks",
    "ethtool": "the machines' network",
    "flex": "building the kernel",
    "iproute2": "the machines' network",
    "libelf-dev": "building the kernel",
    "mmdebstrap": "making disks",
    "netcat-openbsd": "ssh into the machines' network",
    "openssh-client": "ssh into the machines' network",
    "xz-utils": "unpacking the kernel",
}
_SHARED_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - where User-mode Linux puts a guest's memory
_DISK: Final = 20  # GiB: a kernel's build takes 3, a machine with a cluster on it 3
_MIB: Final = 1 << 20


_SYSTEMS: Final = ("debian", "ubuntu")
_OTHERWISE: Final = "with KVM or VirtualBox, use LAB=vagrant instead"


def check_root() -> None:
    """See that we may make and end machines.

    Raises:
        LabError: we may not.
    """
    if os.geteuid() != 0:
        raise LabError(
            "the lab in User-mode Linux needs root, for a network namespace of its own; run it "
            f"with sudo; {_OTHERWISE}"
        )


def check_system() -> None:
    """See that there are Debian packages to make machines from, and that they run here.

    Raises:
        LabError: there are not, or they do not.
    """
    here = os_release()
    if here.get("ID") not in _SYSTEMS or shutil.which("apt-get") is None:
        name = here.get("PRETTY_NAME", platform.system())
        raise LabError(
            f"the lab in User-mode Linux is made from Debian packages, and this is {name}; "
            f"run it on Debian or Ubuntu; {_OTHERWISE}"
        )
    if platform.machine() != "x86_64":
        raise LabError(
            f"User-mode Linux runs on amd64, and this is {platform.machine()}; {_OTHERWISE}"
        )


def os_release(file: Path = Path("/etc/os-release")) -> dict[str, str]:
    """What this machine's system says of itself; empty where it says nothing."""
    try:
        lines = file.read_text().splitlines()
    except OSError:
        return {}
    pairs = (line.partition("=") for line in lines if "=" in line)
    return {key: value.strip("'\"") for key, _, value in pairs}


def check_room(machines: Collection[Machine], disks: Path) -> None:
    """See that these machines can be started here.

    Raises:
        LabError: says what is missing.
    """
    check_memory(machines, _available_memory(), shutil.disk_usage(_SHARED_MEMORY).free)
    check_disk(shutil.disk_usage(disks).free, disks)


def check_memory(machines: Collection[Machine], available: int, shared: int) -> None:
    """See that there is memory for the machines; both figures are in bytes.

    Raises:
        LabError: there is not.
    """
    needed = sum(machine.memory for machine in machines) * _MIB
    if needed > min(available, shared):
        where = "of memory" if available < shared else f"in {_SHARED_MEMORY}"
        raise LabError(
            f"{len(machines)} machines need {needed / _MIB / 1024:.1f} GiB, and there are "
            f"{min(available, shared) / _MIB / 1024:.1f} GiB {where}; free some, or name fewer "
            "machines"
        )


def check_disk(free: int, folder: Path) -> None:
    """See that there is room for the disks; `free` is in bytes.

    Raises:
        LabError: there is not.
    """
    if free < _DISK << 30:
        raise LabError(
            f"the machines' disks in {folder} need {_DISK} GiB, and {free / (1 << 30):.1f} GiB "
            "are free there; make room"
        )


def _available_memory() -> int:
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) << 10
    raise LabError("/proc/meminfo of this machine has no MemAvailable; the lab needs Linux 3.14")
