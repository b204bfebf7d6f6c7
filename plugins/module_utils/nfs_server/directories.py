"""Which directories the role made, and their removal: what was there before is never removed.

A note under /var/lib has the path of each directory that the role made, its file system, its inode
and its time of birth. An inode alone is given again: the first directory of every new file system
has the same.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from .commands import Runner
from .disks import MADE, probe
from .errors import Refused

NOTES = MADE / "directories"
BIRTH = ("stat", "--format=%i %.9W")
SOURCE = ("findmnt", "--noheadings", "--raw", "--nofsroot", "--output", "SOURCE", "--target")
_MOUNTS = Path("/proc/self/mountinfo")


def make(path: Path, run: Runner) -> None:
    """Make a directory, and those above it that are missing; note which it is."""
    path.mkdir(mode=0o755, parents=True)
    if identity := _identity(path, run):
        NOTES.mkdir(mode=0o755, parents=True, exist_ok=True)
        _note(path).write_text(identity)


def made(paths: Iterable[str], run: Runner) -> list[str]:
    """Those of the paths whose directory is the one that the role made."""
    return [path for path in paths if _is_made_here(Path(path), run)]


def check_removable(path: str, unmounted: Collection[str] = ()) -> None:
    """See that nothing is mounted at the directory or beneath it.

    Args:
        path: the directory
        unmounted: what will be unmounted before

    Raises:
        Refused: naming what is.
    """
    left = [mount for mount in _mount_points() if mount not in unmounted]
    mounts = [mount for mount in left if f"{mount}/".startswith(f"{path}/")]
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


def _is_made_here(path: Path, run: Runner) -> bool:
    note = _note(path)
    return path.is_dir() and note.exists() and note.read_text() == _identity(path, run)


def _identity(path: Path, run: Runner) -> str | None:
    """What a note says of the directory; None where another could not be told from it."""
    inode, __, born = run(*BIRTH, str(path)).out.strip().partition(" ")
    source = run(*SOURCE, str(path)).out.strip()
    if not source or not born.strip("-0."):  # a file system that does not note it
        return None
    uuid = probe(source, run).uuid if source.startswith("/dev/") else ""
    return f"{uuid or source} {inode} {born} {path}\n"


def _note(path: Path) -> Path:
    """A path may be longer than a name."""
    return NOTES / hashlib.sha256(os.fsencode(path)).hexdigest()


def _mount_points() -> Iterator[str]:
    """See proc_pid_mountinfo(5): the fifth field, with octal escapes."""
    for line in os.fsencode(_MOUNTS.read_text()).splitlines():
        yield os.fsdecode(line.split()[4].decode("unicode_escape").encode("latin-1"))
