"""Running a command, with a deadline and a sentence when it fails."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from testbed.errors import LabError

_TAIL: Final = 8  # lines of what a command said that go into an error


def run(
    command: Sequence[str | Path],
    *,
    deadline: float = 60.0,
    text: str = "",
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> str:
    """Run a command with `text` as its input; what it wrote to stdout.

    Raises:
        LabError: it is not there, failed, or had not ended after `deadline` seconds.
    """
    name = Path(command[0]).name
    try:
        done = subprocess.run(
            command,
            input=text,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=deadline,
            check=False,
            cwd=folder,
            env=os.environ | {"LC_ALL": "C.UTF-8"} | dict(environment or {}),
        )
    except FileNotFoundError as error:
        raise LabError(f"the program {name} is not on this machine; install it") from error
    except subprocess.TimeoutExpired as error:
        raise LabError(f"{name} had not ended after {deadline:.0f} s") from error
    if done.returncode:
        tail = "\n".join((done.stderr or done.stdout).strip().splitlines()[-_TAIL:])
        words = " ".join(map(str, command))
        raise LabError(f"{words[:200]} failed with status {done.returncode}:\n{tail}")
    return done.stdout
