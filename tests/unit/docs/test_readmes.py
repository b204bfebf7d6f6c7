"""The READMEs of the roles are current, and their examples are allowed."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from testbed import readmes

each_role = pytest.mark.parametrize("role", readmes.ROLES, ids=lambda role: role.name)


@each_role
def test_the_readme_is_what_the_role_says_of_itself(role: Path) -> None:
    path = role / "README.md"

    assert path.read_text(encoding="utf-8") == readmes.readme(role), "run `make docs`"


@each_role
def test_the_variables_of_the_example_are_allowed_values_of_the_roles(role: Path) -> None:
    text = (role / "meta/argument_specs.yml").read_text(encoding="utf-8")
    options = yaml.safe_load(text)["argument_specs"]["main"]["options"]
    given = dict(readmes.EXAMPLES[role.name].variables)

    result = ArgumentSpecValidator({name: options[name] for name in given}).validate(given)

    assert result.error_messages == []


@pytest.mark.parametrize(
    ("role", "before"),
    [
        ("kubernetes_node", ["container_runtime"]),
        ("control_plane", ["container_runtime", "kubernetes_node"]),
        ("worker", ["container_runtime", "kubernetes_node"]),
    ],
)
def test_the_example_has_the_roles_that_come_before(role: str, before: list[str]) -> None:
    text = readmes.readme(readmes.COLLECTION / "roles" / role).rpartition("```yaml\n")[2]
    (play,) = yaml.safe_load(text.removesuffix("```\n"))

    names = [one["role"].removeprefix("holdfast.nfs.") for one in play["roles"]]
    assert names == [*before, role]


@pytest.mark.parametrize(
    ("role", "option", "entries"),
    [
        ("kubernetes_node", "kubernetes_node_leaving", "`drain`, `delete`"),
        ("etcd_snapshots", "etcd_snapshots_restore", "`restore`"),
    ],
)
def test_what_one_entry_point_requires_is_said_to_be_its(
    role: str, option: str, entries: str
) -> None:
    rows = readmes.readme(readmes.COLLECTION / "roles" / role).splitlines()
    (row,) = [row for row in rows if row.startswith(f"| `{option}` ")]

    assert f"| required by {entries} |" in row


def test_every_role_has_an_example_and_nothing_else_has() -> None:
    assert set(readmes.EXAMPLES) == {role.name for role in readmes.ROLES}


def test_ansibles_markup_becomes_markdowns(tmp_path: Path) -> None:
    role = tmp_path / "verify"
    for folder in ("meta", "defaults"):
        (role / folder).mkdir(parents=True)
    info = {"description": "Tries", "platforms": [], "min_ansible_version": "2.19"}
    about = {"galaxy_info": info, "dependencies": []}
    option = {"type": "str", "description": ["As O(verify_b), see exports(5).", "Or V(x|y)."]}
    said = {"short_description": "Try", "description": "With C(sh)."}
    main = {**said, "options": {"verify_a": option}}
    (role / "meta/main.yml").write_text(yaml.safe_dump(about))
    (role / "meta/argument_specs.yml").write_text(
        yaml.safe_dump({"argument_specs": {"main": main}})
    )
    (role / "defaults/main.yml").write_text("{}")

    text = readmes.readme(role)

    assert "Tries. With `sh`.\n" in text
    assert r"| `verify_a` | str |  | As `verify_b`, see exports(5). Or `x\|y`. |" in text
