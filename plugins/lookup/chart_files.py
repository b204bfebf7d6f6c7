"""The files of a Helm chart on the controller, as {path within the chart: text}."""

from __future__ import annotations

DOCUMENTATION = r"""
name: chart_files
short_description: Read the files of a Helm chart on the controller
description:
  - Returns the texts of all files of a chart, for O(holdfast.nfs.helm_release#module:chart).
  - One argument of a module takes one connection; a folder that is copied takes one for each file.
options:
  _terms:
    description: The folders of charts.
    type: list
    elements: path
    required: true
author: Holdfast (@holdfast-io)
"""

EXAMPLES = r"""
- name: Show the names of a chart's files
  ansible.builtin.debug:
    msg: "{{ lookup('holdfast.nfs.chart_files', '/srv/holdfast/provisioner/chart').keys() }}"
"""

RETURN = r"""
_raw:
  description: For each folder, the texts of the files by their paths within the chart.
  type: list
  elements: dict
"""

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase


class LookupModule(LookupBase):
    """`lookup('chart_files', folder)`."""

    def run(self, terms: list[str], variables: Any = None, **_: Any) -> list[dict[str, str]]:  # noqa: ARG002 - the base's name
        """One mapping for each folder."""
        return [_read(Path(term)) for term in terms]


def _read(folder: Path) -> dict[str, str]:
    if not (folder / "Chart.yaml").is_file():
        raise AnsibleLookupError(f"{folder} is no Helm chart: it has no Chart.yaml")
    return {
        str(path.relative_to(folder)): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
