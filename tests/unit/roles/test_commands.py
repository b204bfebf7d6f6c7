"""What a task runs has the words that its author meant: Ansible strips the quotes of a line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.unit.roles.reading import PLAYBOOKS, ROLES, load, mappings

_EXPRESSION: Final = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_MODULES: Final = ("ansible.builtin.command", "ansible.builtin.shell")


def lines() -> Iterator[tuple[str, str]]:
    """Each command that is one line, and the name of its task."""
    for file in [*PLAYBOOKS, *(path for role in ROLES for path in sorted(role.rglob("*.yml")))]:
        for task in mappings(load(file)):
            for module in _MODULES:
                yield from ((f"{file.stem}: {task['name']}", line) for line in _line(task, module))


def _line(task: dict[str, Any], module: str) -> Iterator[str]:
    given = task.get(module)
    line = given.get("cmd") if isinstance(given, dict) else given
    if isinstance(line, str):
        yield line


def quotes(line: str) -> list[str]:
    """The quotes and backslashes outside of expressions, which do not reach the program."""
    return re.findall(r"""["'\\]""", _EXPRESSION.sub("", line))


@pytest.mark.parametrize(("task", "line"), sorted(lines()))
def test_a_command_in_one_line_has_no_quotes(task: str, line: str) -> None:
    assert quotes(line) == [], f"{task}: give the words as argv"


def test_the_search_finds_what_it_is_for() -> None:
    assert quotes('kubectl get --output jsonpath={[?(@.type=="Ready")]}')
    assert not quotes("kubeadm --ignore={{ names | join(',') }}")
