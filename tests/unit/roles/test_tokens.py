"""A token with which a machine may join is in no output, no log, and no list of processes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.holdfast.nfs.plugins.filter.kubernetes_node import kubeadm_errors

from tests.unit.roles.reading import PLAYBOOKS, ROLES, load, mappings

TOKEN = "abcdef.0123456789abcdef"
COMMAND = "ansible.builtin.command"


def tasks() -> Iterator[dict[str, Any]]:
    """All of roles and playbooks."""
    files = [*PLAYBOOKS, *(path for role in ROLES for path in sorted(role.glob("tasks/*.yml")))]
    for path in files:
        yield from (node for node in mappings(load(path)) if COMMAND in node)


def words(task: dict[str, Any]) -> str:
    """The command line alone, without what is given on stdin."""
    given = task[COMMAND]
    if isinstance(given, str):
        return given
    return str(given.get("cmd") or " ".join(map(str, given.get("argv", []))))


def kubeadm(*verbs: str) -> list[dict[str, Any]]:
    pattern = re.compile(rf"\bkubeadm (?:{'|'.join(verbs)})\b")
    return [task for task in tasks() if pattern.search(words(task))]


def with_token() -> list[dict[str, Any]]:
    """Tasks that are told one, or that tell one."""
    told = [task for task in tasks() if "__worker_configuration" in json.dumps(task)]
    return [
        *(task for task in kubeadm("init") if "preflight" not in words(task).split("--")[0]),
        *kubeadm("token"),
        *told,
    ]


@pytest.mark.parametrize("task", with_token(), ids=lambda task: task["name"])
def test_a_task_with_a_token_logs_nothing(task: dict[str, Any]) -> None:
    """Seen: what `kubeadm init` told, its token too, was in the registered output."""
    assert task.get("no_log") is True


@pytest.mark.parametrize("task", with_token(), ids=lambda task: task["name"])
def test_why_a_task_with_a_token_failed_is_told_by_another(task: dict[str, Any]) -> None:
    """Seen: no token was made, and the reason was "the output has been hidden"."""
    told = f"{task['register']} | holdfast.nfs.kubeadm_errors"
    files = (path.read_text() for role in ROLES for path in role.glob("tasks/*.yml"))

    assert task.get("failed_when") is False
    assert any(told in text for text in files)


@pytest.mark.parametrize("task", with_token(), ids=lambda task: task["name"])
def test_no_command_line_has_a_token(task: dict[str, Any]) -> None:
    """Every user of the machine sees those, as /proc does."""
    assert not re.search("--token |configuration|discovery", words(task))


def test_the_search_finds_them() -> None:
    names = {task["name"] for task in with_token()}

    assert {
        "Initialise the control plane",
        "Create a bootstrap token that expires in 15 minutes",
    } <= names
    assert {"Join the cluster", "Run kubeadm init again"} <= names


def test_an_initialisation_does_not_print_the_token_that_it_makes() -> None:
    begun = [task for task in kubeadm("init") if "phase" not in words(task).split("--")[0].split()]

    assert begun
    assert [task["name"] for task in begun if "--skip-token-print" not in words(task)] == []


@pytest.mark.parametrize(
    "said",
    [
        f'error: bootstrapToken: Invalid value: "{TOKEN}": the bootstrap token is invalid',
        f"something went wrong with {TOKEN}",
    ],
    ids=["a complaint", "last words"],
)
def test_what_is_told_of_a_failure_of_kubeadm_has_no_token(said: str) -> None:
    told = kubeadm_errors({"stderr": said, "msg": "failed"})

    assert TOKEN not in told
    assert "abcdef.(secret)" in told


def test_a_name_with_a_dot_is_no_token() -> None:
    said = "error: control1.mysixteenletters1.example.com does not answer"

    assert kubeadm_errors({"stderr": said}) == said
