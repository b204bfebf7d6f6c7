"""What is looked at on any machine: disks, units, the clock, and NFS mounts."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

# Those that others fill, or that are always full.
_NOT_OURS = ("/run", "/dev", "/sys", "/proc", "/snap", "/boot/efi")
_ON_DISKS = frozenset({"btrfs", "ext2", "ext3", "ext4", "f2fs", "xfs", "zfs"})
_NFS = frozenset({"nfs", "nfs4"})
ANSWER = 10.0  # seconds that a mount has
# What asking takes: the module goes to the machine first.
TRANSFER = 5.0
_GIB = 1 << 30

Stat = Callable[[str], os.statvfs_result]


def full_disks(table: str, percent: int, stat: Stat = os.statvfs) -> Iterator[str]:
    """File systems that are fuller than so many percent, in bytes or in files.

    Args:
        table: /proc/self/mountinfo
        percent: the most that is well
        stat: os.statvfs
    """
    for path in _one_each(table, _ON_DISKS):
        if not path.startswith(_NOT_OURS):
            yield from _disk(path, percent, stat)


def failed_units(listed: str) -> Iterator[str]:
    """Units that have failed.

    Args:
        listed: `systemctl list-units --state=failed --plain --no-legend`
    """
    for line in listed.splitlines():
        if line.strip():
            unit = line.split()[0]
            yield (
                f"The unit {unit} has failed; see journalctl --unit {unit}, and once it is mended, "
                f"systemctl reset-failed {unit}."
            )


def clock_faults(asked: float, now: float, seconds: float, shown: str) -> Iterator[str]:
    """A clock that is off that of the machine that asks, or that nothing sets.

    Args:
        asked: the time there, before it asked
        now: the time here
        seconds: how much is well
        shown: `timedatectl show`; empty where there is none
    """
    if now < asked - seconds:
        yield f"The clock is {asked - now:.0f} s behind; let a time service set it."
    if now > asked + seconds + TRANSFER:
        yield f"The clock is {now - asked:.0f} s ahead; let a time service set it."
    said = dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)
    if said.get("NTP") == "yes" and said.get("NTPSynchronized") == "no":
        yield ("The time service runs, but has not set the clock; see timedatectl timesync-status.")


def silent_mounts(table: str, seconds: float = ANSWER) -> Iterator[str]:
    """NFS mounts whose server does not answer, one for each export.

    Args:
        table: /proc/self/mountinfo
        seconds: that each has
    """
    asked = {path: _ask(path) for path in _one_each(table, _NFS)}
    for path, process in asked.items():
        why = _ended(process, seconds)
        if why:
            yield (
                f"The NFS mount {path} does not answer ({why}); see that its server runs and can "
                "be reached."
            )


def _one_each(table: str, kinds: frozenset[str]) -> dict[str, str]:
    """The first mount point of each file system of these kinds, and its kind."""
    found: dict[str, tuple[str, str]] = {}
    for line in table.splitlines():
        fields, __, rest = line.partition(" - ")
        kind, device, path = rest.split()[0], fields.split()[2], fields.split()[4]
        if kind in kinds:
            found.setdefault(device, (_decoded(path), kind))
    return dict(found.values())


def _decoded(path: str) -> str:
    """The kernel writes a space as its octal number."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), path)


def _disk(path: str, percent: int, stat: Stat) -> Iterator[str]:
    try:
        yield from _fullness(path, stat(path), percent)
    except FileNotFoundError:  # another mount is over it
        return
    except OSError as error:
        yield (
            f"The file system {path} cannot be looked at ({error.strerror}); see journalctl "
            "--dmesg."
        )


def _fullness(path: str, of: os.statvfs_result, percent: int) -> Iterator[str]:
    used = 100 - 100 * of.f_bavail / of.f_blocks if of.f_blocks else 0
    if used > percent:
        left = of.f_bavail * of.f_frsize / _GIB
        yield f"The file system {path} is {used:.0f} % full, with {left:.1f} GiB left; make room."
    files = 100 - 100 * of.f_favail / of.f_files if of.f_files else 0
    if files > percent:
        yield f"The file system {path} has {files:.0f} % of its inodes in use; remove files."


def _ask(path: str) -> subprocess.Popen[str]:
    """A process of its own, which may hang for as long as it likes."""
    return subprocess.Popen(  # noqa: S603 - words, no shell
        ["/usr/bin/stat", "--file-system", "--format=%T", path],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def _ended(process: subprocess.Popen[str], seconds: float) -> str:
    """Why it did not end well; empty if it did."""
    try:
        said = process.communicate(timeout=seconds)[1]
    except subprocess.TimeoutExpired:
        _give_up(process)
        return f"nothing within {seconds:.0f} s"
    return said.strip().rpartition(": ")[2] if process.returncode else ""


def _give_up(process: subprocess.Popen[str]) -> None:
    """One that the kernel holds ends when it may; nothing waits for that."""
    process.kill()
    if process.stderr:
        process.stderr.close()
    with suppress(subprocess.TimeoutExpired):
        process.wait(1)


def read(path: str) -> str:
    """A file of the kernel's."""
    return Path(path).read_text()
