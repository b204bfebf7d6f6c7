"""Why a machine cannot become a node; decided before any change."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

State = Mapping[str, Any]  # as the module kubernetes_state returns it
Wanted = Mapping[str, Any]  # the role's variables, without its prefix

_VERSION = re.compile(r"v[0-9]+[.][0-9]+[.][0-9]+")
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?")
_DIRECTORY = re.compile(r"(/+[\w.+@:=,~-]+)+/*", re.ASCII)
_NODE_PORTS = (10250,)
_CONTROL_PLANE_PORTS = (2379, 2380, 6443, 10257, 10259)


def node_faults(state: State, wanted: Wanted, machine: str) -> list[str]:
    """Why the machine cannot become, or stay, the node that is wanted; a sentence each.

    Args:
        state: of the machine, from the module kubernetes_state
        wanted: `version`, `name`, `address` and `directory`, and whether it is a `control_plane`
        machine: its name in the inventory
    """
    return [
        *_bad_values(wanted),
        *_bad_address(state, wanted, machine),
        *(_of_our_node(state, wanted, machine) if _is_ours(state) else _of_others(state, machine)),
        *(() if state["node"] or state["unfinished"] else _busy(state, wanted, machine)),
    ]


def removal_fault(state: State, machine: str) -> str:
    """Why a machine's node is not removed; empty if these roles built it, or there is none.

    Args:
        state: of the machine, from the module kubernetes_state
        machine: its name in the inventory
    """
    return next(iter(() if _is_ours(state) else _of_others(state, machine)), "")


def _bad_values(wanted: Wanted) -> Iterator[str]:
    if not _VERSION.fullmatch(wanted["version"]):
        yield f'kubernetes_node_version is "{wanted["version"]}"; write it as v1.36.3.'
    if not _NAME.fullmatch(wanted["name"]):
        yield (
            f'kubernetes_node_name is "{wanted["name"]}"; a node\'s name has lower case letters, '
            "digits, dots and dashes."
        )
    if not _DIRECTORY.fullmatch(wanted["directory"]):
        yield (
            f'kubernetes_node_directory is "{wanted["directory"]}"; write the whole path of a '
            "directory that has nothing else in it, as /opt/kubernetes."
        )


def _bad_address(state: State, wanted: Wanted, machine: str) -> Iterator[str]:
    if not state["address"]:
        yield (
            f'kubernetes_node_address is "{wanted["address"]}", which {machine} does not have; it '
            f"has {', '.join(state['addresses'])}. Set kubernetes_node_address to the one by which "
            "the other nodes reach it."
        )


def _is_ours(state: State) -> bool:
    return bool(state["program"]) and not state["others"]


def _of_our_node(state: State, wanted: Wanted, machine: str) -> Iterator[str]:
    program = posixpath.normpath(f"{wanted['directory']}/{wanted['version']}/kubelet")
    if state["running"]:
        yield (
            f"kubeadm runs on {machine}, perhaps since a connection to it was lost; run this again "
            "when it has ended (pgrep -a kubeadm)."
        )
    if state["node"] and posixpath.normpath(state["program"]) != program:
        yield (
            f"{machine} is a node of a cluster and runs {state['program']}, not {program}; upgrade "
            "it with playbooks/upgrade.yml, which drains the node first."
        )


def _of_others(state: State, machine: str) -> Iterator[str]:
    if state["others"]:
        yield (
            f"{machine} has {' and '.join(state['others'])}, which these playbooks did not install "
            "and leave as it is. Remove it first, or name another machine in the inventory."
        )
    elif state["node"] or state["control_plane"]:
        yield (
            f"{machine} is a node of a cluster that these playbooks did not build "
            "(/etc/kubernetes); they leave it as it is. Take it out of its cluster first (kubeadm "
            "reset), or name another machine in the inventory."
        )


def _busy(state: State, wanted: Wanted, machine: str) -> Iterator[str]:
    needed = {*_NODE_PORTS, *(_CONTROL_PLANE_PORTS if wanted["control_plane"] else ())}
    busy = sorted(needed & {*state["busy_ports"]})
    if busy:
        yield (
            f"On {machine} another program listens on port {' and '.join(map(str, busy))}, which "
            "Kubernetes needs; end it (ss -tlnp), or name another machine in the inventory."
        )


class FilterModule:
    """Found by Ansible."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """The filters by name."""
        return {"node_faults": node_faults, "removal_fault": removal_fault}
