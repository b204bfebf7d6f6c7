"""The inventories name machines, and variables that a role has."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.nfs.plugins.filter.inventory import inventory_faults

from tests.unit.roles.reading import GROUP_VARS, HERE, INVENTORIES, PLAYBOOKS, ROLES, load, options

BIN = Path(sys.executable).parent
# Ours, and no role's: the machine's second disk, which the filesystems of group_vars stand on.
OWN = {"export_disk"}


def ansible(program: str, *arguments: str | Path) -> str:
    """What the program wrote; fails with what it complained of."""
    done = subprocess.run(
        [BIN / program, *arguments],
        cwd=HERE,
        env={**os.environ, "ANSIBLE_CALLBACKS_ENABLED": ""},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stderr or done.stdout
    return done.stdout


def variables(tree: Any) -> Iterator[str]:
    """The names of the variables of all hosts and groups beneath."""
    if not isinstance(tree, dict):
        return
    for key, value in tree.items():
        if key == "vars":
            yield from value or {}
        elif key == "hosts":
            for of_host in (value or {}).values():
                yield from of_host or {}
        else:
            yield from variables(value)


def known() -> set[str]:
    return OWN.union(*(options(role) for role in ROLES))


def unknown(names: Iterator[str]) -> set[str]:
    return {name for name in names if not name.startswith("ansible_")} - known()


@pytest.mark.parametrize("path", INVENTORIES, ids=lambda path: path.stem)
def test_every_variable_of_an_inventory_belongs_to_a_role(path: Path) -> None:
    assert unknown(variables(load(path))) == set()


@pytest.mark.parametrize("path", GROUP_VARS, ids=lambda path: path.stem)
def test_every_variable_of_a_group_belongs_to_a_role(path: Path) -> None:
    assert unknown(iter(load(path))) == set()


@pytest.mark.parametrize("path", INVENTORIES, ids=lambda path: path.stem)
def test_every_playbook_is_understood_with_the_inventory(path: Path) -> None:
    said = ansible("ansible-playbook", "-i", path, "--syntax-check", *PLAYBOOKS)

    assert [book.name for book in PLAYBOOKS if f"playbook: {book}" not in said] == []


def groups(inventory: str) -> dict[str, set[str]]:
    said = json.loads(ansible("ansible-inventory", "-i", HERE / "inventory" / inventory, "--list"))
    return {name: set(of.get("hosts", [])) for name, of in said.items() if name != "_meta"}


def faults(inventory: Path) -> list[str]:
    """What the playbooks say of an inventory before they ask a machine."""
    said = json.loads(ansible("ansible-inventory", "-i", inventory, "--list"))
    machines = said.pop("_meta")["hostvars"]
    members = {name: hosts(said, name) for name in said}
    return inventory_faults(members, {name: machines.get(name, {}) for name in members["all"]})


def hosts(said: dict[str, Any], group: str) -> list[str]:
    of = said.get(group, {})
    beneath = [name for child in of.get("children", []) for name in hosts(said, child)]
    return [*of.get("hosts", []), *beneath]


def test_an_inventory_of_one_machine_is_accepted() -> None:
    single = HERE / "inventory/single-machine.yml"
    machines = json.loads(ansible("ansible-inventory", "-i", single, "--list"))["_meta"]["hostvars"]

    assert faults(single) == []
    assert [of["kubernetes_node_takes_pods"] for of in machines.values()] == [True]


def test_the_inventory_in_ini_of_the_documents_is_accepted(tmp_path: Path) -> None:
    written = (HERE / "docs/install.md").read_text()
    blocks = re.findall(r"^```ini\n(.*?)^```", written, re.MULTILINE | re.DOTALL)
    (text,) = [block for block in blocks if "[kubernetes:children]" in block]
    (tmp_path / "hosts.ini").write_text(text)

    assert faults(tmp_path / "hosts.ini") == []
    assert unknown(iter(re.findall(r"\b(\w+)=", text))) == set()
