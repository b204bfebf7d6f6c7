"""What the machines of an inventory's cluster reach without a proxy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.holdfast.nfs.plugins.filter.cluster_settings import cluster_settings
from ansible_collections.holdfast.nfs.plugins.filter.inventory import value_of
from ansible_collections.holdfast.nfs.plugins.module_utils.proxy import (
    NAMED,
    direct_destinations,
)


def cluster_destinations(
    groups: Mapping[str, Sequence[str]], machines: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """The nodes and the NFS servers, the cluster's networks and domain, and its API server.

    Args:
        groups: the names of each group's machines
        machines: the variables of each machine, `hostvars`
    """
    names = [*groups["kubernetes"], *groups.get("nfs_servers", ())]
    settings = cluster_settings(machines[groups["control_plane"][0]])
    networks = [
        str(settings["control_plane_pod_network"]),
        str(settings["control_plane_service_network"]),
        str(settings["control_plane_endpoint"]),
        f".{settings['control_plane_cluster_domain']}",
    ]
    known = {name: {key: value_of(machines[name], key) for key in NAMED} for name in names}
    return direct_destinations(names, known, networks)


class FilterModule:
    """Found by Ansible."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """The filters by name."""
        return {"cluster_destinations": cluster_destinations}
