"""Entries as an inventory has them, and a machine whose programs answer as they are told to."""

from __future__ import annotations

from typing import Any

from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.commands import Outcome
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.exports import (
    Exports,
    read_exports,
)

NETWORK = "192.168.41.0/24"
# What the server's table says of an export that is `rw` and otherwise usual.
SHOWN = (
    "rw,sync,wdelay,hide,nocrossmnt,secure,root_squash,no_all_squash,no_subtree_check,"
    "secure_locks,acl,no_pnfs,anonuid=65534,anongid=65534,sec=sys,rw,root_squash,no_all_squash"
)


def entry(path: str = "/srv/nfs/k8s", **other: Any) -> dict[str, Any]:
    return {"path": path, "clients": [NETWORK], "options": ["rw"], "state": "present", **other}


def wanted(*entries: dict[str, Any]) -> Exports:
    return read_exports(entries or (entry(),))


def looked_at(**found: list[Any]) -> dict[str, Any]:
    """A server's variables after tasks_from=inspect."""
    state: dict[str, list[Any]] = {
        "exported": [{"path": "/srv/a", "client": NETWORK}],
        "connected": [],
        "others": [],
        "paths": ["/srv/a"],
        "destroyed": [],
    }
    return {"__nfs_server_state": {**state, **found}}


class Machine:
    """Answers commands by the longest beginning of theirs that it knows; notes what was run."""

    def __init__(self, **answers: Outcome) -> None:
        self.answers = answers
        self.ran: list[str] = []

    def __call__(self, *command: str) -> Outcome:
        line = " ".join(command)
        self.ran.append(line)
        known = [beginning for beginning in self.answers if line.startswith(beginning)]
        return self.answers[max(known, key=len)] if known else Outcome(0)
