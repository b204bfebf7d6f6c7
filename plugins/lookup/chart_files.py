"""The files of a Helm chart on the controller, as {path within the chart: text}."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

DOCUMENTATION = """
name: chart_files
author: Holdfast
short_description: The files of a Helm chart on the controller
description: One argument of a module is one connection; a folder that is copied is one for each
  file.
options:
  _terms:
    description: The chart's folder.
    required: true
"""


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
