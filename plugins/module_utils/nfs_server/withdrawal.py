"""Exports that would end: refused where somebody uses them, unless that was asked for.

An inventory that was copied without its variables has no exports, and a client whose export ends
gets ESTALE for every open file.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from .clients import network_of
from .errors import Refused
from .exports import Exports

CLIENTS = Path("/proc/fs/nfsd/clients")  # of NFSv4; the kernel does not list those of NFSv3
ALL = "*"

Entry = tuple[str, str]  # a path, and the client that it is exported to

_OPTIONS = re.compile(r"\([^()]*\)$")
_ADDRESS = re.compile(r'^address: "\[?(?P<address>[^"]*?)\]?:\d+"$', re.MULTILINE)


def check_withdrawal(
    wanted: Exports, before: str, withdrawn: Sequence[str], connected: Sequence[str]
) -> None:
    """See that no export ends which somebody uses, and that not all end by mistake.

    Args:
        wanted: the exports that are to be in force
        before: the content of the file of exports until now
        withdrawn: the paths that may end, `nfs_server_withdraw`; `*` stands for all
        connected: the addresses of the clients that are connected

    Raises:
        Refused: naming the path, who uses it, and how to end it all the same.
    """
    ending = [entry for entry in ended(before, wanted) if not {entry[0], ALL} & {*withdrawn}]
    if ending and not wanted.exports:
        raise Refused(_all_end(ending))
    for path, client in ending:
        using = [one for one in connected if _covers(client, one)]
        served = [export.client for export in wanted.exports if export.path == path]
        if left := [one for one in using if not any(_covers(other, one) for other in served)]:
            raise Refused(_is_used(path, client, left))


def ended(before: str, wanted: Exports) -> list[Entry]:
    """The exports of a file that are wanted no longer."""
    kept = {(export.path, export.client) for export in wanted.exports}
    return [entry for entry in entries(before) if entry not in kept]


def entries(text: str) -> list[Entry]:
    """The exports of a file that the role wrote."""
    lines = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
    return [(path, _OPTIONS.sub("", client)) for path, *clients in lines for client in clients]


def connected_clients(folder: Path = CLIENTS) -> list[str]:
    """The addresses of the NFSv4 clients that the server knows; none where it does not run."""
    texts = [path.read_text(errors="replace") for path in sorted(folder.glob("*/info"))]
    found = (_ADDRESS.search(text) for text in texts)
    return list(dict.fromkeys(match["address"] for match in found if match))


def _covers(client: str, address: str) -> bool:
    """Whether an export to this client is one to that address; a name may be anybody's."""
    network = network_of(client)
    return network is None or ipaddress.ip_address(address) in network


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
