"""Programs of the machine, each with a deadline."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from typing import Protocol

from .errors import Refused

# mkfs on a large, slow disk takes longest; a name server that is silent, half a minute.
DEADLINE = 300
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a program ended, and what it wrote."""

    code: int
    out: str = ""
    err: str = ""

    @property
    def complaint(self) -> str:
        """What it said, on one line."""
        return "; ".join((self.err.strip() or self.out.strip()).splitlines())


class Runner(Protocol):
    """Runs a program and tells how it ended."""

    def __call__(self, *command: str) -> Outcome:
        """Run `command` to its end."""


def run(*command: str) -> Outcome:
    """Run `command` in the C locale.

    Raises:
        Refused: the program is not there, or did not end in time.
    """
    environment = {**os.environ, "LC_ALL": "C", "PATH": PATH}
    try:
        done = subprocess.run(  # noqa: S603 - no shell, and each program is named in this package
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=DEADLINE,
            check=False,
        )
    except FileNotFoundError:
        raise Refused(f"the program {command[0]} is not installed") from None
    except subprocess.TimeoutExpired:
        raise Refused(f"{' '.join(command)} did not end within {DEADLINE} s") from None
    return Outcome(done.returncode, done.stdout, done.stderr)
