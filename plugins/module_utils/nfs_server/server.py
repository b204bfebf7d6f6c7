"""The exports of a machine: refused as a whole, or in force as a whole."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from .clients import canonical
from .commands import Runner
from .ending import end, ending, former, note_of, to_end
from .errors import Refused
from .exports import Export, Exports
from .others import paths_of_others, unescaped
from .table import Entry, Table, complaints, read_table
from .withdrawal import entries

# Kinds of file systems without a device under them that give the server a lasting id all the same.
_OWN_IDS = frozenset({"zfs"})
_FILE_MODE = 0o644
ETAB = Path("/var/lib/nfs/etab")
EXPORTS = Path("/etc/exports")


def check_directories(wanted: Exports, run: Runner) -> None:
    """See that each path is, or may become, a directory that the server can export.

    Raises:
        Refused: naming the path and what to write instead.
    """
    for directory in wanted.directories:
        _check_directory(Path(directory.path))
    without = [export for export in wanted.exports if "fsid" not in export.settled]
    for path in dict.fromkeys(export.path for export in without):
        _check_lasting_id(Path(path), run)


def put_in_force(wanted: Exports, file: Path, run: Runner) -> None:
    """Write the file and export; if that comes to something else, the old exports are put back.

    What is new comes first, so that a client which both serve is served all the time.

    Raises:
        Refused: it does; the sentence says what differs.
    """
    before = file.read_text() if file.exists() else None
    found = _replace(file, wanted.text() if wanted.exports else None, run)
    found = found or _complaints(wanted.exports, without=ending(file, _table()))
    if found:
        _replace(file, before, run)
        left = end(file, ETAB, EXPORTS, run)
        said = "; ".join([*found, *left])
        raise Refused(f"nfs_server_exports: {said}; the exports from before are back")
    left = end(file, ETAB, EXPORTS, run) or _complaints(wanted.exports)
    if left:
        raise Refused(f"nfs_server_exports: {'; '.join(left)}")


def is_in_force(wanted: Exports, file: Path) -> bool:
    """Whether the file says so already, and the server does so, and nothing is left to end."""
    text = file.read_text() if file.exists() else None
    same = text == (wanted.text() if wanted.exports else None)
    return same and not note_of(file).exists() and not _complaints(wanted.exports)


def write(file: Path, text: str | None) -> None:
    """Replace the file as a whole; None removes it."""
    if text is None:
        file.unlink(missing_ok=True)
        return
    file.parent.mkdir(mode=0o755, exist_ok=True)
    # exportfs and mountd read only files that end in .exports
    new = file.with_name(f".{file.name}.new")
    new.write_text(text)
    new.chmod(_FILE_MODE)
    new.replace(file)


def others_exports(own: Exports, file: Path) -> list[str]:
    """The paths that others export: those of their files, and what somebody typed.

    The files are read as well, because a server that is stopped has an empty table, and because the
    table has an export of two files once.
    """
    ours = {
        *entries(former(file)),
        *((export.path, export.client) for export in own.exports),
    }
    table = _table()
    names = {(path, canonical(client)) for path, client in ours} | ours
    typed = {path for path, client in table if (path, client) not in names}
    return sorted(map(unescaped, typed | paths_of_others(EXPORTS, file)))


def _replace(file: Path, text: str | None, run: Runner) -> list[str]:
    """Have the server export what a new file says; what ends is noted before, and goes on.

    Not by `exportfs -ra`: that ends what somebody exported without a file as well.
    """
    write(note_of(file), to_end(former(file), text or ""))
    write(file, text)
    outcome = run("exportfs", "-a")
    return [outcome.complaint] if outcome.code else []


def _complaints(exports: tuple[Export, ...], without: Sequence[Entry] = ()) -> list[str]:
    found = {entry: settled for entry, settled in _table().items() if entry not in without}
    return complaints(exports, found)


def _table() -> Table:
    return read_table(ETAB.read_text() if ETAB.exists() else "")


def _check_directory(path: Path) -> None:
    real = Path(os.path.realpath(path))
    if real != path:
        raise Refused(f"nfs_server_exports: {path} is a link to {real}; export that instead")
    if path.exists() and not path.is_dir():
        raise Refused(f"nfs_server_exports: {path} is there and no directory; choose another path")


def _check_lasting_id(path: Path, run: Runner) -> None:
    """Without one, the server takes the export and its clients fail later."""
    standing = next(folder for folder in (path, *path.parents) if folder.exists())
    kind = run("findmnt", "--noheadings", "--output", "FSTYPE", "--target", str(standing)).out
    known = Path("/proc/filesystems").read_text().splitlines()
    if f"nodev\t{kind.strip()}" in known and kind.strip() not in _OWN_IDS:
        raise Refused(
            f"nfs_server_exports: {path} is on a file system of the kind {kind.strip()}, which "
            "gives the server no lasting id; choose another place, or add an option fsid=NUMBER "
            "that no other export has"
        )
