"""Each Jinja expression of roles and playbooks, and the variables that it reads."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, nodes

from tests.unit.roles.reading import HERE, PLAYBOOKS, ROLES, load

# What Ansible takes for an expression without braces.
CONDITIONS: Final = ("when", "until", "changed_when", "failed_when", "that")
PARSER: Final = Environment()
PASSED_ON: Final = ("default", "d")


@dataclass(frozen=True, slots=True)
class Template:
    """A text with expressions, and where it stands."""

    file: Path
    text: str

    def __str__(self) -> str:
        return f"{self.file.relative_to(HERE)}: {self.text[:100]}"

    def parsed(self) -> nodes.Template:
        return PARSER.parse(self.text.replace("\\", "\\\\"))


def templates() -> Iterator[Template]:
    """All of roles and playbooks."""
    for file in [*PLAYBOOKS, *(path for role in ROLES for path in sorted(role.rglob("*.yml")))]:
        if file.parent.name != "meta":
            for text in _texts(load(file)):
                yield Template(file, text)
    for file in (path for role in ROLES for path in sorted(role.glob("templates/*"))):
        yield Template(file, file.read_text(encoding="utf-8"))


def _texts(tree: Any, *, condition: bool = False) -> Iterator[str]:
    """The templates of a document; conditions with the braces that they do without."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from _texts(value, condition=key in CONDITIONS)
    elif isinstance(tree, list):
        for value in tree:
            yield from _texts(value, condition=condition)
    elif isinstance(tree, str) and (condition or "{{" in tree or "{%" in tree):
        yield f"{{{{ {tree} }}}}" if condition else tree


def read(template: nodes.Node) -> set[str]:
    """The names of the variables that it reads."""
    return {name.name for name in template.find_all(nodes.Name) if name.ctx == "load"}


def reached(template: Template, own: Mapping[str, Any]) -> set[str]:
    """The variables that it reads, by way of private ones of the roles, too.

    Args:
        own: the roles' variables
    """
    names, left = set[str](), read(template.parsed())
    while left:
        names |= left
        through = [own[name] for name in left if name.startswith("__") and name in own]
        left = {word for value in through for word in re.findall(r"\w+", json.dumps(value))} - names
    return names


def bare(node: nodes.Node, names: dict[str, str], filters: tuple[str, ...] = ()) -> Iterator[str]:
    """The variables of these that are used without the filter named for them."""
    if isinstance(node, nodes.Name) and node.name in names and names[node.name] not in filters:
        yield node.name
    for child in node.iter_child_nodes():
        yield from bare(child, names, _around(node, child, filters))


def _around(node: nodes.Node, child: nodes.Node, filters: tuple[str, ...]) -> tuple[str, ...]:
    """The filters that the child goes through before anything else looks at it."""
    if not isinstance(node, nodes.Filter) or child is not node.node:
        return ()
    return (*filters, node.name) if node.name in PASSED_ON else (node.name,)


def printed(template: nodes.Template) -> set[str]:
    """The variables that are put into text as they are."""
    return {
        name.name
        for output in template.find_all(nodes.Output)
        if len(output.nodes) > 1
        for name in output.nodes
        if isinstance(name, nodes.Name)
    }
