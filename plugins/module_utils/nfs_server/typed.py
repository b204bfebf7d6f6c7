"""Exports that somebody typed with exportfs, kept while the server restarts.

`nfs-server.service` empties the server's table when it stops, and starts with what the files say.
So those that are in no file are put into one for that time: the server has them from its first
moment on, and no client gets ESTALE in between.
"""

from __future__ import annotations

from pathlib import Path

from .commands import Runner
from .ending import named_in_notes
from .errors import Refused
from .others import unescaped
from .server import write
from .table import Lines, read_lines, render_lines
from .trial import table_without

HEADER = (
    "# Typed with exportfs; written by the Ansible role nfs_server while the NFS server restarts."
)


def keep(file: Path, etab: Path, run: Runner) -> Lines:
    """Write those that are in no other file; what an interrupted run wrote stays as well.

    What the role itself is to end is in no file either, and was not typed by anybody.
    """
    exported, saved = _read(etab), _read(file)
    if not exported:
        return saved
    in_files, ends = table_without(file, run), named_in_notes(file.parent)
    typed = {key: options for key, options in exported.items() if key not in in_files}
    kept = {key: options for key, options in {**saved, **typed}.items() if key not in ends}
    if kept != saved:
        write(file, f"{HEADER}\n{render_lines(kept)}" if kept else None)
    return kept


def release(file: Path, etab: Path) -> Lines:
    """Remove the file, whose exports are in the server's table now.

    Raises:
        Refused: some are not; the file stays.
    """
    kept, exported = _read(file), _read(etab)
    # What is no more cannot be exported, and was not before.
    lost = [key for key in kept if key not in exported and Path(unescaped(key[0])).exists()]
    if lost:
        raise Refused(_are_lost(lost, file))
    write(file, None)
    return kept


def _read(file: Path) -> Lines:
    return read_lines(file.read_text()) if file.exists() else {}


def _are_lost(lost: list[tuple[str, str]], file: Path) -> str:
    named = ", ".join(f"{path} for {client}" for path, client in lost)
    return (
        f"{named}: exported without a file before the NFS server was restarted, and not since. "
        f"Look what `exportfs -a` says of {file}, which has them, and run this again; or remove "
        "that file to do without them"
    )
