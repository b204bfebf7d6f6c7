"""The file system at the export's mount point: if nothing is mounted there, it is a local one."""

from __future__ import annotations

import os
import re
from pathlib import Path

from holdfast.claims.build_volume import Address

_TABLE = Path("/proc/self/mountinfo")  # proc_pid_mountinfo(5)
_NFS = {"nfs", "nfs4"}
_OCTAL = re.compile(r"\\([0-7]{3})")  # a space in a path is \040


def file_system_at(root: Path, table: Path = _TABLE) -> str:
    """The type of the file system that a folder is on; empty if it is not known.

    It may block while the file system hangs.
    """
    here = os.path.realpath(root)
    if not Path(here).is_dir():
        return ""
    try:
        lines = table.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return ""
    found = at = ""
    for point, kind in map(_mount, lines):
        if len(point) >= len(at) and _is_in(here, point):  # a later mount covers earlier ones
            found, at = kind, point
    return found


def is_it_mounted(root: Path, file_system: str, address: Address | None) -> tuple[str, str]:
    """A statement and a question if a file system is not NFS; both empty if it is, or unknown.

    This is no error: the export may be a directory of the NFS server itself.
    """
    if not file_system or file_system in _NFS:
        return "", ""
    what = str(address) if address else "the export"
    return f"{root} is {file_system}, not nfs", f"is {what} mounted there?"


def _mount(line: str) -> tuple[str, str]:
    """The mount point and the type of a line."""
    about, _, kind = line.partition(" - ")
    point = _OCTAL.sub(lambda code: chr(int(code[1], 8)), about.split(" ")[4])
    return point, kind.split(" ")[0]


def _is_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder.rstrip('/')}/")
