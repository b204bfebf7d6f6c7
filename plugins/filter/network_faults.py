"""Networks of a new cluster that have the address of a machine in them."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.holdfast.nfs.plugins.filter.cluster_settings import cluster_settings
from ansible_collections.holdfast.nfs.plugins.filter.inventory import value_of

Groups = Mapping[str, Sequence[str]]
Variables = Mapping[str, Any]

NETWORKS = ("control_plane_pod_network", "control_plane_service_network")
KEYS = ("ansible_host", "kubernetes_node_address")


def network_faults(groups: Groups, machines: Mapping[str, Variables]) -> list[str]:
    """Why pods and services would take addresses of machines; a sentence each.

    Not for a cluster that runs: it keeps its networks.

    Args:
        groups: the names of each group's machines
        machines: the variables of each machine, `hostvars`; kubernetes_node_now is its state
    """
    settings = cluster_settings(machines[groups["control_plane"][0]])
    networks = {name: _network(str(settings[name])) for name in NETWORKS}
    found = dict(_addresses(groups, machines))
    return [
        f"{variable} ({network}) has {address} in it, {told}; nodes and pods would not reach it. "
        "Choose another network."
        for variable, network in networks.items()
        for address, told in found.items()
        if network is not None and address in network
    ]


def _network(text: str) -> ipaddress.IPv4Network | None:
    """None for what is none; the role refuses that."""
    try:
        return ipaddress.IPv4Network(text)
    except ValueError:
        return None


def _addresses(
    groups: Groups, machines: Mapping[str, Variables]
) -> Iterator[tuple[ipaddress.IPv4Address, str]]:
    """Each address that is known, and whose it is."""
    named = [*_of_machines(groups, machines), *_of_servers(groups, machines)]
    for text, told in named:
        try:
            yield ipaddress.IPv4Address(text), told
        except ValueError:
            continue  # a name


def _of_machines(groups: Groups, machines: Mapping[str, Variables]) -> Iterator[tuple[str, str]]:
    for name in [*groups.get("kubernetes", ()), *groups.get("nfs_servers", ())]:
        variables = machines[name]
        state = variables.get("kubernetes_node_now", {}).get("state", {})
        for text in (name, *(value_of(variables, key) for key in KEYS), state.get("address", "")):
            yield text, f"the address of {name}"


def _of_servers(groups: Groups, machines: Mapping[str, Variables]) -> Iterator[tuple[str, str]]:
    """The NFS servers that the provisioner is told."""
    for name in (groups.get("kubernetes_api") or groups["control_plane"])[:1]:
        yield value_of(machines[name], "provisioner_nfs_server"), "provisioner_nfs_server"
        for export in machines[name].get("provisioner_exports") or ():
            if isinstance(export, Mapping):  # else it is refused as another form
                yield str(export.get("server", "")), "a server of provisioner_exports"


class FilterModule:
    """Found by Ansible."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """The filters by name."""
        return {"network_faults": network_faults}
