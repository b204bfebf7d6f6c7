"""site.yml imports the preflight checks for each of its parts; the later says what is true then."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.roles.reading import HERE, load
from tests.unit.roles.stubs import Stubbed, write

LOCAL = {"ansible_connection": "local"}
HOSTS = {
    "nfs_servers": {"hosts": {"nfs": LOCAL}},
    "kubernetes": {
        "children": {
            "control_plane": {"hosts": {"control": LOCAL}},
            "workers": {"hosts": {"worker1": LOCAL}},
        }
    },
}
PASS = {"ansible.builtin.set_fact": {"__preflight_passed": True}}
FAIL = {
    "ansible.builtin.fail": {"msg": "apt failed"},
    "when": "inventory_hostname == 'control'",
}


def tasks(task: dict[str, Any]) -> dict[str, Any]:
    return {"hosts": "all", "gather_facts": False, "tasks": [task]}


@pytest.fixture
def said(tmp_path: Path) -> str:
    """What a run says in which the control plane fails in the storage play."""
    *_, checked = load(HERE / "playbooks/preflight.yml")
    plays = [tasks(PASS), checked, tasks(FAIL), checked]
    book = write(tmp_path / "site.yml", yaml.safe_dump(plays))
    return " ".join(Stubbed(tmp_path).play(book, HOSTS).stdout.split())


def test_a_failure_after_the_checks_is_told_as_one(said: str) -> None:
    assert "apt failed" in said
    assert "control failed in an earlier part of this run" in said
    assert "Nothing was changed" not in said
    assert "control cannot be reached" not in said
