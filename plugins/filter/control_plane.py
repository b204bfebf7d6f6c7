"""What the role control_plane decides and says."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Any

import yaml

# kubeadm makes certificates for 365 days; with all but that left they would be renewed for ever.
RENEWAL_DAYS = range(1, 301)
NODES_ADDRESSES = 24  # kube-controller-manager gives each node a network of this prefix

PODS = "control_plane_pod_network"
SERVICES = "control_plane_service_network"
# Where kubeadm's configuration has what a variable says: the kind of document, and the field.
PLACES = {
    PODS: ("ClusterConfiguration", "networking.podSubnet"),
    SERVICES: ("ClusterConfiguration", "networking.serviceSubnet"),
    "control_plane_cluster_domain": ("ClusterConfiguration", "networking.dnsDomain"),
    "control_plane_endpoint": ("ClusterConfiguration", "controlPlaneEndpoint"),
    "control_plane_image_repository": ("ClusterConfiguration", "imageRepository"),
    "control_plane_dns_image": ("ClusterConfiguration", "dns"),
    "control_plane_etcd_image": ("ClusterConfiguration", "etcd.local"),
    "control_plane_proxy_mode": ("KubeProxyConfiguration", "mode"),
    "control_plane_kubelet_configuration": ("KubeletConfiguration", ""),
}
# A cluster of an earlier version of these roles has none, and goes on without.
ADDED = ("control_plane_endpoint",)
NEW_CLUSTER = (
    "A new cluster, on other machines, can take the volumes over: docs/operations.md, "
    '"Several clusters, one export".'
)
NEW_CERTIFICATE = (
    "write the names into certSANs in /etc/kubernetes/kubeadm.yaml, and with kubectl -n "
    "kube-system edit configmap kubeadm-config; move apiserver.crt and apiserver.key out of "
    "/etc/kubernetes/pki; run kubeadm init phase certs apiserver --config "
    "/etc/kubernetes/kubeadm.yaml; restart the API server's static pod"
)


def control_plane_faults(address: str, wanted: Mapping[str, str]) -> list[str]:
    """Why these make no cluster, a sentence each.

    Args:
        address: of the machine, within the nodes' network
        wanted: the variables of the two networks
    """
    faults = []
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


def renewal_faults(days: int, machine: str) -> list[str]:
    """Why certificates are not renewed so many days before they end; a sentence.

    Args:
        days: that each has to have left
        machine: its name in the inventory
    """
    if days in RENEWAL_DAYS:
        return []
    said = (
        f"control_plane_renewal_days is {days} on {machine}; kubeadm makes certificates for 365 "
        f"days, so set it to a number from {RENEWAL_DAYS[0]} to {RENEWAL_DAYS[-1]}."
    )
    return [said]


def control_plane_changes(made: str, wanted: str) -> list[str]:
    """What a cluster was made with and is now wanted otherwise; a sentence for each variable.

    kubeadm changes none of it in a cluster that runs.

    Args:
        made: kubeadm's configuration of the cluster; empty if there is none yet
        wanted: the configuration that the variables make
    """
    then, now = _settings(made), _settings(wanted)
    changed = [
        variable
        for variable, value in then.items()
        if value != now[variable] and not (value is None and variable in ADDED)
    ]
    return [
        f"{variable} is {now[variable]}, but the cluster was made with {then[variable]}, which "
        f"kubeadm does not change in a cluster that runs; set it back. {NEW_CLUSTER}"
        for variable in changed
    ] + _changed_names(_cluster(made), _cluster(wanted))


def _changed_names(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Of the API server's certificate, which is as old as the cluster.

    An endpoint that differs is said by its variable, and is one of the names since there is one.
    """
    if not then:
        return []
    had, has = _names(then), _names(now)
    missing = [name for name in has if name not in {*had, _endpoint(now)}]
    gone = [name for name in had if name not in {*has, _endpoint(then)}]
    former, address = _address(then), _address(now)
    if address not in missing:
        return [_other_names(has, had)] if missing or gone else []
    others = {*missing, *gone} - {address, former}
    moved = _other_address(address, former)
    return [moved, _other_names(has, had)] if others else [moved]


def _other_address(address: str, former: str) -> str:
    return (
        f"control_plane_address (the machine's own, unless it is set) is {address}, but the "
        f"cluster was made with {former}; these playbooks do not move a control plane to another "
        f"address. Set control_plane_address back to {former}, and give the machine that address "
        f"back, or as a second one. {NEW_CLUSTER}"
    )


def _other_names(has: Sequence[str], had: Sequence[str]) -> str:
    return (
        f"control_plane_certificate_names wants a certificate of the API server for "
        f"{', '.join(has)}, but it was made for {', '.join(had)}. Set it back, or have the "
        f"certificate made anew on this machine: {NEW_CERTIFICATE}. docs/operations.md, "
        '"The control plane\'s names and address", has each step.'
    )


def _names(cluster: Mapping[str, Any]) -> list[str]:
    return list(map(str, cluster["apiServer"]["certSANs"]))


def _endpoint(cluster: Mapping[str, Any]) -> str:
    return str(cluster.get("controlPlaneEndpoint", "")).rpartition(":")[0]


def _address(cluster: Mapping[str, Any]) -> str:
    """It comes first of the names, but for the endpoint, which may be the address too."""
    endpoint = _endpoint(cluster)
    return next((name for name in _names(cluster) if name != endpoint), endpoint)


def _cluster(text: str) -> dict[str, Any]:
    documents = yaml.safe_load_all(text)
    return next((one for one in documents if one["kind"] == "ClusterConfiguration"), {})


def _settings(text: str) -> dict[str, Any]:
    """What kubeadm's configuration says, by the variable that it is from."""
    documents = {one["kind"]: one for one in yaml.safe_load_all(text) if one}
    if not documents:
        return {}
    return {
        variable: _at(documents.get(kind, {}), path) for variable, (kind, path) in PLACES.items()
    }


def _at(document: Mapping[str, Any], path: str) -> Any:
    value: Any = document
    for name in filter(None, path.split(".")):
        value = (value or {}).get(name)
    return value


class FilterModule:
    """Found by Ansible."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """The filters by name."""
        return {
            "control_plane_changes": control_plane_changes,
            "control_plane_faults": control_plane_faults,
            "renewal_faults": renewal_faults,
        }
