"""A role's template, rendered as Ansible does it, from the role's defaults and what is given."""

from __future__ import annotations

from typing import Any

import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from tests.unit.roles.reading import HERE


def trusted(value: Any) -> Any:
    """The same value, whose templates may be rendered."""
    if isinstance(value, dict):
        return {name: trusted(item) for name, item in value.items()}
    if isinstance(value, list):
        return [trusted(item) for item in value]
    return trust_as_template(value) if isinstance(value, str) else value


def render(role: str, template: str, **variables: Any) -> str:
    """The text that the role writes with these variables in place of its defaults."""
    source = (HERE / "roles" / role / "templates" / template).read_text()
    text = _templar(role, variables).template(trust_as_template(source), convert_data=False)
    assert isinstance(text, str)
    return text


def evaluate(role: str, value: Any, **variables: Any) -> Any:
    """What a value in the role's tasks is, with these variables in place of its defaults."""
    return _templar(role, variables).template(trusted(value))


def _templar(role: str, variables: dict[str, Any]) -> Templar:
    own: dict[str, Any] = {}
    for name in ("defaults", "vars"):
        file = HERE / "roles" / role / name / "main.yml"
        own |= yaml.safe_load(file.read_text()) if file.exists() else {}
    return Templar(loader=DataLoader(), variables=trusted(own | variables))
