"""The lab's network: a namespace with a bridge in it, which nothing joins to any other network.

Each machine gets one end of a veth pair, whose other end is in the bridge. The kernel of the
machine reads whole packets from there, so what the host would leave to a card's hardware
(checksums, segmentation) is switched off.
"""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from testbed.errors import LabError
from testbed.lab.commands import run
from testbed.lab.machines import GATEWAY, Machine

_BRIDGE: Final = "lab"
_OFFLOADS: Final = ("tx", "rx", "tso", "gso", "gro")
_NAMESPACES: Final = Path("/run/netns")
_CLONE_NEWNET: Final = 0x40000000  # sched.h


def make(namespace: str, machines: Sequence[Machine]) -> None:
    """Make the network, with what is missing in it for these machines."""
    if not exists(namespace):
        run(["ip", "netns", "add", namespace])
    present = _links(namespace)
    lines = [] if _BRIDGE in present else bridge_commands()
    added = [machine for machine in machines if machine.name not in present]
    lines += [line for machine in added for line in cable_commands(machine)]
    run(["ip", "-netns", namespace, "-batch", "-"], text="\n".join(lines))
    for machine in added:
        for link in (machine.name, _far_end(machine)):
            switches = [word for offload in _OFFLOADS for word in (offload, "off")]
            run([*inside(namespace), "ethtool", "-K", link, *switches])


def bridge_commands() -> list[str]:
    """The lines for ip(8) that make the bridge, which is also the gateway."""
    return [
        "link set lo up",
        f"link add {_BRIDGE} type bridge",
        f"address add {GATEWAY}/24 dev {_BRIDGE}",
        f"link set {_BRIDGE} up",
    ]


def cable_commands(machine: Machine) -> list[str]:
    """The lines for ip(8) that make a machine's cable."""
    far = _far_end(machine)
    return [
        f"link add {machine.name} type veth peer name {far}",
        f"link set {far} master {_BRIDGE}",
        f"link set {far} up",
        f"link set {machine.name} up",
    ]


def exists(namespace: str) -> bool:
    """Whether the network is there."""
    return (_NAMESPACES / namespace).exists()


def inside(namespace: str) -> list[str]:
    """The words before a command that let it run inside; the process stays the same."""
    return ["nsenter", f"--net={_NAMESPACES / namespace}"]


def enter(namespace: str) -> None:
    """Let the calling thread, and only that, open its sockets inside from now on."""
    handle = os.open(_NAMESPACES / namespace, os.O_RDONLY)
    try:
        if ctypes.CDLL(None, use_errno=True).setns(handle, _CLONE_NEWNET):
            raise LabError(f"the namespace {namespace} lets nobody in; end the lab, make it anew")
    finally:
        os.close(handle)


def end(namespace: str) -> None:
    """Kill what still runs inside, and remove it."""
    if not exists(namespace):
        return
    for pid in run(["ip", "netns", "pids", namespace]).split():
        try:
            os.kill(int(pid), signal.SIGKILL)
        except ProcessLookupError:
            continue
    run(["ip", "netns", "delete", namespace])


def _links(namespace: str) -> set[str]:
    shown = run(["ip", "-netns", namespace, "-brief", "link", "show"])
    return {line.split()[0].partition("@")[0] for line in shown.splitlines()}


def _far_end(machine: Machine) -> str:
    return f"to-{machine.name}"
