"""A table of nftables that lets only the clients of exports to the server's ports."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence

from .clients import Network, network_of, read_client
from .errors import Refused

# The first two lines make it repeatable: a table that is missing cannot be deleted.
_TABLE = """\
# Written by the Ansible role nfs_server; do not edit.
table inet {table}
delete table inet {table}
table inet {table} {{
  chain input {{
    type filter hook input priority filter; policy accept;
    iif lo accept
{rules}
    meta l4proto {{ tcp, udp }} th dport {{ {ports} }} drop
  }}
}}
"""
_RULE = "    {family} saddr {{ {networks} }} accept"
_ALL = ("0.0.0.0/0", "::/0")


def networks(called: Iterable[str], listed: Sequence[str]) -> list[Network]:
    """The networks of the exports' clients and those listed beside them, none within another.

    Raises:
        Refused: a client is called by a name, and none is listed that it could come from.
    """
    named = [client for client in called if network_of(client) is None and client != "*"]
    if named and not listed:
        raise Refused(
            f"nfs_server_firewall knows addresses only, and exports are for {', '.join(named)}; "
            "name the networks they come from in nfs_server_firewall_clients"
        )
    return _collapse([*_addresses(called), *map(_read_listed, listed)])


def render(table: str, networks: Iterable[Network], ports: Iterable[int]) -> str:
    """The file for `nft --file`."""
    by_family: dict[str, list[str]] = {}
    for network in networks:
        by_family.setdefault("ip" if network.version == 4 else "ip6", []).append(str(network))
    rules = [
        _RULE.format(family=family, networks=", ".join(members))
        for family, members in by_family.items()
    ]
    return _TABLE.format(table=table, rules="\n".join(rules), ports=", ".join(map(str, ports)))


def _addresses(called: Iterable[str]) -> list[Network]:
    texts = [text for client in called for text in (_ALL if client == "*" else (client,))]
    return [network for network in map(network_of, texts) if network]


def _read_listed(text: str) -> Network:
    try:
        network = network_of(read_client(text))
    except Refused as refused:
        raise Refused(f"nfs_server_firewall_clients: {refused}") from None
    if network is None:
        raise Refused(f"nfs_server_firewall_clients: {text!r} is a name; write its network")
    return network


def _collapse(networks: Iterable[Network]) -> list[Network]:
    """One family after the other: nft takes no overlapping elements."""
    all_networks = list(networks)
    four = [one for one in all_networks if isinstance(one, ipaddress.IPv4Network)]
    six = [one for one in all_networks if isinstance(one, ipaddress.IPv6Network)]
    return [*ipaddress.collapse_addresses(four), *ipaddress.collapse_addresses(six)]
