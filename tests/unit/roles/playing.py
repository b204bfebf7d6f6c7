"""Tasks of a role, played on this machine with programs of a test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.unit.roles.guard import guard
from tests.unit.roles.reading import HERE

_SECONDS = 55


class Site:
    """One machine, `localhost`, whose programs are looked for in a folder of its own first."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bin = folder / "bin"
        self.bin.mkdir()

    def program(self, name: str, text: str) -> None:
        """Put a program there."""
        (self.bin / name).write_text(text)
        (self.bin / name).chmod(0o755)

    def play(self, tasks: Sequence[dict[str, Any]], **variables: Any) -> str:
        """Play the tasks, and return what Ansible wrote; it has to end well."""
        done = self.played(tasks, **variables)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def played(
        self, tasks: Sequence[dict[str, Any]], **variables: Any
    ) -> subprocess.CompletedProcess[str]:
        """Play the tasks, which may fail."""
        guard(self.bin)
        play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks}
        (self.folder / "play.json").write_text(json.dumps([play]))
        given = {"ansible_python_interpreter": sys.executable} | variables
        return subprocess.run(
            [
                Path(sys.executable).with_name("ansible-playbook"),
                *("-i", "localhost,", "-e", json.dumps(given)),
                self.folder / "play.json",
            ],
            cwd=HERE,
            env={
                **os.environ,
                "PATH": f"{self.bin}:{os.environ['PATH']}",
                "ANSIBLE_REMOTE_TEMP": str(self.folder / "tmp"),
            },
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
