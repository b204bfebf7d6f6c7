"""Without control_plane_hosts_entry the line goes, and each machine has to know the name itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.holdfast.nfs.plugins.module_utils.kubernetes_node.machine import HOSTS_MARK

from tests.unit.roles.kubernetes_node.upgrading import program
from tests.unit.roles.reading import HERE, load
from tests.unit.roles.rendering import evaluate
from tests.unit.roles.stubs import Stubbed, write

ADD = "Add the control plane endpoint to /etc/hosts"
REMOVE = "Remove the control plane endpoint from /etc/hosts"
LINE = "192.0.2.11 api.example.com"
STATE = {"node": True, "control_plane": True, "authority": "a", "hosts_entry": LINE}


def runs(role: str, task: str, **variables: Any) -> bool:
    """Whether the role's task is run with these variables."""
    (found,) = [one for one in load(HERE / f"roles/{role}/tasks/main.yml") if one["name"] == task]
    given = found["when"] if isinstance(found["when"], list) else [found["when"]]
    return all(evaluate(role, f"{{{{ {one} }}}}", **variables) for one in given)


def state(line: str) -> dict[str, Any]:
    return {"state": {"hosts_entry": line}}


@pytest.mark.parametrize(
    ("wanted", "line", "added", "removed"),
    [
        (True, "", True, False),
        (True, LINE, True, False),
        ("false", LINE, False, True),
        (False, "", False, False),
    ],
)
def test_the_control_plane_has_a_line_where_it_is_wanted(
    wanted: object, line: str, *, added: bool, removed: bool
) -> None:
    given = {"control_plane_hosts_entry": wanted, "kubernetes_node_now": state(line)}

    assert runs("control_plane", ADD, **given) is added
    assert runs("control_plane", REMOVE, **given) is removed


@pytest.mark.parametrize(
    ("wanted", "of_control_plane", "own", "added", "removed"),
    [
        (True, LINE, "", True, False),
        (True, "", LINE, False, False),  # somebody removed it there by hand
        ("false", "", LINE, False, True),
        (False, LINE, LINE, False, False),  # the control plane comes first
        (False, LINE, "", False, False),
        (False, "", "", False, False),
    ],
)
def test_a_worker_follows_the_control_plane(
    wanted: object, of_control_plane: str, own: str, *, added: bool, removed: bool
) -> None:
    given = {
        "__worker_settings": {"control_plane_hosts_entry": wanted},
        "__worker_cluster": state(of_control_plane)["state"],
        "kubernetes_node_now": state(own),
    }

    assert runs("worker", ADD, **given) is added
    assert runs("worker", REMOVE, **given) is removed


def played(
    folder: Path, role: str, entry: str, hosts: dict[str, Any], **variables: Any
) -> tuple[int, str]:
    include = {"name": f"holdfast.nfs.{role}", "tasks_from": entry}
    task = {"name": "Play", "ansible.builtin.include_role": include}
    book = [{"hosts": "all:!control", "gather_facts": False, "tasks": [task]}]
    site = Stubbed(folder)
    site.module("kubernetes_state", state=STATE | {"hosts_entry": ""})
    local = {"ansible_connection": "local"}
    inventory = {"all": {"hosts": {name: local | own for name, own in hosts.items()}}}
    done = site.play(write(folder / "site.yml", yaml.safe_dump(book)), inventory, **variables)
    return done.returncode, " ".join(done.stdout.split())


def test_the_line_goes_and_those_of_others_stay(tmp_path: Path) -> None:
    others = "127.0.0.1 localhost\n192.0.2.11 api.example.com\n"
    hosts = write(tmp_path / "hosts", f"{others}{LINE} {HOSTS_MARK}\n")
    now = {"state": STATE | {"hosts_files": [str(hosts)]}}

    code, said = played(
        tmp_path, "kubernetes_node", "endpoint_absent", {"worker1": {"kubernetes_node_now": now}}
    )

    assert (code, hosts.read_text()) == (0, others), said


@pytest.mark.parametrize(("code", "refused"), [(0, False), (2, True)])
def test_a_worker_that_does_not_know_the_name_is_refused_before_any_change(
    tmp_path: Path,
    code: int,
    refused: bool,  # noqa: FBT001 - a case of the table
) -> None:
    """It would lose the API server with the line."""
    for name in ("getent", "resolvectl"):
        program(tmp_path / "bin" / name, f"#!/bin/sh\nexit {code}\n")
    now = {"kubernetes_node_now": {"state": STATE}}
    control = {"control_plane_hosts_entry": False, "control_plane_endpoint": "api.example.com"}
    hosts = {"control": control | now, "worker1": now}

    ended, said = played(tmp_path, "worker", "preflight", hosts, worker_control_plane="control")

    told = 'control_plane_endpoint is "api.example.com" on worker1, which has no address there'
    assert (told in said.replace("\\", "")) is refused
    assert bool(ended) is refused
