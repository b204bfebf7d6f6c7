"""The variables of the role control_plane that have a form of their own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ansible_collections.holdfast.nfs.plugins.module_utils.dns_names import (
    is_address,
    is_ipv4,
    is_loopback,
    is_name,
    is_subdomain,
)

_REPOSITORY = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_ENDPOINT = (
    "write a name in lower case or an address of IPv4, without a port and without https://, as "
    "k8s.example.com; the port is 6443."
)
_ADDRESS = "write the address of IPv4 by which the nodes reach it."
_REACHED = (
    "under which no other machine reaches the API server; write a name or an address that the "
    "nodes reach."
)
_DOMAIN = "write a domain in lower case, as cluster.local."
_NAMES = (
    "its elements are names in lower case, such as k8s.example.com or *.k8s.example.com, and "
    "addresses."
)
_PLACE = (
    "write a registry and a path in lower case, without https:// and without a slash at the end, "
    "as registry.example.com/k8s."
)

Wanted = Mapping[str, Any]
Fault = tuple[str, str, str]  # variable, value and remedy


def control_plane_value_faults(wanted: Wanted, machine: str) -> list[str]:
    """Why kubeadm could not use these, or no other machine; a sentence each.

    Args:
        wanted: the role's variables without its prefix: `endpoint`, `address`, `cluster_domain`,
            `certificate_names`, `image_repository`, `dns_image`, `etcd_image`, `hosts_entry`; and
            whether the cluster is `new`
        machine: its name in the inventory
    """
    return [
        f"control_plane_{variable} is {_told(value)} on {machine}; {remedy}"
        for variable, value, remedy in (
            *_of_the_server(wanted),
            *_of_names(wanted),
            *_of_images(wanted),
        )
    ]


def _told(value: str) -> str:
    return f'"{value}"' if value else "empty"


def _of_the_server(wanted: Wanted) -> Iterator[Fault]:
    endpoint, address = str(wanted["endpoint"]), str(wanted["address"])
    if not (is_ipv4(endpoint) or is_name(endpoint)):
        yield "endpoint", endpoint, _ENDPOINT
    # The line in /etc/hosts has to begin with an address.
    if not (is_ipv4(address) or (is_name(address) and not wanted["hosts_entry"])):
        yield "address", address, _ADDRESS
    for variable, value in (("endpoint", endpoint), ("address", address)):
        if wanted["new"] and _is_of_each_machine(value):
            yield variable, value, _REACHED


def _is_of_each_machine(value: str) -> bool:
    return is_loopback(value) or value == "0.0.0.0"  # noqa: S104 - nothing listens on it


def _of_names(wanted: Wanted) -> Iterator[Fault]:
    if not is_subdomain(domain := str(wanted["cluster_domain"])):
        yield "cluster_domain", domain, _DOMAIN
    for name in map(str, wanted["certificate_names"]):
        if not (is_subdomain(name.removeprefix("*.")) or is_address(name)):
            yield "certificate_names", name, _NAMES


def _of_images(wanted: Wanted) -> Iterator[Fault]:
    images = {name: wanted[name] for name in ("dns_image", "etcd_image")}
    places = {f"{name}.imageRepository": of.get("imageRepository") for name, of in images.items()}
    tags = {f"{name}.imageTag": of.get("imageTag") for name, of in images.items()}
    for variable, value in {"image_repository": wanted["image_repository"], **places}.items():
        if value is not None and not _REPOSITORY.fullmatch(str(value)):
            yield variable, str(value), _PLACE
    for variable, value in tags.items():
        if value is not None and not _TAG.fullmatch(str(value)):
            yield variable, str(value), "write a tag, as v1.14.2."


class FilterModule:
    """Found by Ansible."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """The filters by name."""
        return {"control_plane_value_faults": control_plane_value_faults}
