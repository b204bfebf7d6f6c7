"""Exports that are full, read-only, mounted and unmounted, for real: see `scenarios.py`."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.unit.exports.scenarios import SCENARIOS

REPOSITORY = Path(__file__).parents[3]
NAMESPACE = ["unshare", *(["--user", "--map-root-user"] if os.geteuid() else []), "--mount"]
WITHOUT_MOUNTS = {"as_nobody"}


@cache
def _may_mount() -> bool:
    """Some systems let nobody but root make mount namespaces."""
    return subprocess.run([*NAMESPACE, "true"], capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(name: str, tmp_path: Path) -> None:
    namespace = [] if name in WITHOUT_MOUNTS else NAMESPACE
    if namespace and not _may_mount():
        pytest.skip("no mount namespaces without root here")

    done = subprocess.run(
        [*namespace, sys.executable, "-m", "tests.unit.exports.scenarios", name, str(tmp_path)],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": f"{REPOSITORY / 'provisioner'}"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert done.returncode == 0, done.stderr
