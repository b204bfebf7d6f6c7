"""Tasks on the controller run as who runs Ansible, whatever the inventory says of root."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.unit.roles.reading import HERE, PLAYBOOKS, ROLES, load, mappings

TASKS = [
    task
    for path in [*PLAYBOOKS, *(file for role in ROLES for file in role.glob("tasks/*.yml"))]
    for task in mappings(load(path))
    if task.get("delegate_to") == "localhost"
]
IS_ROOT: dict[str, Any] = {
    "all": {"hosts": {"a": {}}, "vars": {"ansible_become": True, "ansible_user": "x"}}
}


@pytest.mark.parametrize("task", TASKS, ids=[task["name"] for task in TASKS])
def test_a_task_on_the_controller_needs_no_sudo(task: dict[str, Any], tmp_path: Path) -> None:
    """The controller, too, has the variables of all, which come before the keyword `become`."""
    keywords: dict[str, object] = {
        key: task[key] for key in ("delegate_to", "become", "vars") if key in task
    }
    looks: dict[str, object] = {
        "name": "Ask who it is",
        "ansible.builtin.command": "id -un",
        **keywords,
    }
    play = {"hosts": "a", "gather_facts": False, "become": True, "tasks": [looks]}
    (tmp_path / "hosts.json").write_text(json.dumps(IS_ROOT))
    (tmp_path / "play.yml").write_text(json.dumps([play]))
    sudo = tmp_path / "sudo"
    sudo.write_text("#!/bin/sh\nexit 1\n")
    sudo.chmod(0o755)

    done = subprocess.run(
        [
            Path(sys.executable).with_name("ansible-playbook"),
            *("-i", tmp_path / "hosts.json", tmp_path / "play.yml"),
            *("-e", "ansible_become_user=nobody"),
        ],
        cwd=HERE,
        env={
            **os.environ,
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
            "ANSIBLE_REMOTE_TEMP": str(tmp_path / "tmp"),
        },
        capture_output=True,
        text=True,
        timeout=55,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_there_are_such_tasks() -> None:
    assert len(TASKS) >= 3
