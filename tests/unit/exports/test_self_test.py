"""What `holdfast check` tries in an export: it is what a volume needs."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from holdfast.claims.ownership import Ownership
from holdfast.exports.self_test import self_test
from tests.unit.exports.given import visible


def test_a_directory_gets_its_mode_and_owner(tmp_path: Path) -> None:
    wanted = Ownership(mode=0o2751, uid=os.getuid(), gid=os.getgid())
    found = {}

    for step in self_test(tmp_path, wanted):
        found[step] = [stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()]

    assert found == {
        "create a directory": [0o700],
        "set mode and owner": [0o2751],
        "write and remove a file": [0o2751],
        "rename a directory": [0o2751],
        "remove a directory": [],
    }
    assert visible(tmp_path) == []
