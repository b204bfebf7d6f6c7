"""A machine's own addresses, and which of them its node has."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Sequence

from ..dns_names import is_address  # noqa: TID252 - Ansible sends a module's parts as they lie

# Links of container networks: their addresses are no way to the machine.
CONTAINERS = ("cni", "docker", "br-", "virbr", "flannel", "cali", "cilium", "lxc", "lxd", "podman")

Resolve = Callable[[str], Sequence[str]]


def own_addresses(said: str) -> list[str]:
    """The IPv4 addresses by which others may reach the machine.

    Args:
        said: the output of `ip -json -4 address` (ip-address(8))
    """
    links = [link for link in json.loads(said) if not _is_of_containers(link)]
    listed = [address for link in links for address in link.get("addr_info", [])]
    return [address["local"] for address in listed if address["scope"] != "host"]


def node_address(wanted: str, own: Sequence[str], resolve: Resolve) -> str:
    """The machine's own address that its node is known by; empty if there is no telling.

    An address of its own is taken as it is, and a name by what the machine itself resolves it to.
    Behind address translation neither is its own: then a machine with one address has that one.
    """
    named = [wanted] if is_address(wanted) else resolve(wanted)
    found = [address for address in named if address in own]
    return next(iter(found or (own if len(own) == 1 else [])), "")


def resolve(name: str) -> list[str]:
    """The IPv4 addresses that this machine resolves a name to; none if it cannot."""
    try:
        found = socket.getaddrinfo(name, None, socket.AF_INET, socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return [str(address[0]) for *__, address in found]


def _is_of_containers(link: dict[str, str]) -> bool:
    return link.get("ifname", "").startswith(CONTAINERS)
