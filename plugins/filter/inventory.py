"""What an inventory lacks; decided before any machine is asked."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.holdfast.nfs.plugins.module_utils.kubernetes_node.duplicates import (
    duplicate_faults,
)
from ansible_collections.holdfast.nfs.plugins.module_utils.proxy import proxy_faults
from jinja2 import UndefinedError

Groups = Mapping[str, Sequence[str]]
Variables = Mapping[str, Any]

GROUPS = ("nfs_servers", "kubernetes", "kubernetes_api", "control_plane")
# The first is for all roles, and each role's own for that one.
PROXIES = (
    "holdfast_proxy",
    "container_runtime_proxy",
    "kubernetes_node_proxy",
    "nfs_client_proxy",
    "nfs_server_proxy",
    "provisioner_proxy",
)
_OF_ANSIBLE = ("all", "ungrouped")


def inventory_faults(groups: Groups, machines: Mapping[str, Variables]) -> list[str]:
    """Why the playbooks cannot work with an inventory; a sentence each.

    Args:
        groups: the names of each group's machines
        machines: the variables of each machine, `hostvars`
    """
    if not any(groups.get(name) for name in GROUPS):
        return [_none_of_ours(groups)]
    return [
        *_of_cluster(groups),
        *_of_duplicates(groups, machines),
        *_of_loopback(groups, machines),
        *_of_two_domains(groups, machines),
        *_of_proxies(machines),
        *_of_image(groups, machines),
    ]


def limit_fault(
    names: Sequence[str],
    groups: Groups,
    machines: Mapping[str, Variables],
    wanted: Sequence[str],
) -> str:
    """Why a run would do nothing with the machines that --limit leaves; empty if it would.

    Ansible skips a play without machines, and ends well. A part of a run that did something may
    have nothing to do.

    Args:
        names: the machines of the run, as the inventory names them
        groups: the names of each group's machines
        machines: the variables of each machine, `hostvars`
        wanted: the groups that the playbook is for
    """
    if any(machines[name].get("__preflight_complete") for name in names):
        return ""
    if not any(groups.get(name) for name in GROUPS):
        return _none_of_ours(groups)
    meant = {machine for group in wanted for machine in groups.get(group, ())}
    if not meant or meant & {*names}:
        return ""
    return (
        f"Nothing was changed: the machines of this run ({', '.join(names)}) are in none of the "
        f"groups {', '.join(wanted)}, which the playbook is for; put them into one, or let --limit "
        "name others."
    )


def _none_of_ours(groups: Groups) -> str:
    others = sorted(name for name in groups if name not in _OF_ANSIBLE)
    return (
        f"The inventory has no machine in any of the groups {', '.join(GROUPS)} "
        f"(its groups: {', '.join(others) or 'none'}); give its machines these groups, as "
        "inventory/vagrant.yml does."
    )


def _of_cluster(groups: Groups) -> Iterator[str]:
    nodes, masters = groups.get("kubernetes", ()), groups.get("control_plane", ())
    workers = groups.get("workers", ())
    if nodes and len(masters) != 1:
        yield (
            f"The group control_plane has {len(masters)} machines "
            f"({', '.join(masters) or 'none'}); these playbooks build clusters with one control "
            "plane, so name one."
        )
    if outside := [name for name in (*masters, *workers) if name not in nodes]:
        yield (
            f"{', '.join(outside)}: a machine of control_plane or workers has to be in the group "
            "kubernetes; make both its children."
        )
    if both := [name for name in masters if name in workers]:
        yield (
            f"{', '.join(both)} is in control_plane and in workers; leave it in control_plane, and "
            "set kubernetes_node_takes_pods where pods may run on it."
        )
    if roleless := [name for name in nodes if name not in {*masters, *workers}]:
        yield (
            f"{', '.join(roleless)}: a machine of kubernetes has to be in control_plane or in "
            "workers."
        )


def _of_duplicates(groups: Groups, machines: Mapping[str, Variables]) -> list[str]:
    nodes = {name: machines[name] for name in groups.get("kubernetes", ())}
    hosts = {name: _reached_at(name, variables) for name, variables in nodes.items()}
    names = {name: value_of(each, "kubernetes_node_name", name) for name, each in nodes.items()}
    addresses = {name: value_of(each, "kubernetes_node_address") for name, each in nodes.items()}
    given = {
        "kubernetes_node_name": names,
        "ansible_host": hosts,
        # Of one that is reached by another machine's address enough is said.
        "kubernetes_node_address": addresses if len({*hosts.values()}) == len(hosts) else {},
    }
    return duplicate_faults(
        {
            variable: {name: value for name, value in values.items() if value}
            for variable, values in given.items()
        }
    )


def value_of(variables: Variables, name: str, otherwise: str = "") -> str:
    """A variable's value as text; empty if it is made of facts that nobody has yet.

    Args:
        variables: of the machine, from `hostvars`
        name: of the variable
        otherwise: its value where the inventory has none
    """
    try:
        return str(variables.get(name, otherwise))
    except UndefinedError:
        return ""


def _reached_at(name: str, variables: Variables) -> str:
    """The address and, where it is another than usual, the port; machines may share the former."""
    host = value_of(variables, "ansible_host", name)
    port = value_of(variables, "ansible_port", "22")
    return host if port == "22" else f"{host}, port {port}"


def _of_loopback(groups: Groups, machines: Mapping[str, Variables]) -> Iterator[str]:
    """Each node would look for the export on itself; and volumes keep the address for ever."""
    releasing = groups.get("kubernetes_api") or groups.get("control_plane", ())
    servers = groups.get("nfs_servers", ())
    told = [*_told_servers(machines[releasing[0]])] if releasing else []
    for variable, address in told:
        if _is_loopback(address):
            yield (
                f"{variable} of {releasing[0]} is {address}, under which each node would look for "
                "the export on itself, and which volumes keep; set it to an address that the nodes "
                "reach."
            )
    address = str(machines[servers[0]].get("ansible_host", servers[0])) if servers else ""
    if releasing and not told and _is_loopback(address):
        yield (
            f"{servers[0]}, the NFS server, is reached as {address}, under which each node would "
            "look for the export on itself, and which volumes keep; set its ansible_host to an "
            "address that the nodes reach (and ansible_connection to local), or set "
            "provisioner_nfs_server."
        )


def _told_servers(variables: Variables) -> Iterator[tuple[str, str]]:
    """What names the NFS server to the provisioner, and how."""
    exports = variables.get("provisioner_exports") or ()
    for export in exports:
        if isinstance(export, Mapping):  # else it is refused as a string
            yield "provisioner_exports", str(export.get("server"))
    if not exports and variables.get("provisioner_nfs_server"):
        yield "provisioner_nfs_server", str(variables["provisioner_nfs_server"])


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return address.lower().partition(".")[0] in {"localhost", "ip6-localhost", "ip6-loopback"}


def _of_two_domains(groups: Groups, machines: Mapping[str, Variables]) -> Iterator[str]:
    both = {*groups.get("nfs_servers", ())} & {*groups.get("kubernetes", ())}
    for name in sorted(both):
        served = machines[name].get("nfs_server_idmap_domain")
        mounted = machines[name].get("nfs_client_idmap_domain")
        if served and mounted and served != mounted:
            yield (
                f"{name} is an NFS server and a node, with nfs_server_idmap_domain {served} and "
                f"nfs_client_idmap_domain {mounted}; a machine has one domain, so set one of them."
            )


def _of_image(groups: Groups, machines: Mapping[str, Variables]) -> Iterator[str]:
    releasing = groups.get("kubernetes_api", ())
    if not groups.get("kubernetes") and releasing:
        name = releasing[0]
        if machines[name].get("provisioner_image_build") == "always":
            yield (
                f"provisioner_image_build is always on {name}, and the inventory has no nodes in "
                "the group kubernetes to load the image into; build it with make image, which "
                "prints how to load it, and set provisioner_image_build to never."
            )


def _of_proxies(machines: Mapping[str, Variables]) -> list[str]:
    faults = [
        fault
        for variables in machines.values()
        for name in PROXIES
        if name in variables
        for fault in proxy_faults(variables[name], name)
    ]
    return list(dict.fromkeys(faults))


def preflight_faults(
    groups: Groups, machines: Mapping[str, Variables], all_names: Sequence[str], left: Sequence[str]
) -> list[str]:
    """Why nothing more may be changed; a sentence each.

    A worker that cannot be reached holds up nothing but itself. A playbook that has parts asks
    before each.

    Args:
        groups: the names of each group's machines
        machines: the variables of each machine, `hostvars`; __preflight_fault is what it was
            refused for, __preflight_passed that it was not, and __preflight_complete that all were
            asked before an earlier part
        all_names: the machines that were to be checked
        left: those of them that neither failed nor were unreachable
    """
    needed = {*groups.get("nfs_servers", ()), *groups.get("control_plane", ())}
    missing = [name for name in all_names if name not in left and name in needed]
    refused = {name: machines[name].get("__preflight_fault") for name in left}
    faults = [
        *(f"{name}: {_ended(str(fault))}" for name, fault in refused.items() if fault),
        *(_of_missing(name, machines[name]) for name in missing),
    ]
    if not faults or any(machines[name].get("__preflight_complete") for name in all_names):
        return faults
    return ["Nothing was changed on any machine.", *faults]


def _ended(said: str) -> str:
    """Modules end their sentences without a full stop."""
    said = said.strip()
    return said if said.endswith((".", "!", "?")) else f"{said}."


def _of_missing(name: str, variables: Variables) -> str:
    if variables.get("__preflight_passed"):
        return (
            f"{name} failed in an earlier part of this run, or was no longer reached; fix the "
            "error reported for it, then run the playbook again."
        )
    return f"{name} cannot be reached, or Ansible cannot work on it; see the error reported for it."


def node_names(names: Sequence[str], machines: Mapping[str, Variables]) -> list[str]:
    """The names in the cluster of some of the inventory's machines.

    Args:
        names: the machines, as the inventory names them
        machines: the variables of each machine, `hostvars`
    """
    return [str(machines[name].get("kubernetes_node_name", name)) for name in names]


class FilterModule:
    """Found by Ansible."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """The filters by name."""
        return {
            "inventory_faults": inventory_faults,
            "limit_fault": limit_fault,
            "node_names": node_names,
            "preflight_faults": preflight_faults,
        }
