"""What a role's specification says of its variables is what the role does with them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from tests.unit.roles.reading import (
    PLAYBOOKS,
    ROLES,
    Options,
    defaults,
    load,
    mappings,
    options,
    specifications,
)

each_role = pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)


def is_template(value: Any) -> bool:
    if isinstance(value, dict):
        return any(is_template(item) for item in value.values())
    if isinstance(value, list):
        return any(is_template(item) for item in value)
    return isinstance(value, str) and "{{" in value


def nested(found: Options, above: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for name, option in found.items():
        yield above + name, option
        yield from nested(option.get("options", {}), f"{above}{name}.")


def unsayable(role: Path) -> set[str]:
    """The options with a template for a number or a dictionary: no default for a documentation."""
    typed = {name for name, option in options(role).items() if option["type"] in {"int", "dict"}}
    return {name for name, value in defaults(role).items() if name in typed and is_template(value)}


@each_role
def test_each_default_is_the_one_that_the_specification_names(role: Path) -> None:
    specified = {
        name: option["default"] for name, option in options(role).items() if "default" in option
    }
    sayable = {name: value for name, value in defaults(role).items() if name not in unsayable(role)}

    assert sayable == specified


@each_role
def test_an_option_either_has_a_default_or_must_be_given(role: Path) -> None:
    neither = [
        name
        for name, option in options(role).items()
        if ("default" in option or name in unsayable(role)) == bool(option.get("required"))
    ]

    assert neither == []


@each_role
def test_every_option_is_described_and_typed(role: Path) -> None:
    bare = [
        name
        for name, option in nested(options(role))
        if not option.get("description") or "type" not in option
    ]

    assert bare == []


@each_role
def test_the_defaults_are_allowed_values(role: Path) -> None:
    plain = {name: value for name, value in defaults(role).items() if not is_template(value)}
    allowed = {name: option for name, option in options(role).items() if name in plain}

    result = ArgumentSpecValidator(allowed).validate(plain)

    assert result.error_messages == []


@each_role
def test_every_option_carries_the_name_of_its_role(role: Path) -> None:
    assert [name for name in options(role) if not name.startswith(f"{role.name}_")] == []


def entry_points_in_use() -> Iterator[tuple[str, str]]:
    """Role and file of tasks, wherever a playbook or a role includes another's."""
    files = [*PLAYBOOKS, *(file for role in ROLES for file in role.glob("*/*.yml"))]
    for node in (node for file in files for node in mappings(load(file))):
        if "tasks_from" in node:
            yield node.get("name") or node["role"], Path(node["tasks_from"]).stem


@each_role
def test_every_entry_point_in_use_has_a_specification(role: Path) -> None:
    """Ansible checks no value where it finds none."""
    used = {entry for name, entry in entry_points_in_use() if name == role.name}

    assert {"main", *used} - set(specifications(role)) == set()


@each_role
def test_every_specification_is_one_of_a_file_of_tasks(role: Path) -> None:
    files = {path.stem for path in (role / "tasks").glob("*.yml")}

    assert set(specifications(role)) - files == set()


@each_role
def test_every_specification_says_what_the_entry_point_does(role: Path) -> None:
    found = specifications(role)

    assert [name for name, of in found.items() if not of.get("short_description")] == []
    assert [name for name, of in found.items() if not of.get("description")] == []
