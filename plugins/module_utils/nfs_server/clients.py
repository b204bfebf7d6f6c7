"""Whom an export is for: an address, a network, a name, a pattern of names, a netgroup, all."""

from __future__ import annotations

import ipaddress
import re
import socket
from typing import TypeAlias

from .errors import Refused

Network: TypeAlias = "ipaddress.IPv4Network | ipaddress.IPv6Network"

_LABEL = r"[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(\.{_LABEL})*")
_PATTERN = re.compile(r"[A-Za-z0-9_.?*\[\]-]+")
_NETGROUP = re.compile(r"@[A-Za-z0-9_.-]+")
_NUMERIC = re.compile(r"[0-9.*?]+")
_FLAVOUR = re.compile(r"gss/(?P<flavour>krb5[ip]?)")  # a client, in exports(5) of former times


def read_client(text: str) -> str:
    """A client in the spelling in which the server shows it.

    Raises:
        Refused: what exports(5) would take for something else, or for nobody.
    """
    client = text.strip()
    if re.search(r"[\s()]", client):
        raise Refused(
            f"client {client!r} holds a space or a bracket, with which it could mean the whole "
            "world; options belong into `options`, each client is an element of its own"
        )
    _refuse_misplaced(client)
    if "/" in client:
        return str(_read_network(client))
    try:
        return str(ipaddress.ip_address(client))
    except ValueError:
        return _read_name(client)


def network_of(client: str) -> Network | None:
    """The addresses that a firewall lets in for this client; None for one called by a name."""
    try:
        return ipaddress.ip_network(client)
    except ValueError:
        return None


def canonical(client: str) -> str:
    """The name under which the server lists a client: that of its address, if it has one."""
    try:
        found = socket.getaddrinfo(client, None, flags=socket.AI_CANONNAME)
    except OSError:
        return client
    return found[0][3] or client


def addresses_of(name: str) -> frozenset[str]:
    """The addresses that a machine's name has; none where it does not resolve."""
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except OSError:
        return frozenset()
    return frozenset(str(entry[4][0]) for entry in found)


def _refuse_misplaced(client: str) -> None:
    """What would be a netgroup that nobody is in, or is said by an option today."""
    if found := _FLAVOUR.fullmatch(client):
        raise Refused(
            f"client {client!r} names no machine; use sec={found['flavour']} in `options`, and "
            "name the clients, as 192.168.41.0/24"
        )
    group = client.removeprefix("@")
    if group != client and _is_numeric(group):
        raise Refused(
            f"client {client!r} is a netgroup with the name of an address; write {group} without @"
        )


def _is_numeric(text: str) -> bool:
    """Whether it looks like an address or a network, be it a right one or not."""
    return bool(re.fullmatch(r"[0-9]+(\.[0-9*?]+)+(/.*)?|[0-9A-Fa-f]*:[0-9A-Fa-f:.]*(/.*)?", text))


def _read_network(client: str) -> Network:
    try:
        return ipaddress.ip_network(client)
    except ValueError:
        pass
    try:
        network = ipaddress.ip_network(client, strict=False)
    except ValueError:
        raise Refused(
            f"client {client!r} is no network; write it as 192.168.41.0/24 or fd00::/64"
        ) from None
    raise Refused(f"client {client!r} is a host with a network's mask; write {network} or the host")


def _read_name(client: str) -> str:
    if client == "*" or _NETGROUP.fullmatch(client):
        return client
    if _NUMERIC.fullmatch(client):
        raise Refused(
            f"client {client!r} is neither an address nor a network; write it as 192.168.41.0/24"
        )
    if _NAME.fullmatch(client) or (_PATTERN.fullmatch(client) and re.search(r"[*?\[]", client)):
        return client
    raise Refused(
        f"client {client!r} is none; it must be an address, a network (192.168.41.0/24), a host's "
        "name, a pattern of names (*.example.org), a netgroup (@nodes), or * for all"
    )
