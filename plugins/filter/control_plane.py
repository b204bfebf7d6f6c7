"""What the role control_plane decides and says."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations

import yaml

NODES_ADDRESSES = 24  # kube-controller-manager gives each node a network of this prefix

PODS = "control_plane_pod_network"
SERVICES = "control_plane_service_network"
NAMES = {  # what kubeadm calls them
    PODS: "podSubnet",
    SERVICES: "serviceSubnet",
    "control_plane_cluster_domain": "dnsDomain",
}


def control_plane_faults(
    machines: Sequence[str], address: str, wanted: Mapping[str, str]
) -> list[str]:
    """Why these make no cluster, a sentence each.

    Args:
        machines: the group control_plane
        address: of the machine, within the nodes' network
        wanted: the variables of NAMES
    """
    faults = []
    if len(machines) != 1:
        faults.append(
            f"The group control_plane has {len(machines)} machines ({', '.join(machines)}); "
            "one control plane is what these roles make, so leave one."
        )
    networks = {}
    for variable in (PODS, SERVICES):
        try:
            networks[variable] = ipaddress.IPv4Network(wanted[variable])
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
    pods = networks.get(PODS)
    if pods is None or pods.prefixlen < NODES_ADDRESSES:
        return []
    said = (
        f"control_plane_pod_network ({pods}) has room for one node at most; each takes "
        f"a /{NODES_ADDRESSES} of it, so give it a prefix well below that, as /16."
    )
    return [said]


def control_plane_changes(text: str, wanted: Mapping[str, str]) -> list[str]:
    """What a cluster was made with and is now wanted otherwise, a sentence each.

    Args:
        text: kubeadm's configuration of the cluster; empty when there is none yet
        wanted: the variables of NAMES
    """
    documents = [one for one in yaml.safe_load_all(text) if one["kind"] == "ClusterConfiguration"]
    return [
        f"{variable} is {wanted[variable]}, but the cluster was made with {made}; let it be that, "
        "or make the cluster anew after playbooks/reset.yml."
        for document in documents
        for variable, name in NAMES.items()
        if (made := document["networking"][name]) != wanted[variable]
    ]


class FilterModule:
    """Found by Ansible."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """The filters by name."""
        return {
            "control_plane_changes": control_plane_changes,
            "control_plane_faults": control_plane_faults,
        }
