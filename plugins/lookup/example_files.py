"""The files of an example on the controller, as {path beneath the examples: text}."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

DOCUMENTATION = """
name: example_files
author: Holdfast
short_description: The files of an example on the controller
description: With those that it is made from; a variant, as C(mysql-replication/mariadb), is made
  from what lies beside it.
options:
  _terms:
    description: The examples' names.
    required: true
  folder:
    description: Where the examples are.
    type: path
    required: true
"""

_MARK = "Kustomization"


class LookupModule(LookupBase):
    """`lookup('example_files', name, folder=…)`."""

    def run(self, terms: list[str], variables: Any = None, **options: Any) -> list[dict[str, str]]:  # noqa: ARG002 - the base's name
        """One mapping for each name."""
        return [_read(Path(options["folder"]), term) for term in terms]


def _read(folder: Path, name: str) -> dict[str, str]:
    known = _names(folder)
    if name not in known:
        raise AnsibleLookupError(f"there is no example {name!r}; there are {', '.join(known)}")
    return {
        str(path.relative_to(folder)): path.read_text(encoding="utf-8")
        for path in sorted((folder / Path(name).parts[0]).rglob("*"))
        if path.is_file() and path.suffix != ".md"
    }


def _names(folder: Path) -> list[str]:
    return sorted(str(path.parent.relative_to(folder)) for path in folder.rglob(_MARK))
