"""The units that only NFSv3 needs: all masked, or none and rpcbind's socket open."""

from __future__ import annotations

from collections.abc import Callable

SOCKET = "rpcbind.socket"
UNITS = (SOCKET, "rpcbind.service", "rpc-statd.service")

Systemctl = Callable[..., str]


def pending(systemctl: Systemctl, *, wanted: bool) -> list[tuple[str, ...]]:
    """The calls of systemctl that are still to be made; it is only asked here."""
    blocks = systemctl("show", "--property=Id,LoadState,ActiveState", *UNITS).split("\n\n")
    states = [dict(line.split("=", 1) for line in block.splitlines()) for block in blocks]
    masked = tuple(state["Id"] for state in states if state["LoadState"] == "masked")
    active = {state["Id"] for state in states if state["ActiveState"] == "active"}
    if not wanted:
        return [] if len(masked) == len(UNITS) and not active else [("mask", "--now", *UNITS)]
    unmask = [("unmask", *masked)] if masked else []
    return unmask + ([("enable", "--now", SOCKET)] if SOCKET not in active else [])
