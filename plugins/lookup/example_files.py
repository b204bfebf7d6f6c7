"""The files of an example on the controller, as {path beneath the examples: text}."""

from __future__ import annotations

DOCUMENTATION = r"""
name: example_files
short_description: Read the files of an example on the controller
description:
  - Returns the texts of the files of an example, for O(holdfast.nfs.workload#module:files).
  - A variant, as V(mysql-replication/mariadb), comes with the files that it is made from.
options:
  _terms:
    description: The names of the examples, which are the folders with a C(Kustomization).
    type: list
    elements: str
    required: true
  folder:
    description: The folder of the examples.
    type: path
    required: true
author: Holdfast (@holdfast-io)
"""

EXAMPLES = r"""
- name: Show the names of an example's files
  ansible.builtin.debug:
    msg: "{{ lookup('holdfast.nfs.example_files', 'redis', folder='examples').keys() }}"
"""

RETURN = r"""
_raw:
  description: For each name, the texts of the files by their paths beneath the folder.
  type: list
  elements: dict
"""

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

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
