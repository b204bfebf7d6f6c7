"""What a machine expects at a path: a blank device in its place may stand for a missing disk.

The mount of an export's disk is `nofail`, so that a machine starts without it, and a name such as
/dev/vdb may then be that of another disk.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from .commands import Runner
from .errors import Refused
from .others import unescaped

FSTAB = Path("/etc/fstab")


def check_not_missing(path: str, device: str, made: Path, run: Runner) -> None:
    """See that nothing but this device is expected at the path.

    Args:
        path: where the device is to be mounted
        device: the blank device, its links followed
        made: the folder of the notes of file systems that the role made
        run: runs programs

    Raises:
        Refused: another file system is.
    """
    for source in other_sources(path, device, run):
        raise Refused(_is_in_fstab(path, device, source))
    # A disk that is there, and that somebody took out of /etc/fstab, makes room for another.
    note = _last_note(path, made)
    if note and not _device_of(f"UUID={note.name}", run):
        raise Refused(_was_made(path, device, note))


def other_sources(path: str, device: str, run: Runner) -> list[str]:
    """What /etc/fstab mounts at a path that is not this device, by whatever name."""
    return [source for source in _sources(path) if _device_of(source, run) != device]


def note_text(device: str, label: str, path: str) -> str:
    """The content of the note of a file system that the role made."""
    return f"{device} {label}\n{path}\n"


def forget_path(note: Path) -> None:
    """Expect the file system no longer, which is about to be destroyed."""
    note.write_text(note.read_text().splitlines()[0] + "\n")


def _sources(path: str) -> Iterator[str]:
    """What /etc/fstab mounts at a path."""
    text = FSTAB.read_text(errors="replace") if FSTAB.exists() else ""
    for fields in (line.split() for line in text.splitlines() if not line.lstrip().startswith("#")):
        if len(fields) > 1 and os.path.normpath(unescaped(fields[1])) == path:
            yield unescaped(fields[0])


def _device_of(source: str, run: Runner) -> str:
    """The device that a source such as UUID=… leads to; empty if none has it."""
    if source.startswith("/"):
        return os.path.realpath(source)
    found = run("findfs", source) if "=" in source else None
    return os.path.realpath(found.out.strip()) if found and found.out.strip() else ""


def _last_note(path: str, made: Path) -> Path | None:
    """The note of what the role made for a path, the last time.

    Those of an earlier version, and of a wipe that was cut, do not have the path in a second line.
    """
    notes = [note for note in made.glob("*") if note.is_file()]
    ours = [note for note in notes if note.read_text().splitlines()[1:] == [path]]
    return max(ours, key=lambda note: note.stat().st_mtime_ns, default=None)


def _is_in_fstab(path: str, device: str, source: str) -> str:
    return (
        f"nfs_server_filesystems: {device} is blank, and /etc/fstab mounts {source} at {path}, "
        f"which is not this device; it is not formatted. If the disk of {source} is missing, "
        f"attach it and mount it (mount {path}); if it is not needed, remove its line from "
        "/etc/fstab"
    )


def _was_made(path: str, device: str, note: Path) -> str:
    return (
        f"nfs_server_filesystems: {device} is blank, and the role made the file system "
        f"UUID={note.name} for {path}, which no device of this machine has now; it is not "
        f"formatted. If its disk is missing, attach it; if it is not needed, remove {note}"
    )
