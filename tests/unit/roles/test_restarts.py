"""No restart hangs on a run that comes to its end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.roles.reading import ROLES, load, mappings

WRITERS = ("ansible.builtin.template", "ansible.builtin.copy")
# What a service reads when it starts; other files are read each time, or are kubeadm's.
READ_ONCE = ("/etc/systemd/system/", "/etc/containerd/config.toml", "/etc/cni/net.d/")
each_role = pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)


def tasks(role: Path) -> Iterator[dict[str, Any]]:
    for path in (role / "tasks").glob("*.yml"):
        yield from mappings(load(path))


def written(role: Path) -> set[str]:
    found = {task[writer]["dest"] for task in tasks(role) for writer in WRITERS if writer in task}
    return {path for path in found if path.startswith(READ_ONCE)}


def compared(role: Path) -> set[str]:
    """The files with which a unit is compared at each run."""
    units = [task["holdfast.nfs.unit_current"] for task in tasks(role) if unit_in(task)]
    return {path for unit in units for path in unit.get("files", ())}


def unit_in(task: dict[str, Any]) -> bool:
    return "holdfast.nfs.unit_current" in task


@each_role
def test_no_task_notifies_a_handler_that_a_broken_run_would_forget(role: Path) -> None:
    assert [task["name"] for task in tasks(role) if "notify" in task] == []
    assert not (role / "handlers").exists()


@each_role
def test_what_a_service_reads_once_is_compared_with_it_at_each_run(role: Path) -> None:
    assert written(role) - compared(role) == set()


def test_the_server_is_compared_with_its_settings() -> None:
    (server,) = [role for role in ROLES if role.name == "nfs_server"]
    units = [task["holdfast.nfs.unit_current"] for task in tasks(server) if unit_in(task)]

    assert {"rpc-statd.service", "nfs-server.service"} <= {unit["name"] for unit in units}
