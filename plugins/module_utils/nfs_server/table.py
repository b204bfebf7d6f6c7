"""The server's table of exports, compared with what was wanted.

`exportfs` ends with 0 when a host does not resolve (that export is then silently missing) and when
a stray space has exported a directory to the world, so its word is not taken for it. What counts is
the table that it leaves for rpc.mountd; `exportfs -s` shows some options only where the kernel's
interface is mounted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable

from .clients import canonical
from .exports import Export
from .options import Settled, differences, read_shown

Entry = tuple[str, str]  # a path, and the client that it is exported to
Table = dict[Entry, Settled]
Lines = dict[Entry, str]

_LINE = re.compile(r"(?P<path>.+?)\s+(?P<client>\S+?)\((?P<options>[^()]*)\)")


def read_table(text: str) -> Table:
    """The content of /var/lib/nfs/etab, by path and client."""
    return {key: read_shown(options) for key, options in read_lines(text).items()}


def read_lines(text: str) -> Lines:
    """The same, with the options as they are there."""
    lines = filter(None, map(_LINE.fullmatch, map(str.strip, text.splitlines())))
    return {(line["path"], line["client"]): line["options"] for line in lines}


def render_lines(lines: Lines) -> str:
    """As the table has them, and a file of exports may."""
    return "".join(f"{path} {client}({options})\n" for (path, client), options in lines.items())


def listed_as(
    path: str,
    client: str,
    table: Container[Entry],
    canonical: Callable[[str], str] = canonical,
) -> Entry | None:
    """How the table has an export, which may call the client by another of its names."""
    if (path, client) in table:
        return path, client
    other = (path, canonical(client))
    return other if other in table else None


def complaints(
    wanted: Iterable[Export], table: Table, canonical: Callable[[str], str] = canonical
) -> list[str]:
    """What the server does otherwise than was wanted, a sentence each."""
    wanted = list(wanted)
    found = [complaint for export in wanted for complaint in _compare(export, table, canonical)]
    asked = {export.path for export in wanted if export.client == "*"}
    ours = {export.path for export in wanted} - asked
    return found + [
        f"{path} is exported to everybody (*), which was not asked for; look for another line "
        "with it in /etc/exports and /etc/exports.d"
        for path, client in table
        if client == "*" and path in ours
    ]


def _compare(export: Export, table: Table, canonical: Callable[[str], str]) -> list[str]:
    where = f"{export.path} for {export.client}"
    entry = listed_as(export.path, export.client, table, canonical)
    if entry is None:
        return [f"{where} is missing; if it is called by a name, the server must resolve it"]
    return [f"{where} has {what}" for what in differences(export.settled, table[entry])]
