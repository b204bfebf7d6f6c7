"""Exports that are to end, noted beside the role's file until the server's table lacks them.

The file names them no longer by then. Without the note, a run that is cut in between would leave
them in force for good, and the next one would take them for typed by somebody.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from .clients import canonical
from .commands import Runner
from .others import paths_of_others
from .table import Entry, Lines, listed_as, read_lines, read_table, render_lines
from .trial import table_without

HEADER = "# Exports that are to end; written by the Ansible role nfs_server, which removes this."


def note_of(file: Path) -> Path:
    """The note beside a file of exports; exportfs and mountd read only files *.exports."""
    return file.with_name(f".{file.name}.ending")


def former(file: Path) -> str:
    """What the role exported until now: the content of its file, and what is still to end."""
    text = _read(file)
    left = {key: said for key, said in _noted(file).items() if key not in _clients(text)}
    return text + render_lines(left)


def to_end(before: str, after: str) -> str | None:
    """The content of the note where one file takes the place of another; None if nothing ends."""
    kept = _clients(after)
    gone = {key: said for key, said in _clients(before).items() if key not in kept}
    return f"{HEADER}\n{render_lines(gone)}" if gone else None


def ending(file: Path, table: Iterable[Entry]) -> list[Entry]:
    """What is still to end, as the server's table has it: not what the file has again."""
    table, noted = {*table}, _noted(file)
    kept = {listed_as(*entry, table) for entry in _clients(_read(file))} if noted else set()
    found = (listed_as(*entry, table) for entry in noted)
    return [entry for entry in found if entry and entry not in kept]


def named_in_notes(folder: Path) -> set[Entry]:
    """All entries of the notes in a folder, by the names that the server's table may have."""
    found = {entry for path in folder.glob(".*.ending") for entry in _clients(_read(path))}
    return found | {(path, canonical(client)) for path, client in found}


def end(file: Path, etab: Path, main: Path, run: Runner) -> list[str]:
    """End what the note names, and remove the note.

    Args:
        file: the role's file of exports
        etab: the server's table
        main: /etc/exports; what another file exports as well does not end
        run: runs programs

    Returns:
        What is in the table all the same, a sentence each; it stays in the note.
    """
    gone = _ours_alone(ending(file, _table(etab)), file, main, run)
    said = {entry: run("exportfs", "-u", _argument(*entry)).complaint for entry in gone}
    standing = [entry for entry in gone if entry in _table(etab)]
    if gone:  # to end an address ends a name that it has as well
        run("exportfs", "-a")
    if not standing:
        note_of(file).unlink(missing_ok=True)
    return [_stands(*entry, said[entry]) for entry in standing]


def _ours_alone(gone: list[Entry], file: Path, main: Path, run: Runner) -> list[Entry]:
    """Those that no other file has, as its clients would get ESTALE."""
    if not {path for path, __ in gone} & paths_of_others(main, file):
        return gone
    others = table_without(file, run)
    return [entry for entry in gone if entry not in others]


def _argument(path: str, client: str) -> str:
    """As exportfs(8) wants it; an address of IPv6 has colons of its own."""
    return f"[{client}]:{path}" if ":" in client else f"{client}:{path}"


def _stands(path: str, client: str, said: str) -> str:
    return (
        f"{path} is still exported to {client}, which was to end{f' ({said})' if said else ''}; "
        f"see why `exportfs -u {_argument(path, client)}` does not end it, and run this again"
    )


def _table(etab: Path) -> set[Entry]:
    return {*read_table(_read(etab))}


def _noted(file: Path) -> Lines:
    return _clients(_read(note_of(file)))


def _clients(text: str) -> Lines:
    """The options of each path and client, in a file that the role wrote."""
    rows = (line.split() for line in text.splitlines() if line and not line.startswith("#"))
    return read_lines("".join(f"{path} {one}\n" for path, *clients in rows for one in clients))


def _read(path: Path) -> str:
    return path.read_text() if path.exists() else ""
