"""Why a reset may not begin; decided from what was found on the machines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.removal import server_faults

_FACTS = ("all_ipv4_addresses", "all_ipv6_addresses")


def reset_faults(
    names: Sequence[str],
    groups: Mapping[str, Sequence[str]],
    machines: Mapping[str, Mapping[str, Any]],
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


def _addresses(variables: Mapping[str, Any]) -> list[str]:
    facts = variables.get("ansible_facts") or {}
    return [str(address) for name in _FACTS for address in facts.get(name, ())]


class FilterModule:
    """Found by Ansible."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """The filters by name."""
        return {"reset_faults": reset_faults}
