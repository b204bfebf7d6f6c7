"""Whether two names of NFS servers mean the same server, as far as the names tell.

Nothing is looked up: an answer of DNS can change, and must not decide whose data is removed.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address


def same(one: str, other: str) -> bool:
    """Whether both are the same address, however it is written, or the same host name."""
    return _parse(one) == _parse(other)


def may_be_same(one: str, other: str) -> bool:
    """Whether two host names, or two addresses, can mean the same server.

    `nas` and `nas.example.com` can; two different addresses, or other host names, are taken for
    different servers.
    """
    left, right = _parse(one), _parse(other)
    if isinstance(left, str) and isinstance(right, str):
        return left == right or left.startswith(f"{right}.") or right.startswith(f"{left}.")
    return left == right


def is_literal(name: str) -> bool:
    """Whether a server is given by its address."""
    return not isinstance(_parse(name), str)


@lru_cache(maxsize=256)  # few servers, but asked about for each of ten thousand volumes
def _parse(name: str) -> str | IPv4Address | IPv6Address:
    bare = name[1:-1] if name.startswith("[") and name.endswith("]") else name
    try:
        address = ip_address(bare)
    except ValueError:
        return name.lower().removesuffix(".")
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address
