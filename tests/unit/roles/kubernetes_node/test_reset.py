"""kubeadm reset takes apart what kubeadm made here, and nothing that others keep."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.unit.roles.reading import ROLES, load, mappings
from tests.unit.roles.rendering import evaluate

COMMAND = "ansible.builtin.command"
SKIPPED = "--skip-phases=remove-etcd-member"


def resets() -> Iterator[tuple[str, dict[str, Any]]]:
    """Each task that runs kubeadm reset, with its role's name."""
    for role in ROLES:
        for file in sorted(role.glob("tasks/*.yml")):
            yield from ((role.name, task) for task in mappings(load(file)) if _is_reset(task))


def _is_reset(task: dict[str, Any]) -> bool:
    return COMMAND in task and {"kubeadm", "reset"} <= {*re.findall(r"\w+", str(task[COMMAND]))}


def words(role: str, *, etcd: bool) -> list[str]:
    """What the role runs on a machine whose etcd is the cluster's, or another's."""
    ((_, task),) = [found for found in resets() if found[0] == role]
    given = task[COMMAND]
    command = given["argv"] if isinstance(given, dict) else given
    state = {"etcd": etcd, "begun": True, "kubeadm": "/opt/kubernetes/v1.36.3/kubeadm"}
    found = evaluate(role, command, kubernetes_node_now={"state": state})
    return found.split() if isinstance(found, str) else list(found)


def test_each_reset_is_known() -> None:
    assert [role for role, _ in resets()] == ["control_plane", "kubernetes_node", "worker"]


@pytest.mark.parametrize("role", ["kubernetes_node", "worker"])
def test_a_worker_is_reset_without_what_is_in_the_folder_of_etcd(role: str) -> None:
    """Seen: kubeadm takes the default folder for its own where it finds no etcd."""
    assert SKIPPED in words(role, etcd=False)


@pytest.mark.parametrize("role", ["kubernetes_node", "control_plane"])
def test_a_control_plane_goes_with_its_etcd(role: str) -> None:
    assert SKIPPED not in words(role, etcd=True)
