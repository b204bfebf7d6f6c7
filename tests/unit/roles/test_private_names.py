"""What a role keeps to itself is called so: two underscores, its name, what it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.roles.reading import ROLES, load, mappings

# What a role leaves for those that depend on it, and how Ansible connects.
FOR_OTHERS = {"kubernetes_node_now", "ansible_become"}


def registered(role: Path) -> Iterator[str]:
    """Every name that a task of the role gives to a value."""
    for task in (node for path in sorted(role.glob("*/*.yml")) for node in mappings(load(path))):
        if isinstance(task.get("register"), str):
            yield task["register"]
        yield from task.get("ansible.builtin.set_fact", {})


def inner(tasks: Any) -> Iterator[str]:
    """The variables of tasks and blocks; those of an included role are that role's."""
    for task in mappings(tasks):
        includes = {"ansible.builtin.include_role", "ansible.builtin.import_role"} & set(task)
        if not includes and isinstance(task.get("vars"), dict):
            yield from task["vars"]


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_a_name_that_is_no_option_is_marked_as_private(role: Path) -> None:
    names = {*registered(role), *(load(role / "vars/main.yml") or {})}
    for path in (role / "tasks").glob("*.yml"):
        names.update(inner(load(path)))

    assert {name for name in names if not name.startswith(f"__{role.name}")} <= FOR_OTHERS
