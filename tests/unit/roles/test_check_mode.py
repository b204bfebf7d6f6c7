"""Every module that can change a machine is tried in check mode by some test."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.roles.reading import HERE

MODULES = sorted((HERE / "plugins/modules").glob("*.py"))
TESTS = sorted((HERE / "tests/unit/roles").rglob("test_*.py"))
FOLDER = "ansible_collections.holdfast.nfs.plugins.modules"


def parse(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(path.read_text())))


def results(nodes: list[ast.AST]) -> Iterator[ast.expr]:
    """The values of each `changed=…` and `"changed": …`."""
    for node in nodes:
        if isinstance(node, ast.keyword) and node.arg == "changed":
            yield node.value
        if isinstance(node, ast.Dict):
            names = [key.value if isinstance(key, ast.Constant) else None for key in node.keys]
            yield from (
                value for name, value in zip(names, node.values, strict=True) if name == "changed"
            )


def changes(module: Path) -> bool:
    """Whether it does something else in check mode, or may say that something was changed."""
    nodes = parse(module)
    asks = any(isinstance(node, ast.Attribute) and node.attr == "check_mode" for node in nodes)
    return asks or any(ast.unparse(value) != "False" for value in results(nodes))


def imported(nodes: list[ast.AST]) -> set[str]:
    """The modules that a test imports."""
    found = [node for node in nodes if isinstance(node, ast.ImportFrom) and node.module]
    whole = {name.name for node in found if node.module == FOLDER for name in node.names}
    parts = {str(node.module).removeprefix(f"{FOLDER}.") for node in found}
    return whole | parts


def checks(nodes: list[ast.AST]) -> bool:
    """Whether a test runs something in check mode; `subprocess.run` has another `check`."""
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    return any(
        word.arg == "check" and isinstance(word.value, ast.Constant) and word.value.value is True
        for call in calls
        if ast.unparse(call.func) != "subprocess.run"
        for word in call.keywords
    )


CHANGING = [module for module in MODULES if changes(module)]


@pytest.fixture(scope="module")
def checked() -> set[str]:
    tests = [parse(path) for path in TESTS]
    return {name for nodes in tests if checks(nodes) for name in imported(nodes)}


@pytest.mark.parametrize("module", CHANGING, ids=lambda path: path.stem)
def test_a_module_that_changes_something_is_tried_in_check_mode(
    module: Path, checked: set[str]
) -> None:
    assert module.stem in checked, f"call its main() with check=True, in a test of {module.stem}"


def test_those_that_only_look_are_told_apart() -> None:
    looking = {module.stem for module in MODULES} - {module.stem for module in CHANGING}

    assert "nfs_exports" not in looking
    assert {"nfs_server_state", "machine_health", "nfs_mounts"} <= looking
