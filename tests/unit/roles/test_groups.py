"""Groups are the inventory's and the playbooks' affair; a role knows machines by its variables."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import pytest

from tests.unit.roles.reading import HERE, PLAYBOOKS, ROLES, load, mappings

# As Ansible's variables; the word may stand in a description.
_VARIABLE: Final = re.compile(r"\bgroups\s*[\[.|]\s*[\'\"a-z]|\bgroup_names\b")
_TASKS: Final = ("roles", "pre_tasks", "tasks", "post_tasks")
# The roles that run something on the control plane.
_OF_CLUSTER: Final = {"kubernetes_node", "worker", "pod_network"}


def uses(text: str) -> list[str]:
    return [line for line in text.splitlines() if _VARIABLE.search(line)]


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_a_role_names_no_group_of_the_inventory(role: Path) -> None:
    files = [path for path in role.rglob("*") if path.suffix in {".yml", ".j2", ".md"}]
    found = {str(path.relative_to(HERE)): uses(path.read_text(encoding="utf-8")) for path in files}

    assert {path: lines for path, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    "text",
    [
        "x: \"{{ groups['control_plane'] | first }}\"",
        "x: {{ groups.workers }}",
        "x: {{ groups | dict2items }}",
        "when: \"'workers' in group_names\"",
    ],
)
def test_the_search_finds_what_it_is_for(text: str) -> None:
    assert uses(text)


def test_a_word_of_a_description_is_no_variable() -> None:
    assert not uses("description: Whether the server looks up a user's groups itself. Pods")


def plays() -> list[Any]:
    """Each play of the playbooks, with the file that it is in."""
    return [
        pytest.param(play, id=f"{path.stem}: {play['name']}")
        for path in PLAYBOOKS
        for play in load(path)
        if "hosts" in play
    ]


def roles_of(play: dict[str, Any]) -> set[str]:
    names = {
        node.get("role") or node.get("name")
        for part in _TASKS
        for node in mappings(play.get(part, []))
    }
    return {str(name).removeprefix("holdfast.nfs.") for name in names if name}


@pytest.mark.parametrize("play", plays())
def test_a_play_tells_its_roles_which_machine_is_the_control_plane(play: dict[str, Any]) -> None:
    told = "holdfast_control_plane" in play.get("vars", {})

    assert told or not roles_of(play) & _OF_CLUSTER


def test_the_playbook_tells_the_provisioner_which_machine_is_the_nfs_server() -> None:
    *_, play = load(HERE / "playbooks/provisioner.yml")

    assert "groups['nfs_servers'][0]" in play["vars"]["holdfast_nfs_server"]
