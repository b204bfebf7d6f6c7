"""What a reset removes, and why it may not begin; decided from what was found on the machines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.removal import (
    server_faults,
    server_goes,
)

Groups = Mapping[str, Sequence[str]]
Variables = Mapping[str, Any]

_FACTS = ("all_ipv4_addresses", "all_ipv6_addresses")
_EMPTIED = (
    "its pods are ended, and /var/lib/kubelet is emptied, also of what somebody else put there "
    "(config.json, seccomp)."
)
_IN_USE = " Pods that use them hang or get errors; delete them before."


def reset_faults(
    names: Sequence[str], groups: Groups, machines: Mapping[str, Variables]
) -> list[str]:
    """Why a reset of some of the inventory's machines may not begin; a sentence each.

    Args:
        names: the machines, as the inventory names them
        groups: the names of each group's machines
        machines: the variables of each machine, `hostvars`
    """
    nodes = [name for name in names if name in groups.get("kubernetes", ())]
    servers = [name for name in names if name in groups.get("nfs_servers", ())]
    removed = {address for name in nodes for address in _addresses(machines[name])}
    return [fault for name in servers for fault in server_faults(name, machines[name], removed)]


def _addresses(variables: Variables) -> list[str]:
    facts = variables.get("ansible_facts") or {}
    return [str(address) for name in _FACTS for address in facts.get(name, ())]


def reset_plan(names: Sequence[str], groups: Groups, machines: Mapping[str, Variables]) -> str:
    """What a reset of some of the inventory's machines removes, for the person who confirms it.

    Args:
        names: the machines, as the inventory names them
        groups: the names of each group's machines
        machines: the variables of each machine, `hostvars`
    """
    nodes, servers = groups.get("kubernetes", ()), groups.get("nfs_servers", ())
    releasing = [*(groups.get("kubernetes_api") or groups.get("control_plane", ()))][:1]
    elsewhere = {*groups.get("kubernetes_api", ())} - {*nodes}
    used = _IN_USE if elsewhere or {*nodes} - {*names} else ""
    lines = [
        *(
            f"{_node_goes(name, groups)}{_whichever(machines[name])}"
            for name in names
            if name in nodes
        ),
        *(_release_goes(name, machines[name]) for name in releasing if name in {*names} - {*nodes}),
        *(f"{server_goes(name, machines[name])}{used}" for name in names if name in servers),
    ]
    return "\n".join(lines)


def _node_goes(name: str, groups: Groups) -> str:
    if name in groups.get("control_plane", ()):
        return f"{name}: the cluster goes, with etcd and all objects in it; {_EMPTIED}"
    return f"{name}: the node leaves the cluster; {_EMPTIED}"


def _whichever(variables: Variables) -> str:
    if not boolean(variables.get("kubernetes_node_remove_any", False), strict=False):
        return ""
    return (
        " kubernetes_node_remove_any IS SET: whatever node answers at its address (ansible_host) "
        "is reset, also one of another cluster that lives, which loses it."
    )


def _release_goes(name: str, variables: Variables) -> str:
    """In a cluster that stays; one that goes takes the release along."""
    release = variables.get("provisioner_release", "holdfast")
    namespace = variables.get("provisioner_namespace", "holdfast")
    folder = variables.get("provisioner_helm_folder", "/opt")
    said = (
        f"{name}: the provisioner, release {release} in the namespace {namespace}, is uninstalled, "
        "with its classes and its static volumes that no claim has; the other volumes and their "
        "data stay, but claims get no new ones."
    )
    if variables.get("provisioner_helm"):
        return said
    return f"{said} The helm that the role installed in {folder} goes as well."


class FilterModule:
    """Found by Ansible."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """The filters by name."""
        return {"reset_faults": reset_faults, "reset_plan": reset_plan}
