"""What was acknowledged is there after a power cut: see `power_cut.py`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts a disk")
@pytest.mark.timeout(120)
def test_what_was_acknowledged_is_there_after_a_power_cut(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            *("unshare", "--mount", sys.executable),
            *("-m", "tests.unit.exports.power_cut", str(tmp_path)),
        ],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": f"{REPOSITORY / 'provisioner'}"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "confirm 7" in done.stdout
