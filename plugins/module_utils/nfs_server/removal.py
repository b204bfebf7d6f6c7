"""What a reset ends on an NFS server, for the person who confirms it, and why it may not."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from .withdrawal import ALL, may_be

STATE = "__nfs_server_state"  # of tasks_from=inspect


def server_goes(name: str, variables: Mapping[str, Any]) -> str:
    """A line for a server, from what was found there."""
    found = variables.get(STATE) or {}
    if "exported" not in found:
        return f"{name}: the exports of these playbooks end, which were not looked at."
    paths = ", ".join(dict.fromkeys(one["path"] for one in found["exported"]))
    ends = f"the exports end ({paths})" if paths else "these playbooks export nothing there"
    stays = "the data there stays" if paths else "data stays"
    gone = ", ".join(found["destroyed"])
    data = f", and THE DATA THERE IS DESTROYED ({gone})." if gone else f"; {stays}."
    return f"{name}: {ends}{data}{_who_is_there(found)}"


def server_faults(name: str, variables: Mapping[str, Any], removed: Collection[str]) -> list[str]:
    """Why the exports of a server may not end; a sentence each.

    Args:
        name: the server, as the inventory names it
        variables: its variables
        removed: the addresses of the nodes that the same run removes
    """
    found = variables.get(STATE) or {}
    if "exported" not in found:
        return [f"{name} was not looked at, as it has to be; run the playbook from its beginning."]
    told = {*(variables.get("nfs_server_withdraw") or ())}
    using = [one for one in found["connected"] if one not in removed]
    used: dict[str, list[str]] = {}
    for one in found["exported"]:
        clients = [address for address in using if may_be(one["client"], address)]
        if clients and not {one["path"], ALL} & told:
            used.setdefault(one["path"], []).extend(clients)
    return [_is_used(name, used)] if used else []


def _who_is_there(found: Mapping[str, Any]) -> str:
    connected, others = ", ".join(found["connected"]), ", ".join(found["others"])
    return (f" Connected: {connected}." if connected else "") + (
        f" What others export stays ({others})." if others else ""
    )


def _is_used(name: str, used: Mapping[str, list[str]]) -> str:
    clients = ", ".join(dict.fromkeys(address for found in used.values() for address in found))
    return (
        f"{name}: {clients} is connected and no node that this run removes, and would lose its "
        f"open files on {', '.join(used)}. Unmount that there first, widen --limit if it is a "
        f"node, or set nfs_server_withdraw to {json.dumps([*used])}."
    )
