"""A variable that a message names is one that a role has."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.unit.roles.reading import HERE, PLAYBOOKS, ROLES, options

VARIABLES: Final = {name for role in ROLES for name in options(role)}
_WORD: Final = re.compile(rf"(?<![\w/.])(?:{'|'.join(role.name for role in ROLES)})_\w+(?![\w/])")
# What else begins with the name of a role: modules, filters, and what a role leaves for others.
_OTHERS: Final = {
    *(path.stem for kind in ("modules", "filter") for path in HERE.glob(f"plugins/{kind}/*")),
    "kubernetes_node_now",
}


def unknown(text: str) -> list[str]:
    """The words that look like variables of a role and are none; a prefix ends with _."""
    words = [word for word in _WORD.findall(text) if not word.endswith("_")]
    return sorted({word for word in words if word not in VARIABLES | _OTHERS})


def strings(path: Path) -> Iterator[str]:
    """All texts of a plugin: messages, and what documents it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


PLUGINS: Final = sorted((HERE / "plugins").rglob("*.py"))
FILES: Final = [
    *PLAYBOOKS,
    *(path for role in ROLES for path in sorted(role.rglob("*.yml"))),
    *sorted((HERE / "docs").glob("*.md")),
]


@pytest.mark.parametrize("path", PLUGINS, ids=lambda path: str(path.relative_to(HERE)))
def test_every_variable_that_a_plugin_names_exists(path: Path) -> None:
    assert unknown("\n".join(strings(path))) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(HERE)))
def test_every_variable_that_a_role_a_playbook_or_a_document_names_exists(path: Path) -> None:
    assert unknown(path.read_text(encoding="utf-8")) == []


def test_the_search_finds_what_it_is_for() -> None:
    assert unknown("set control_plane_single_node.") == ["control_plane_single_node"]
    assert unknown("set nfs_server_exports, __nfs_server_v3 or /x/nfs_server_x") == []
