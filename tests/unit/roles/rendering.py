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
    folder = HERE / "roles" / role
    files = (folder / "defaults/main.yml", folder / "vars/main.yml")
    own: dict[str, Any] = {}
    for file in files:
        own |= yaml.safe_load(file.read_text()) if file.exists() else {}
    templar = Templar(loader=DataLoader(), variables=trusted(own | variables))
    source = (folder / "templates" / template).read_text()
    text = templar.template(trust_as_template(source), convert_data=False)
    assert isinstance(text, str)
    return text
