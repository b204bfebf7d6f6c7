"""With --limit a playbook refuses what it could not do rightly, and does not end as if it had."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.nfs.plugins.filter.inventory import limit_fault

from tests.unit.roles.reading import HERE, load
from tests.unit.roles.test_given_as_strings import evaluated

GROUPS = {"nfs_servers": ["storage"], "kubernetes": ["control", "worker1", "worker2"]}
# Of TEST-NET-1: nobody answers.
HOSTS = {
    name: {"ansible_host": f"192.0.2.{number}"}
    for number, name in enumerate(("storage", "control", "worker1", "worker2", "stray"), start=1)
}
INVENTORY = {
    "nfs_servers": {"hosts": {"storage": {}}},
    "kubernetes": {
        "children": {
            "control_plane": {"hosts": {"control": {}}},
            "workers": {"hosts": {"worker1": {}, "worker2": {}}},
        }
    },
    "others": {"hosts": {"stray": {}}},
    "all": {"hosts": HOSTS, "vars": {"ansible_ssh_common_args": "-oConnectTimeout=1"}},
}


def playbook(name: str) -> Path:
    return HERE / f"playbooks/{name}.yml"


def refusal(folder: Path, name: str, *arguments: str, **groups: Any) -> str:
    """What a playbook says that fails; on no machine anything could be done."""
    (folder / "hosts.json").write_text(json.dumps(INVENTORY | groups))
    done = subprocess.run(
        [
            Path(sys.executable).with_name("ansible-playbook"),
            *("-i", folder / "hosts.json", playbook(name)),
            *arguments,
        ],
        cwd=HERE,
        env={**os.environ, "ANSIBLE_TIMEOUT": "1", "COLUMNS": "1000"},
        capture_output=True,
        text=True,
        timeout=55,
        check=False,
    )
    assert done.returncode == 2, done.stdout + done.stderr
    return " ".join(done.stdout.split())


def fault(names: list[str], groups: dict[str, list[str]], **machines: dict[str, Any]) -> str:
    variables: dict[str, dict[str, Any]] = defaultdict(dict, machines)
    return limit_fault(names, groups, variables, ["nfs_servers", "kubernetes"])


def test_a_second_control_plane_is_refused_also_with_a_limit(tmp_path: Path) -> None:
    """kubeadm init would make it a cluster of its own."""
    machines: dict[str, Any] = {
        "children": {"control_plane": {"hosts": {"control": {}, "control2": {}}}}
    }

    said = refusal(tmp_path, "add_node", "--limit", "control2", kubernetes=machines)

    assert "The group control_plane has 2 machines (control, control2)" in said


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("add_node", ["--limit", "stray"]),
        ("site", ["--limit", "stray"]),
        ("reset", ["--limit", "stray", "-e", "reset_confirm=control"]),
        ("restore_etcd", ["--limit", "worker1", "-e", "restore_snapshot=/x"]),
        ("upgrade", ["--limit", "stray"]),
        ("provisioner", ["--limit", "stray"]),
        ("verify", ["--limit", "worker1"]),
        ("workloads", ["--limit", "worker1"]),
        ("check", ["--limit", "stray"]),
    ],
)
def test_a_run_that_would_do_nothing_does_not_end_well(
    tmp_path: Path, name: str, arguments: list[str]
) -> None:
    said = refusal(tmp_path, name, *arguments)

    assert f"the machines of this run ({arguments[1]}) are in none of the groups" in said


def test_a_node_that_was_not_drained_is_not_reset(tmp_path: Path) -> None:
    said = refusal(tmp_path, "remove_node", "-e", "remove_node=worker2", "--limit", "worker2")

    assert "worker2 is left as it is, because the first play did not run" in said
    assert "a --limit without its machines" in said


def test_a_machine_that_could_not_be_reset_is_not_deleted(tmp_path: Path) -> None:
    said = refusal(tmp_path, "remove_node", "-e", "remove_node=worker2", "--limit", "control")

    assert "--limit control may leave out one of them" in said


def test_no_play_of_the_reset_has_a_machine_that_confirmed_nothing() -> None:
    plays = load(playbook("reset"))

    assert next(play for play in plays if play["name"] == "Confirm")["hosts"] == "all"


def test_a_limit_may_name_some_of_the_machines() -> None:
    assert fault(["worker2"], GROUPS) == ""
    assert fault(["stray", "storage"], GROUPS) == ""


def test_a_group_without_machines_is_no_fault_of_the_limit() -> None:
    assert fault(["own"], {"nfs_servers": [], "kubernetes_api": ["own"]}) == ""


def test_an_inventory_with_other_groups_is_refused_by_what_only_looks_as_well() -> None:
    assert "in any of the groups nfs_servers, kubernetes," in fault(["a"], {"k8s": ["a"]})


def test_a_part_of_a_run_that_did_something_may_have_nothing_to_do() -> None:
    assert fault(["stray"], GROUPS) != ""
    assert fault(["stray"], GROUPS, stray={"__preflight_complete": True}) == ""


@pytest.mark.parametrize(
    ("machine", "is_control_plane", "passes"),
    [("control", False, True), ("control2", False, False), ("control2", True, True)],
)
def test_the_role_initialises_no_other_machine_than_the_control_plane(
    machine: str,
    is_control_plane: bool,  # noqa: FBT001 - a case of the table
    passes: bool,  # noqa: FBT001
) -> None:
    tasks = load(HERE / "roles/control_plane/tasks/preflight.yml")
    (task,) = [one for one in tasks if "another machine" in one["name"]]
    now = {"state": {"control_plane": is_control_plane}}

    found = evaluated(
        f"{{{{ {task['ansible.builtin.assert']['that']} }}}}",
        inventory_hostname=machine,
        kubernetes_node_control_plane="control",
        kubernetes_node_now=now,
    )

    assert found is passes
