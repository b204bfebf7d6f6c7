"""Why a machine cannot become a node; decided before any change."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.holdfast.nfs.plugins.filter.kubernetes_interrupted import (
    resume_faults,
    running_faults,
)
from ansible_collections.holdfast.nfs.plugins.module_utils.kubernetes_node.meant import mistakes

State = Mapping[str, Any]  # as the module kubernetes_state returns it
Wanted = Mapping[str, Any]  # the role's variables, without its prefix

_VERSION = re.compile(r"v[0-9]+[.][0-9]+[.][0-9]+")
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?")
_DIRECTORY = re.compile(r"(/+[\w.+@:=,~-]+)+/*", re.ASCII)
_NODE_PORTS = (10250,)
_ETCD_PORTS = (2379, 2380)
_CONTROL_PLANE_PORTS = (*_ETCD_PORTS, 6443, 10257, 10259)
# The checks of kubeadm that see files of others, and so make sure that a reset takes none along.
_CHECKS_OF_FILES = re.compile(r"diravailable|fileavailable|all$")


def node_faults(state: State, wanted: Wanted, machine: str) -> list[str]:
    """Why the machine cannot become, or stay, the node that is wanted; a sentence each.

    Args:
        state: of the machine, from the module kubernetes_state
        wanted: `version`, `name`, `address` and `directory`, whether it is a `control_plane`, and
            the checks of kubeadm that are `ignored`
        machine: its name in the inventory
    """
    return [
        *_bad_values(wanted),
        *_bad_address(state, wanted, machine),
        *(_of_our_node(state, wanted, machine) if _is_ours(state) else _of_others(state, machine)),
        *(() if state["node"] or state["unfinished"] else _not_blank(state, wanted, machine)),
        *_swapped(state, machine),
    ]


def removal_fault(state: State, machine: str, wanted: Wanted) -> str:
    """Why a machine's node is not removed; empty if it is the one that is meant, or there is none.

    Nor is it while kubeadm runs.

    Args:
        state: of the machine, from the module kubernetes_state
        machine: its name in the inventory
        wanted: the node's `name`, whether it is the `control_plane`, the state of the `cluster` as
            the control plane tells it (empty if it could not be asked), and whether it may be `any`
    """
    return next(_removal_faults(state, machine, wanted), "")


def _removal_faults(state: State, machine: str, wanted: Wanted) -> Iterator[str]:
    yield from running_faults(state, machine)
    if not _is_ours(state):
        yield from _of_others(state, machine)
    elif state["begun"] and not state["kubeadm"]:
        yield (
            f"{machine} has a node, but not the kubeadm that would reset it, which belongs beside "
            f"{state['program']}. Install it with playbooks/cluster.yml, then run this again."
        )
    elif not wanted["any"]:
        yield from _of_another_node(state, machine, wanted)


def _of_another_node(state: State, machine: str, wanted: Wanted) -> Iterator[str]:
    """Why it is not the machine that the inventory means: its address may be another's."""
    remedy = (
        "nothing was reset. Correct ansible_host or kubernetes_node_name of this machine; to reset "
        "all the same what answers there, which a living cluster loses then, set "
        "-e kubernetes_node_remove_any=true."
    )
    mistake = next(mistakes(state, wanted, machine), "")
    if mistake:
        yield f"{mistake}; {remedy}"
    elif state["node"] and not state["name"]:
        yield (
            f"{machine} should be the node {wanted['name']}, but is one whose kubelet's "
            f"certificate cannot be read; {remedy}"
        )
    elif wanted["control_plane"]:
        return
    elif state["etcd"]:
        yield f"{machine} is a control plane, and in the inventory a worker; {remedy}"
    elif state["node"] and not wanted["cluster"]:
        yield f"The control plane cannot be asked whether {machine} is its node; {remedy}"


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
    runs = posixpath.normpath(state["program"])
    yield from running_faults(state, machine)
    interrupted = [*resume_faults(state, wanted["version"], machine)]
    yield from interrupted
    # Of which cluster a worker is, the role worker compares when the control plane has been asked.
    mistaken = [*mistakes(state, {**wanted, "cluster": {}}, machine)]
    for mistake in mistaken:
        yield (
            f"{mistake}. Set kubernetes_node_name back to {state['name']}, or correct ansible_host "
            "of this machine; to give a node another name, remove it under its present one "
            "(playbooks/remove_node.yml), then add it anew."
        )
    if not interrupted and not mistaken and state["node"] and runs != program:
        yield (
            f"{machine} is a node of a cluster and runs {state['program']}, not {program}; "
            f"{_other_version(posixpath.basename(posixpath.dirname(runs)), wanted['version'])}"
        )


def _other_version(running: str, wanted: str) -> str:
    if _is_newer(running, wanted):
        return (
            "the cluster was upgraded, and Kubernetes does not go back: set "
            f"kubernetes_node_version: {running} in the inventory."
        )
    return "upgrade it with playbooks/upgrade.yml, which drains the node first."


def _is_newer(running: str, wanted: str) -> bool:
    versions = (running, wanted)
    if not all(map(_VERSION.fullmatch, versions)):
        return False
    first, second = ([*map(int, version[1:].split("."))] for version in versions)
    return first > second


def _of_others(state: State, machine: str) -> Iterator[str]:
    if state["others"]:
        yield (
            f"{machine} has {' and '.join(state['others'])}, which these playbooks did not install "
            "and leave as it is. Correct ansible_host, or name another machine in the inventory; "
            "or, if nobody needs it, remove it first."
        )
    elif state["node"] or state["control_plane"]:
        yield (
            f"{machine} is a node of a cluster that these playbooks did not build "
            "(/etc/kubernetes); they leave it as it is. Correct ansible_host, or name another "
            "machine in the inventory; or, if its cluster is gone or may lose it, take it out "
            "first (kubeadm reset)."
        )


def _swapped(state: State, machine: str) -> Iterator[str]:
    if state["swap_lacking"]:
        lacking = -(-state["swap_lacking"] // 1024)
        yield (
            f"{machine} has {lacking} MiB more in swap than it has free memory for. Kubernetes "
            "runs without swap, and switching it off would end programs there; give it more "
            "memory, or end what needs it."
        )


def _not_blank(state: State, wanted: Wanted, machine: str) -> Iterator[str]:
    ignored = {check.lower() for check in wanted["ignored"]}
    yield from _busy(state, wanted, machine, ignored)
    if state["etcd_data"] and not ignored & {"all", "diravailable--var-lib-etcd"}:
        yield (
            f"{machine} has files in /var/lib/etcd, though it is in no cluster of these playbooks; "
            "they would become the cluster's, and go with it. Move them elsewhere, or name another "
            "machine in the inventory."
        )
    if state["pki"] and not wanted["control_plane"]:
        yield (
            f"{machine} has files in /etc/kubernetes/pki, though it is in no cluster; kubeadm "
            "removes them with the node. Move them elsewhere; only a control plane takes a CA of "
            "yours from there."
        )


def _busy(state: State, wanted: Wanted, machine: str, ignored: set[str]) -> Iterator[str]:
    busy = {port for port in state["busy_ports"] if not ignored & {"all", f"port-{port}"}}
    needed = {*_NODE_PORTS, *(_CONTROL_PLANE_PORTS if wanted["control_plane"] else ())}
    if taken := _ports(busy & needed):
        yield (
            f"On {machine} another program listens on port {taken}, which "
            "Kubernetes needs; end it (ss -tlnp), or name another machine in the inventory."
        )
    if others := _ports(busy & {*_ETCD_PORTS} - needed):
        yield (
            f"On {machine} another program listens on port {others}, as etcd does; a worker has "
            "none, so it is another's. Name another machine in the inventory, or, if it may be "
            "there, add Port-2379 and Port-2380 to kubernetes_node_ignored_checks."
        )


def _ports(ports: set[int]) -> str:
    return " and ".join(map(str, sorted(ports)))


def reset_obstacle(state: State, ignored: Sequence[str]) -> str:
    """Why a failed init or join of kubeadm is not reset; empty where all that is there is its own.

    Args:
        state: of the machine before kubeadm began, from the module kubernetes_state
        ignored: the checks of kubeadm that were ignored
    """
    if state["unfinished"]:
        return "an earlier run had begun it"
    if any(_CHECKS_OF_FILES.match(check.lower()) for check in ignored):
        return "kubernetes_node_ignored_checks let kubeadm begin over existing files"
    if state["pki"]:
        return "/etc/kubernetes/pki had files before"
    if state["kubelet_files"]:
        return "/var/lib/kubelet had files before"
    return ""


class FilterModule:
    """Found by Ansible."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """The filters by name."""
        return {
            "node_faults": node_faults,
            "removal_fault": removal_fault,
            "reset_obstacle": reset_obstacle,
        }
