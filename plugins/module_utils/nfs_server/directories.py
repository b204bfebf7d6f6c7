"""Which directories the role made, and their removal: what was there before is never removed.

A note under /var/lib has the path and the inode of each directory that the role made.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from .disks import MADE
from .errors import Refused

NOTES = MADE / "directories"
_MOUNTS = Path("/proc/self/mountinfo")


def make(path: Path) -> None:
    """Make a directory, and those above it that are missing; note which it is."""
    path.mkdir(mode=0o755, parents=True)
    NOTES.mkdir(mode=0o755, parents=True, exist_ok=True)
    _note(path).write_text(f"{path.stat().st_ino} {path}\n")


def made(paths: Iterable[str]) -> list[str]:
    """Those of the paths whose directory is the one that the role made."""
    return [path for path in paths if _is_made_here(Path(path))]


def check_removable(path: str) -> None:
    """See that nothing is mounted at the directory or beneath it.

    Raises:
        Refused: naming what is.
    """
    mounts = [mount for mount in _mount_points() if f"{mount}/".startswith(f"{path}/")]
    if mounts:
        raise Refused(
            f"{path} is not removed, because {', '.join(mounts)} is mounted there; unmount "
            "that first"
        )


def remove(path: str) -> None:
    """Remove a directory that the role made, with what is in it.

    Raises:
        Refused: something is mounted there.
    """
    check_removable(path)
    shutil.rmtree(path)
    _note(Path(path)).unlink(missing_ok=True)


def _is_made_here(path: Path) -> bool:
    note = _note(path)
    return path.is_dir() and note.exists() and note.read_text() == f"{path.stat().st_ino} {path}\n"


def _note(path: Path) -> Path:
    """A path may be longer than a name."""
    return NOTES / hashlib.sha256(os.fsencode(path)).hexdigest()


def _mount_points() -> Iterator[str]:
    """See proc_pid_mountinfo(5): the fifth field, with octal escapes."""
    for line in os.fsencode(_MOUNTS.read_text()).splitlines():
        yield os.fsdecode(line.split()[4].decode("unicode_escape").encode("latin-1"))
