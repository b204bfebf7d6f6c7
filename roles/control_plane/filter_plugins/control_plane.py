"""What the role control_plane decides and says."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations

import yaml

NODES_ADDRESSES = 24  # kube-controller-manager gives each node a network of this prefix


def control_plane_faults(
    machines: Sequence[str], address: str, pods: str, services: str
) -> list[str]:
    """Why these make no cluster, a sentence each.

    Args:
        machines: the group control_plane
        address: of the machine, within the nodes' network
        pods: the pods' network, as 10.244.0.0/16
        services: the services' network
    """
    faults = []
    if len(machines) != 1:
        faults.append(
            f"The group control_plane has {len(machines)} machines ({', '.join(machines)}); "
            "one control plane is what these roles make, so leave one."
        )
    named = {"control_plane_pod_network": pods, "control_plane_service_network": services}
    networks = {}
    for variable, text in named.items():
        try:
            networks[variable] = ipaddress.IPv4Network(text)
        except ValueError as error:
            faults.append(f"{variable}: {error}; write it as 10.244.0.0/16.")
    return [*faults, *_overlaps(address, networks), *_too_small(networks)]


def _overlaps(address: str, networks: Mapping[str, ipaddress.IPv4Network]) -> list[str]:
    taken = {**networks, "kubernetes_node_address": ipaddress.IPv4Network(address)}
    return [
        f"{first} ({taken[first]}) and {second} ({taken[second]}) overlap; choose others."
        for first, second in combinations(taken, 2)
        if taken[first].overlaps(taken[second])
    ]


def _too_small(networks: Mapping[str, ipaddress.IPv4Network]) -> list[str]:
    pods = networks.get("control_plane_pod_network")
    if pods is None or pods.prefixlen < NODES_ADDRESSES:
        return []
    said = (
        f"control_plane_pod_network ({pods}) has room for one node at most; each takes "
        f"a /{NODES_ADDRESSES} of it, so give it a prefix well below that, as /16."
    )
    return [said]


def control_plane_changes(text: str, pods: str, services: str, domain: str) -> list[str]:
    """What a cluster was made with and is now wanted otherwise, a sentence each.

    Args:
        text: kubeadm's configuration of the cluster
        pods: the pods' network
        services: the services' network
        domain: of the services' names
    """
    documents = yaml.safe_load_all(text)
    made = next(one for one in documents if one["kind"] == "ClusterConfiguration")["networking"]
    wanted = {
        "control_plane_pod_network": (made["podSubnet"], pods),
        "control_plane_service_network": (made["serviceSubnet"], services),
        "control_plane_cluster_domain": (made["dnsDomain"], domain),
    }
    return [
        f"{variable} is {new}, but the cluster was made with {old}; let it be that, "
        "or make the cluster anew after playbooks/reset.yml."
        for variable, (old, new) in wanted.items()
        if old != new
    ]


class FilterModule:
    """Found by Ansible."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """The filters by name."""
        return {
            "control_plane_changes": control_plane_changes,
            "control_plane_faults": control_plane_faults,
        }
