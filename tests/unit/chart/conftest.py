from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from testbed.chart import CHART, EXAMPLE, NAMESPACE, helm
from testbed.client import Json


@pytest.fixture
def notes(tmp_path: Path) -> Callable[[Json], str]:
    """What `helm install` says at its end; `helm template` leaves it out, so here it is a file."""
    chart = tmp_path / "chart"
    shutil.copytree(CHART, chart)
    (chart / "templates" / "NOTES.txt").rename(chart / "notes")
    (chart / "templates" / "notes.yaml").write_text(
        'kind: Notes\ntext: {{ tpl (.Files.Get "notes") . | quote }}\n'
    )

    def render_notes(values: Json) -> str:
        given = {**EXAMPLE, **values}
        shown = ("--show-only", "templates/notes.yaml")
        text = helm("template", "holdfast", chart, "--namespace", NAMESPACE, *shown, values=given)
        return str(yaml.safe_load(text)["text"])

    return render_notes
