"""A task is named as somebody who knows Ansible, Kubernetes and NFS would look for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.unit.roles.reading import HERE, PLAYBOOKS, ROLES, load

MODULES: Final = sorted((HERE / "plugins/modules").glob("*.py"))
# The field has a verb for each: get, check, create, install, report, start and enable, drain.
_VERBS: Final = re.compile(
    r"^(Ask|End|Have|Keep|Lead|Leave|Let|Look|Make|Move|Name|Note|Put|Say|See|Take|Tell)\b"
)
_CLAUSES: Final = re.compile(r"\b(where (it|the|no)|, now and|without which|with which|anew)\b")
_LONGEST: Final = 80
_PARTS: Final = ("block", "rescue", "always", "tasks", "pre_tasks", "post_tasks", "handlers")


def names(tasks: Any) -> Iterator[str]:
    """The names of tasks, of the blocks around them, and of plays."""
    for task in tasks:
        if task.get("name"):
            yield task["name"]
        for part in _PARTS:
            yield from names(task.get(part, []))


def all_names() -> set[str]:
    files = [*PLAYBOOKS, *(path for role in ROLES for path in role.glob("tasks/*.yml"))]
    return {name for path in files for name in names(load(path))}


def examples(module: Path) -> set[str]:
    """The names of the tasks that a module has as its examples."""
    found = re.search(
        r'^EXAMPLES = r?"""(.*?)"""', module.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    return set(names(yaml.safe_load(found[1]) or [])) if found else set()


@pytest.mark.parametrize("name", sorted(all_names()))
def test_a_task_is_named_by_a_verb_of_the_field_and_its_object(name: str) -> None:
    assert not _VERBS.search(name)
    assert not _CLAUSES.search(name)
    assert len(name) <= _LONGEST


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_so_are_the_examples_of_the_modules(module: Path) -> None:
    found = examples(module)

    assert found
    assert [name for name in found if _VERBS.search(name) or _CLAUSES.search(name)] == []


@pytest.mark.parametrize(
    "name",
    [
        "Drain the node",
        "Uncordon the node",
        "Initialise the control plane",
        "Install the administrator's kubeconfig",
        "Enable IP forwarding and bridge netfilter",
        "Mask or enable rpcbind and rpc.statd",
        "Set the NFSv4 ID mapping domain",
        "Reset the control plane that this run failed to initialise",
    ],
)
def test_what_somebody_greps_for_is_there(name: str) -> None:
    assert name in all_names()
