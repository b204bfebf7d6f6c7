"""What programs in Go reach without a proxy, by the variable no_proxy of their environment."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import TypeAlias

Network: TypeAlias = "ipaddress.IPv4Network | ipaddress.IPv6Network"


def not_covered(no_proxy: str, destinations: Sequence[str]) -> list[str]:
    """Those of the destinations that a proxy would be asked for.

    Args:
        no_proxy: names, domains, addresses and networks with commas between them; an element with
            a port counts for none, as the cluster uses several
        destinations: names, addresses, networks, and domains as `.svc`
    """
    elements = [element.strip().lower() for element in no_proxy.split(",")]
    return [one for one in destinations if not _is_covered(one.lower(), elements)]


def _is_covered(destination: str, elements: Sequence[str]) -> bool:
    return _is_own(destination) or any(_covers(element, destination) for element in elements)


def _is_own(destination: str) -> bool:
    """Whether Go never asks a proxy for it."""
    network = _network(destination)
    return destination == "localhost" or (network is not None and network.is_loopback)


def _covers(element: str, destination: str) -> bool:
    network = _network(destination)
    if element == "*":
        return True
    if network is not None:
        return _holds(_network(element), network)
    suffix = element.removeprefix("*")
    if not suffix.strip("."):
        return False
    domain = suffix if suffix.startswith(".") else f".{suffix}"
    return destination.endswith(domain) or destination == suffix


def _holds(outer: Network | None, inner: Network) -> bool:
    if isinstance(outer, ipaddress.IPv4Network) and isinstance(inner, ipaddress.IPv4Network):
        return inner.subnet_of(outer)
    if isinstance(outer, ipaddress.IPv6Network) and isinstance(inner, ipaddress.IPv6Network):
        return inner.subnet_of(outer)
    return False


def _network(text: str) -> Network | None:
    """An address is a network of one; None for a name."""
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
