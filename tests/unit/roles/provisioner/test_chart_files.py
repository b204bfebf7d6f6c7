"""The chart goes to the machine as one argument, whole."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible.errors import AnsibleLookupError
from ansible_collections.holdfast.nfs.plugins.lookup.chart_files import LookupModule

from testbed.chart import CHART


def test_every_file_of_the_chart_is_in_it() -> None:
    [files] = LookupModule().run([str(CHART)])

    assert files == {
        str(path.relative_to(CHART)): path.read_text(encoding="utf-8")
        for path in CHART.rglob("*")
        if path.is_file()
    }


def test_a_folder_that_is_no_chart_is_named(tmp_path: Path) -> None:
    with pytest.raises(AnsibleLookupError, match=f"{tmp_path} is no Helm chart"):
        LookupModule().run([str(tmp_path)])
