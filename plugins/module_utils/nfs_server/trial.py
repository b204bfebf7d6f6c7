"""A dry run of `exportfs`, in a mount namespace of its own: the server's table is not touched.

In it the candidate stands beside the machine's other export files, the tables under /var/lib/nfs
are empty ones, and the kernel's interface is out of sight. Directories that are still to be made
have stand-ins.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from .commands import Outcome, Runner
from .errors import Refused
from .exports import Exports
from .table import Table, complaints, read_table

# $1 takes the place of /etc/exports.d, $2 of /var/lib/nfs; all of it ends with the namespace.
_SCRIPT = """
mount --bind "$1" /etc/exports.d && mount --bind "$2" /var/lib/nfs || exit 97
umount --lazy /proc/fs/nfsd 2>/dev/null
exportfs -ra
code=$?
"""
_STRICT = f"{_SCRIPT}exit $code\n"
_LENIENT = f"{_SCRIPT}exit 0\n"  # a server starts with what is right in its files
_TABLES = ("etab", "rmtab", "xtab")


def rehearse(wanted: Exports, file: Path, run: Runner) -> None:
    """See that the server would take `wanted` as the content of `file`, and mean the same by it.

    Raises:
        Refused: it would not; the sentence is exportfs's own, or says what differs.
    """
    file.parent.mkdir(mode=0o755, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="exports-", dir="/var/tmp") as folder:
        stage = _Stage(Path(folder), wanted)
        found = complaints(wanted.exports, stage.play(file, run))
    if found:
        raise Refused(f"nfs_server_exports, in a dry run: {'; '.join(found)}; nothing was changed")


def table_without(file: Path, run: Runner) -> Table:
    """What the server would export after a restart, if this file were not there.

    Raises:
        Refused: that cannot be tried.
    """
    with tempfile.TemporaryDirectory(prefix="exports-", dir="/var/tmp") as folder:
        exports, tables = Path(folder) / "exports.d", Path(folder) / "nfs"
        _copy_others(file, exports)
        _make_tables(tables)
        outcome = _try(_LENIENT, exports, tables, run)
        if outcome.code:
            raise Refused(f"the machine's files of exports cannot be tried: {outcome.complaint}")
        return read_table((tables / "etab").read_text())


class _Stage:
    def __init__(self, folder: Path, wanted: Exports) -> None:
        self._folder = folder
        self._wanted = wanted
        self._standins = folder / "standins"
        self._missing = [
            directory.path for directory in wanted.directories if not Path(directory.path).is_dir()
        ]

    def play(self, file: Path, run: Runner) -> Table:
        """The table that comes of it."""
        exports, tables = self._folder / "exports.d", self._folder / "nfs"
        _copy_others(file, exports)
        (exports / file.name).write_text(self._candidate())
        _make_tables(tables)
        outcome = _try(_STRICT, exports, tables, run)
        if outcome.code:
            said = outcome.complaint.replace(str(self._standins), "")
            raise Refused(f"exportfs refuses in a dry run, nothing was changed: {said}")
        return read_table((tables / "etab").read_text().replace(str(self._standins), ""))

    def _candidate(self) -> str:
        text = self._wanted.text()
        for path in self._missing:
            standin = self._standins / path.lstrip("/")
            standin.mkdir(parents=True)
            text = text.replace(f"\n{path} ", f"\n{standin} ")
        return text


def _try(script: str, exports: Path, tables: Path, run: Runner) -> Outcome:
    return run("unshare", "--mount", "sh", "-c", script, "sh", str(exports), str(tables))


def _copy_others(file: Path, target: Path) -> None:
    target.mkdir()
    for other in file.parent.glob("*.exports"):
        if other.name != file.name:
            shutil.copy(other, target)


def _make_tables(folder: Path, names: Iterable[str] = _TABLES) -> None:
    folder.mkdir()
    for name in names:
        (folder / name).touch()
