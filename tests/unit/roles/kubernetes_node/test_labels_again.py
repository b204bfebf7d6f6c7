"""Labels and taints are set where others change the node at the same time, as its kubelet does."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.unit.roles.reading import HERE, load

TASKS = HERE / "roles/kubernetes_node/tasks"
# The first patches are refused, as many as the file says.
KUBECTL = """#!/bin/sh
cd FOLDER
echo "$2 $3" >> calls
case "$*" in
*"get nodes"*) cat nodes ;;
*patch*)
  left=$(cat refusals)
  [ "$left" -gt 0 ] || exit 0
  echo $((left - 1)) > refusals
  echo 'Error from server (REASON): the object has been modified' >&2
  exit 1 ;;
esac
"""
NODE = {"metadata": {"name": "worker1", "resourceVersion": "7"}, "spec": {}}
VARIABLES = {
    "kubernetes_node_control_plane": "localhost",
    "kubernetes_node_name": "worker1",
    "__kubernetes_node_object": {"labels": {"disk": "ssd"}, "taints": [], "takes_pods": False},
    "ansible_python_interpreter": sys.executable,
}


def play() -> str:
    """The task that sets them, once the nodes are known."""
    task = load(TASKS / "labels.yml")[-1]
    task["ansible.builtin.include_tasks"] = str(TASKS / task["ansible.builtin.include_tasks"])
    own = load(HERE / "roles/kubernetes_node/vars/main.yml")
    nodes = {"__kubernetes_node_objects": {"stdout": json.dumps({"items": [NODE]})}}
    variables = {**own, **VARIABLES, **nodes}
    of_play = {"hosts": "localhost", "connection": "local", "gather_facts": False}
    return yaml.safe_dump([{**of_play, "vars": variables, "tasks": [task]}])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    program = tmp_path / "bin/kubectl"
    program.parent.mkdir()
    program.write_text(KUBECTL.replace("FOLDER", str(tmp_path)))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    (tmp_path / "nodes").write_text(json.dumps({"items": [NODE]}))
    (tmp_path / "play.yml").write_text(play())
    return tmp_path


def run(folder: Path, refusals: int, reason: str = "Conflict") -> subprocess.CompletedProcess[str]:
    program = folder / "bin/kubectl"
    program.write_text(program.read_text().replace("REASON", reason))
    (folder / "refusals").write_text(str(refusals))
    return subprocess.run(
        [
            Path(sys.executable).with_name("ansible-playbook"),
            *("-i", "localhost,", folder / "play.yml"),
        ],
        cwd=HERE,
        env={
            **os.environ,
            "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
            "ANSIBLE_REMOTE_TEMP": str(folder / "tmp"),
        },
        capture_output=True,
        text=True,
        timeout=55,
        check=False,
    )


def patches(folder: Path) -> int:
    return (folder / "calls").read_text().count("patch")


@pytest.mark.parametrize("refusals", [0, 2])
def test_a_patch_that_another_change_made_old_is_made_anew(folder: Path, refusals: int) -> None:
    """Seen: a kubelet reported between the question and the patch, and the run failed."""
    done = run(folder, refusals)

    assert done.returncode == 0, done.stdout
    assert patches(folder) == refusals + 1
    assert (folder / "calls").read_text().count("get") == refusals + 1


def test_a_patch_that_is_always_too_late_fails(folder: Path) -> None:
    assert run(folder, 99).returncode != 0
    assert patches(folder) == 5


def test_a_patch_that_is_refused_for_another_reason_is_not_repeated(folder: Path) -> None:
    assert run(folder, 99, "Forbidden").returncode != 0
    assert patches(folder) == 1
