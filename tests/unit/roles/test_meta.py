"""Every role says of itself what a reader, and Ansible Galaxy, want to know."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.roles.reading import ROLES, load

DEBIAN = {"name": "Debian", "versions": ["bookworm", "trixie"]}


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_a_role_says_whose_it_is_and_where_it_runs(role: Path) -> None:
    meta = load(role / "meta/main.yml")["galaxy_info"]

    assert meta["author"] == "Holdfast"
    assert meta["license"] == "Apache-2.0"
    assert meta["min_ansible_version"] == "2.19"
    assert meta["description"]
    assert DEBIAN in meta["platforms"]


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_no_role_runs_before_the_checks_of_another(role: Path) -> None:
    """Ansible runs a role's dependencies before each of its entry points, preflight too."""
    assert load(role / "meta/main.yml")["dependencies"] == []
