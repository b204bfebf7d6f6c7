"""The units that only NFSv3 needs.

They are `masked`, or `answering` (none is masked and rpcbind's socket is open), or `allowed` (none
is masked: as the packages leave them).
"""

from __future__ import annotations

from collections.abc import Callable

SOCKET = "rpcbind.socket"
UNITS = (SOCKET, "rpcbind.service", "rpc-statd.service")
STATES = ("masked", "answering", "allowed")

Systemctl = Callable[..., str]


def pending(systemctl: Systemctl, wanted: str) -> list[tuple[str, ...]]:
    """The calls of systemctl that lead to the wanted state; here it is only asked."""
    blocks = systemctl("show", "--property=Id,LoadState,ActiveState", *UNITS).strip().split("\n\n")
    states = [dict(line.split("=", 1) for line in block.splitlines()) for block in blocks]
    masked = tuple(state["Id"] for state in states if state["LoadState"] == "masked")
    active = {state["Id"] for state in states if state["ActiveState"] == "active"}
    if wanted == "masked":
        return [] if len(masked) == len(UNITS) and not active else [("mask", "--now", *UNITS)]
    unmask = [("unmask", *masked)] if masked else []
    start = [("enable", "--now", SOCKET)] if wanted == "answering" and SOCKET not in active else []
    return unmask + start
