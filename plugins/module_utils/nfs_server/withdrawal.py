"""Exports that would end: refused where somebody uses them, unless that was asked for.

An inventory that was copied without its variables has no exports, and a client whose export ends
gets ESTALE for every open file.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

from .clients import addresses_of, network_of
from .errors import Refused
from .exports import Exports
from .options import Settled, read_shown
from .table import Entry

CLIENTS = Path("/proc/fs/nfsd/clients")  # of NFSv4; the kernel does not list those of NFSv3
ALL = "*"

Fsids: TypeAlias = "dict[str, str | None]"  # by client
Resolver = Callable[[str], frozenset[str]]  # the addresses of a name

_CLIENT = re.compile(r"(?P<client>[^()]+)(\((?P<options>[^()]*)\))?")
_ADDRESS = re.compile(r'^address: "\[?(?P<address>[^"]*?)\]?:\d+"$', re.MULTILINE)


def check_withdrawal(
    wanted: Exports,
    before: str,
    withdrawn: Sequence[str],
    connected: Sequence[str],
    resolve: Resolver = addresses_of,
) -> None:
    """See that no export ends which somebody uses, and that not all end by mistake.

    An export whose `fsid` changes ends for those that use it: their file handles name the old one.

    Args:
        wanted: the exports that are to be in force
        before: the content of the file of exports until now
        withdrawn: the paths that may end, `nfs_server_withdraw`; `*` stands for all
        connected: the addresses of the clients that are connected
        resolve: the addresses of a client that is called by a name

    Raises:
        Refused: naming the path, who uses it, and how to end it all the same.
    """
    ending = [entry for entry in ended(before, wanted) if not {entry[0], ALL} & {*withdrawn}]
    if ending and not wanted.exports:
        raise Refused(_all_end(ending))
    former, later = _fsids(_lines(before)), _fsids(_exported(wanted))
    for path in former:
        if not {path, ALL} & {*withdrawn}:
            _check_path(path, former[path], later.get(path, {}), connected, resolve)


def ended(before: str, wanted: Exports) -> list[Entry]:
    """The exports of a file that are wanted no longer."""
    kept = {(export.path, export.client) for export in wanted.exports}
    return [entry for entry in entries(before) if entry not in kept]


def entries(text: str) -> list[Entry]:
    """The exports of a file that the role wrote."""
    return [(path, client) for path, client, __ in _lines(text)]


def may_be(client: str, address: str) -> bool:
    """Whether an export to this client may be one to that address; a name may be anybody's."""
    network = network_of(client)
    return network is None or ipaddress.ip_address(address) in network


def connected_clients(folder: Path = CLIENTS) -> list[str]:
    """The addresses of the NFSv4 clients that the server knows; none where it does not run."""
    texts = [path.read_text(errors="replace") for path in sorted(folder.glob("*/info"))]
    found = (_ADDRESS.search(text) for text in texts)
    return list(dict.fromkeys(match["address"] for match in found if match))


def _fsids(found: Iterable[tuple[str, str, Settled]]) -> dict[str, Fsids]:
    """By path; the kernel writes an export's fsid into each file handle."""
    paths: dict[str, Fsids] = {}
    for path, client, settled in found:
        paths.setdefault(path, {})[client] = settled.get("fsid")
    return paths


def _exported(wanted: Exports) -> Iterator[tuple[str, str, Settled]]:
    return ((export.path, export.client, export.settled) for export in wanted.exports)


def _lines(text: str) -> Iterator[tuple[str, str, Settled]]:
    """Each path and client of a file that the role wrote, and the options."""
    for line in text.splitlines():
        if line and not line.startswith("#"):
            path, *clients = line.split()
            for found in filter(None, map(_CLIENT.fullmatch, clients)):
                yield path, found["client"], read_shown(found["options"] or "")


def _check_path(
    path: str, former: Fsids, later: Fsids, connected: Sequence[str], resolve: Resolver
) -> None:
    lost, stale = list[str](), list[str]()
    for address in connected:
        had = {client: fsid for client, fsid in former.items() if may_be(client, address)}
        has = {
            client: fsid
            for client, fsid in later.items()
            if client in had or _serves(client, address, resolve)
        }
        if had and {*had.values()} != {*has.values()}:
            (stale if has else lost).append(address)
    if lost:
        clients = [client for client in former if any(may_be(client, one) for one in lost)]
        raise Refused(_is_used(path, ", ".join(clients), lost))
    if stale:
        raise Refused(_is_renumbered(path, stale))


def _serves(client: str, address: str, resolve: Resolver) -> bool:
    """Whether an export to this client surely is one to that address.

    Who is in a netgroup, or has a name that fits a pattern, is for the server to find out.
    """
    if client == ALL or network_of(client):
        return may_be(client, address)
    if client.startswith("@") or re.search(r"[*?\[]", client):
        return False
    return address in resolve(client)


def _all_end(ending: Iterable[Entry]) -> str:
    paths = ", ".join(dict.fromkeys(path for path, __ in ending))
    return (
        f"nfs_server_exports is empty, and this machine exports {paths}; if that was not meant, "
        "the inventory's variables (group_vars) are missing. To end all exports, set "
        'nfs_server_withdraw to ["*"]'
    )


def _is_used(path: str, client: str, left: Sequence[str]) -> str:
    return (
        f"nfs_server_exports: {path} would no longer be exported to {client}, of which "
        f"{', '.join(left)} is connected and would lose its open files; unmount it there first, or "
        f'set nfs_server_withdraw to ["{path}"]'
    )


def _is_renumbered(path: str, using: Sequence[str]) -> str:
    return (
        f"nfs_server_exports: {path} would have another fsid than until now, and "
        f"{', '.join(using)} is connected, whose open files it would make stale; leave the fsid "
        f'as it is, or unmount {path} there first, or set nfs_server_withdraw to ["{path}"]'
    )
