"""Who uses a device, so that it cannot be opened exclusively: mounts, other devices, swap."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from .others import unescaped

ROOT = Path("/")  # of the kernel's files


def uses(device: str) -> list[str]:
    """What a device is used for, a phrase each; its links are followed already."""
    number = Path(device).stat().st_rdev
    called = f"{os.major(number)}:{os.minor(number)}"
    swaps = _read(ROOT / "proc/swaps").splitlines()[1:]
    return [
        *_mounts(called),
        *(f"used by {path.name}" for path in (ROOT / f"sys/dev/block/{called}/holders").glob("*")),
        *("used as swap" for line in swaps if line.split()[0] == device),
    ]


def _mounts(called: str) -> Iterator[str]:
    """Also in the mount namespaces of services and containers, once for each of them."""
    seen = set[str]()
    for process in (ROOT / "proc/self", *sorted((ROOT / "proc").glob("[0-9]*"))):
        namespace = _namespace(process)
        if namespace not in seen:
            seen.add(namespace)
            whose = "" if process.name == "self" else f" for process {_title(process)}"
            yield from (f"mounted at {path}{whose}" for path in _points(process, called))


def _points(process: Path, called: str) -> Iterator[str]:
    """See proc_pid_mountinfo(5): the device is the third field, where it is mounted the fifth."""
    for fields in map(str.split, _read(process / "mountinfo").splitlines()):
        if fields[2] == called:
            yield unescaped(fields[4])


def _title(process: Path) -> str:
    return f"{process.name} ({_read(process / 'comm').strip()})"


def _namespace(process: Path) -> str:
    try:
        return str((process / "ns/mnt").readlink())
    except OSError:  # it has ended
        return ""


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:  # likewise
        return ""
