"""The variable nfs_server_exports, read: which directory for which client under which options."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from . import options
from .clients import read_client
from .errors import Refused
from .modes import read_mode

HEADER = "# Written by the Ansible role nfs_server from nfs_server_exports; do not edit."

# An element of the variable, as a module of Ansible takes it.
ENTRY = {
    "path": {"type": "str", "required": True},
    "clients": {"type": "list", "elements": "str"},
    "options": {"type": "list", "elements": "str", "default": ["rw"]},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "owner": {"type": "str"},
    "group": {"type": "str"},
    "mode": {"type": "raw"},
}

_PATH = re.compile(r"(/[\w.+@:=,~-]+)+", re.ASCII)
_RANGE = re.compile(r"(?P<before>[^{}]*)\{(?P<first>\d+)\.\.(?P<last>\d+)\}(?P<after>[^{}]*)")
_MOST = 1000  # directories of one range
_CLIENT = re.compile(r"(?P<client>[^\s()]+)(\((?P<options>[^()]*)\))?")


@dataclass(frozen=True, slots=True)
class Export:
    """One directory for one client."""

    path: str
    client: str
    settled: options.Settled

    def __str__(self) -> str:
        """As in exports(5)."""
        return f"{self.path} {self.client}({options.render(self.settled)})"


@dataclass(frozen=True, slots=True)
class Directory:
    """A directory that is exported, and to whom it belongs; None leaves that as it is."""

    path: str
    owner: str | None = None
    group: str | None = None
    mode: str | None = None


@dataclass(frozen=True, slots=True)
class Exports:
    """All that is wanted."""

    exports: tuple[Export, ...]
    directories: tuple[Directory, ...]

    def text(self) -> str:
        """The content of the file in /etc/exports.d, a line for each directory."""
        lines = [HEADER]
        for path, group in groupby(self.exports, key=lambda export: export.path):
            lines.append(" ".join([path, *(str(export).partition(" ")[2] for export in group)]))
        return "\n".join(lines) + "\n"


def read_exports(entries: Sequence[Mapping[str, Any] | str]) -> Exports:
    """Read the variable; entries with `state: absent` say nothing.

    Raises:
        Refused: naming the entry and what is wrong with it.
    """
    exports: dict[tuple[str, str], Export] = {}
    directories: dict[str, Directory] = {}
    for number, entry in enumerate(entries, start=1):
        if isinstance(entry, str):
            raise Refused(f"nfs_server_exports, entry {number}, is a string; {form_of(entry)}")
        try:
            for path in _read_paths(entry["path"]):
                if entry.get("state") != "absent":
                    _add_directory(directories, path, entry)
                    _add_exports(exports, path, entry)
        except Refused as refused:
            where = f"nfs_server_exports, entry {number} ({entry['path']})"
            raise Refused(f"{where}: {refused}") from None
    _refuse_shared_fsids(exports.values())
    ordered = sorted(exports.values(), key=lambda export: export.path)
    return Exports(tuple(ordered), tuple(directories.values()))


def form_of(line: str) -> str:
    """How a line of exports(5) is written in the variable."""
    path, __, rest = line.strip().partition(" ")
    clients = [found["client"] for found in _CLIENT.finditer(rest)] or ["192.168.41.0/24"]
    found = _CLIENT.search(rest)
    said = (found["options"] if found else None) or "rw"
    entry = {"path": path, "clients": clients, "options": said.split(",")}
    return f"write it as a mapping: {json.dumps(entry)}"


def read_path(path: str) -> str:
    """A path that both exports(5) and a mount's command line can do with.

    Raises:
        Refused: any other.
    """
    if not _PATH.fullmatch(path) or {".", ".."} & set(path.split("/")):
        raise Refused(
            f"path {path!r} must be absolute, other than /, without '..', '//', a slash at its "
            "end, and made of letters, digits and . _ - + @ : = , ~"
        )
    return path


def _read_paths(pattern: str) -> Iterator[str]:
    """The paths that a pattern such as /data/v{1..5} stands for."""
    found = _RANGE.fullmatch(pattern)
    if found is None:
        yield read_path(pattern)
        return
    first, last = int(found["first"]), int(found["last"])
    if not first <= last < first + _MOST:
        raise Refused(f"path: a range must rise, by at most {_MOST}, as in /data/volumes/v{{1..5}}")
    width = _width(found["first"], found["last"])
    for number in range(first, last + 1):
        yield read_path(f"{found['before']}{number:0{width}}{found['after']}")


def _width(*ends: str) -> int:
    """How many digits each number of a range has at least, as in a shell: {001..030} has three."""
    padded = any(end.startswith("0") and len(end) > 1 for end in ends)
    return max(map(len, ends)) if padded else 1


def _add_directory(directories: dict[str, Directory], path: str, entry: Mapping[str, Any]) -> None:
    mode = read_mode(entry.get("mode"))
    wanted = Directory(path, entry.get("owner"), entry.get("group"), mode)
    if directories.setdefault(path, wanted) != wanted:
        raise Refused(f"owner, group and mode of {path} differ from those of an entry before")


def _add_exports(
    exports: dict[tuple[str, str], Export], path: str, entry: Mapping[str, Any]
) -> None:
    settled = options.settle(entry.get("options") or ["rw"])
    if not entry.get("clients"):
        raise Refused("clients are missing; name at least one, such as 192.168.41.0/24")
    for client in map(read_client, entry["clients"]):
        if (path, client) in exports:
            raise Refused(f"{path} is exported to {client} already; keep one of the two")
        exports[path, client] = Export(path, client, settled)


def _refuse_shared_fsids(exports: Iterable[Export]) -> None:
    owners: dict[str, str] = {}
    for export in exports:
        fsid = export.settled.get("fsid")
        owner = owners.setdefault(fsid, export.path) if fsid else export.path
        if owner != export.path:
            raise Refused(f"nfs_server_exports: {owner} and {export.path} both have {fsid}")
