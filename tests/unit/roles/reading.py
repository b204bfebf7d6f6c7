"""The roles, playbooks and inventories as files, for the tests of the rules they all keep."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

HERE: Final = Path(__file__).parents[3]
ROLES: Final = sorted(path for path in (HERE / "roles").iterdir() if path.is_dir())
PLAYBOOKS: Final = [HERE / "site.yml", *sorted((HERE / "playbooks").glob("*.yml"))]
# Those of the lab are written by the lab, when it is up.
INVENTORIES: Final = sorted(
    set((HERE / "inventory").glob("*.yml")) - set(HERE.glob("inventory/lab*"))
)
GROUP_VARS: Final = sorted((HERE / "inventory/group_vars").glob("*.yml"))

Options = dict[str, dict[str, Any]]


def load(path: Path) -> Any:
    """A file's content; an empty mapping for a file that is not there."""
    return yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}


def defaults(role: Path) -> dict[str, Any]:
    """What the role's variables are where an inventory says nothing."""
    return load(role / "defaults/main.yml") or {}


def specifications(role: Path) -> dict[str, dict[str, Any]]:
    """The specification of each entry point of the role, by the entry point's name."""
    return dict(load(role / "meta/argument_specs.yml").get("argument_specs", {}))


def options(role: Path) -> Options:
    """The options of all entry points together; the first that has one describes it."""
    together: Options = {}
    for specification in specifications(role).values():
        for name, option in specification.get("options", {}).items():
            together.setdefault(name, option)
    return together


def mappings(tree: Any) -> Iterator[dict[str, Any]]:
    """Every mapping of a document, at whatever depth."""
    if isinstance(tree, dict):
        yield tree
    for item in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from mappings(item)
