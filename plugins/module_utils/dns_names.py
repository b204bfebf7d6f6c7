"""The forms of names and addresses in Kubernetes."""

from __future__ import annotations

import ipaddress
import re

_LABEL = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"
_SUBDOMAIN = re.compile(rf"{_LABEL}([.]{_LABEL})*")
_LONGEST = 253


def is_subdomain(text: str) -> bool:
    """Whether it is a DNS subdomain, as Kubernetes calls the names of machines and domains."""
    return len(text) <= _LONGEST and _SUBDOMAIN.fullmatch(text) is not None


def is_name(text: str) -> bool:
    """Whether it is a machine's name: a subdomain, and not what looks like an address."""
    return is_subdomain(text) and not text.rpartition(".")[2].isdecimal()


def is_ipv4(text: str) -> bool:
    """Whether it is an address of IPv4."""
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True


def is_address(text: str) -> bool:
    """Whether it is an address, of IPv4 or of IPv6."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def is_loopback(text: str) -> bool:
    """Whether each machine means itself by it."""
    if is_ipv4(text):
        return ipaddress.IPv4Address(text).is_loopback
    return text == "localhost" or text.endswith(".localhost")
