"""What an inventory lacks; decided before any machine is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.holdfast.nfs.plugins.module_utils.proxy import proxy_faults

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
        *_of_loopback(groups, machines),
        *_of_two_domains(groups, machines),
        *_of_proxies(machines),
    ]


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
            "set control_plane_single_node where pods may run on it."
        )
    if roleless := [name for name in nodes if name not in {*masters, *workers}]:
        yield (
            f"{', '.join(roleless)}: a machine of kubernetes has to be in control_plane or in "
            "workers."
        )


def _of_loopback(groups: Groups, machines: Mapping[str, Variables]) -> Iterator[str]:
    servers, nodes = groups.get("nfs_servers", ()), groups.get("kubernetes", ())
    is_told = any("provisioner_nfs_server" in machines[name] for name in nodes)
    if is_told or not servers or len({*servers, *nodes}) < 2:
        return
    address = str(machines[servers[0]].get("ansible_host", servers[0]))
    if address == "localhost" or address.startswith("127.") or address == "::1":
        yield (
            f"{servers[0]}, the NFS server, is reached as {address}, under which each node would "
            "look for the export on itself; set its ansible_host to an address that the nodes "
            "reach (and ansible_connection to local), or set provisioner_nfs_server."
        )


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
    """Why nothing may be changed yet; a sentence each.

    A worker that cannot be reached holds up nothing but itself.

    Args:
        groups: the names of each group's machines
        machines: the variables of each machine, `hostvars`; __preflight_fault is what it was
            refused for
        all_names: the machines that were to be checked
        left: those of them that could be reached
    """
    needed = {*groups.get("nfs_servers", ()), *groups.get("control_plane", ())}
    silent = [name for name in all_names if name not in left and name in needed]
    refused = {name: machines[name].get("__preflight_fault") for name in left}
    return [
        *(f"{name}: {_ended(str(fault))}" for name, fault in refused.items() if fault),
        *(f"{name} cannot be reached." for name in silent),
    ]


def _ended(said: str) -> str:
    """Modules end their sentences without a full stop."""
    said = said.strip()
    return said if said.endswith((".", "!", "?")) else f"{said}."


def reset_plan(names: Sequence[str], groups: Groups, machines: Mapping[str, Variables]) -> str:
    """What a reset of some of the inventory's machines removes, for the person who confirms it.

    Args:
        names: the machines, as the inventory names them
        groups: the names of each group's machines
        machines: the variables of each machine, `hostvars`
    """
    nodes, servers = groups.get("kubernetes", ()), groups.get("nfs_servers", ())
    lines = [
        *(_node_goes(name, groups) for name in names if name in nodes),
        *(_server_goes(name, machines[name]) for name in names if name in servers),
    ]
    return "\n".join(lines)


def _node_goes(name: str, groups: Groups) -> str:
    if name in groups.get("control_plane", ()):
        return f"{name}: the cluster goes, with etcd and all objects in it; its pods are ended."
    return f"{name}: the node leaves the cluster; its pods are ended."


def _server_goes(name: str, variables: Variables) -> str:
    exports = [str(entry["path"]) for entry in variables.get("nfs_server_exports", ())]
    paths = ", ".join(dict.fromkeys(exports)) or "none in the inventory"
    disks = [str(entry["device"]) for entry in variables.get("nfs_server_filesystems", ())]
    if str(variables.get("nfs_server_wipe", False)).lower() in {"true", "yes", "on", "1", "y", "t"}:
        gone = ", ".join([*disks, *exports]) or "none in the inventory"
        return f"{name}: the exports end ({paths}), and THE DATA THERE IS DESTROYED ({gone})."
    return f"{name}: the exports end ({paths}); the data there stays."


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
            "node_names": node_names,
            "preflight_faults": preflight_faults,
            "reset_plan": reset_plan,
        }
