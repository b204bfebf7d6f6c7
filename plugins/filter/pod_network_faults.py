"""Why a machine cannot have the pod network that is wanted."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator, Mapping, Sequence

FILES = {
    "flannel": "/etc/cni/net.d/10-flannel.conflist",
    "routes": "/etc/cni/net.d/10-bridge.conflist",
}


def pod_network_faults(found: Sequence[str], wanted: Mapping[str, str], machine: str) -> list[str]:
    """Why the pod network would not be one; a sentence each. None where another builds it.

    Args:
        found: the providers whose configuration of these roles the cluster has
        wanted: the `provider`, the `addresses`, and the control plane's, `of_cluster`, which is
            empty where nobody knows it
        machine: its name in the inventory
    """
    if wanted["provider"] == "none":
        return []
    return [*_of_provider(found, wanted["provider"], machine), *_of_addresses(wanted, machine)]


def _of_provider(found: Sequence[str], provider: str, machine: str) -> Iterator[str]:
    for other in found:
        if other != provider:
            yield (
                f"pod_network_provider is {provider} on {machine}, but the pod network there is "
                f"that of {other} ({FILES[other]}), and these playbooks do not change it in a "
                f"cluster that runs; set it back to {other}. For another one, make the cluster "
                "anew: playbooks/reset.yml, and then site.yml."
            )


def _of_addresses(wanted: Mapping[str, str], machine: str) -> Iterator[str]:
    addresses, of_cluster = wanted["addresses"], wanted["of_cluster"]
    if of_cluster and _network(addresses) != _network(of_cluster):
        yield (
            f"pod_network_addresses is {addresses} on {machine}, but control_plane_pod_network, "
            f"from which the pods get their addresses, is {of_cluster}; remove "
            "pod_network_addresses from the inventory, or set it to the same."
        )


def _network(text: str) -> object:
    """What is no network is the same as itself alone."""
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        return text


class FilterModule:
    """Found by Ansible."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """The filters by name."""
        return {"pod_network_faults": pod_network_faults}
