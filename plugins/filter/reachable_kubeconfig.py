"""A kubeconfig for another machine than the control plane's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import yaml

PORT = 6443


def reachable_kubeconfig(text: str, address: str) -> str:
    """The same kubeconfig, with which the API server is reached at an address.

    Args:
        text: as kubeadm writes it
        address: a name or an IPv4 address that the API server's certificate has
    """
    config = yaml.safe_load(text)
    for one in config["clusters"]:
        one["cluster"]["server"] = f"https://{address}:{PORT}"
    return yaml.safe_dump(config, default_flow_style=False)


def api_server_address(wanted: Mapping[str, Any]) -> str:
    """By which name or address a machine that is no node reaches the API server.

    Args:
        wanted: `endpoint`, and whether it is `known_to_nodes_only`; `reached`, by what Ansible
            reaches the machine; `address`, by which the nodes do; `names` of the certificate
    """
    if not wanted["known_to_nodes_only"]:
        return str(wanted["endpoint"])
    return str(wanted["reached"] if wanted["reached"] in wanted["names"] else wanted["address"])


class FilterModule:
    """Found by Ansible."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """The filters by name."""
        return {
            "api_server_address": api_server_address,
            "reachable_kubeconfig": reachable_kubeconfig,
        }
