"""A proxy of the network that the machines are in, and what is reached without it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

KEYS = ("http", "https", "no_proxy")
# The variables of a machine that name it.
NAMED = ("ansible_host", "kubernetes_node_name", "kubernetes_node_address")
# What never goes through a proxy.
OWN = ("localhost", "127.0.0.1", "::1")

# Written within quotes, into files that systemd reads; none of it can end them.
_URL = re.compile(r"https?://[A-Za-z0-9._~%:!&()*+,;=\[\]-]+/?")
_DESTINATION = re.compile(r"[A-Za-z0-9.*:/_\[\]-]+")


def proxy_faults(proxy: object, variable: str) -> list[str]:
    """Why this names no proxy; a sentence each.

    Args:
        proxy: the value of the variable
        variable: its name
    """
    if not isinstance(proxy, Mapping):
        return [
            f'{variable} has to be a dictionary as {{"http": "http://proxy.example.com:3128"}}.'
        ]
    return [f"{variable}: {fault}" for fault in _faults(proxy)]


def proxy_environment(proxy: Mapping[str, Any], direct: Sequence[str] = ()) -> dict[str, str]:
    """The variables of the environment that programs take a proxy from; none without a proxy.

    Args:
        proxy: its `http` and `https`, the URLs of the proxy for each; one stands for both where
            the other is not given. `no_proxy`, what is reached without it
        direct: what else is reached without it

    Raises:
        ValueError: it names no proxy.
    """
    if faults := proxy_faults(proxy, "the proxy"):
        raise ValueError(" ".join(faults))
    http, https = proxy.get("http"), proxy.get("https")
    if not (http or https):
        return {}
    destinations = dict.fromkeys([*OWN, *direct, *_destinations(proxy)])
    found = {
        "http_proxy": str(http or https),
        "https_proxy": str(https or http),
        "no_proxy": ",".join(destinations),
    }
    return found | {name.upper(): value for name, value in found.items()}


def _faults(proxy: Mapping[str, Any]) -> Iterator[str]:
    if unknown := sorted(str(key) for key in proxy if key not in KEYS):
        yield f"{', '.join(unknown)} is no key of a proxy; they are {', '.join(KEYS)}."
    for key in ("http", "https"):
        # It may have a password in it, and is not repeated.
        if "@" in str(proxy.get(key)):
            yield (
                f"{key} has a login, which would be readable in the list of processes and in "
                "sudo's log; let the proxy admit the machines by their addresses, or name a proxy "
                "of your own that adds the login."
            )
        elif proxy.get(key) and not _URL.fullmatch(str(proxy[key])):
            yield f"{key} is no URL as http://proxy.example.com:3128."
    if wrong := [one for one in _destinations(proxy) if not _DESTINATION.fullmatch(one)]:
        yield f"no_proxy has {wrong[0]!r}; its elements are names, addresses and networks."


def _destinations(proxy: Mapping[str, Any]) -> list[str]:
    given = proxy.get("no_proxy") or []
    parts = given.split(",") if isinstance(given, str) else given
    return [str(one).strip() for one in parts]


def direct_destinations(
    names: Sequence[str], machines: Mapping[str, Mapping[str, Any]], networks: Sequence[str]
) -> list[str]:
    """What the nodes of a cluster reach without a proxy: each other, pods and services.

    Args:
        names: the machines of the cluster and of its storage, as the inventory names them
        machines: the variables of each machine, `hostvars`
        networks: those of pods and services, the cluster's domain and the API server's name
    """
    own = [
        str(value)
        for name in names
        for value in (name, *(machines[name].get(key) for key in NAMED))
        if value
    ]
    return list(dict.fromkeys([*own, *networks, ".svc"]))
