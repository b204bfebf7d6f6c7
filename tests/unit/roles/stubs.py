"""The collection with stubs for some of its roles and modules, and playbooks run with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.unit.roles.guard import guard
from tests.unit.roles.reading import HERE

FACTS = "ansible.builtin.ping"  # in place of setup: a connection, but no facts
MODULE = """#!/usr/bin/python
import json
from ansible.module_utils.basic import AnsibleModule

module = AnsibleModule(
    {"address": {}, "directory": {}, "packages": {"type": "list"}, "cni_bin_dir": {}}
)
module.exit_json(**json.loads(RESULT))
"""


class Stubbed:
    """A copy of the collection, made of links to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "collections/ansible_collections/holdfast/nfs"
        for name in ("galaxy.yml", "meta", "plugins", "roles", "playbooks"):
            link(HERE / name, self.root / name)

    def module(self, name: str, **result: Any) -> None:
        """Let the module return this."""
        path = self.root / f"plugins/modules/{name}.py"
        self._apart(path.parent)
        path.unlink()
        path.write_text(MODULE.replace("RESULT", repr(json.dumps(result))))

    def role(self, name: str, entry: str, tasks: str) -> None:
        """Let the role have these tasks only."""
        folder = self.root / "roles" / name
        self._apart(folder.parent)
        if folder.is_symlink():
            folder.unlink()
        write(folder / f"tasks/{entry}.yml", tasks)

    def _apart(self, folder: Path) -> None:
        """Links to what is in a folder, in place of one to the folder."""
        if folder.parent != self.root:
            self._apart(folder.parent)
        if folder.is_symlink():
            origin = folder.resolve()
            folder.unlink()
            for path in origin.iterdir():
                link(path, folder / path.name)

    def play(
        self, playbook: Path, hosts: Any, *arguments: str, **variables: Any
    ) -> subprocess.CompletedProcess[str]:
        """Run a playbook as it stands, without becoming another user."""
        guard(self.folder / "bin")
        inventory = write(self.folder / "hosts.json", json.dumps(hosts))
        given = {"ansible_become": False, "ansible_python_interpreter": sys.executable}
        given |= {"ansible_facts_modules": [FACTS]}
        program = Path(sys.executable).with_name("ansible-playbook")
        return subprocess.run(
            [program, "-i", inventory, "-e", json.dumps(given | variables), *arguments, playbook],
            cwd=self.folder,
            env=os.environ
            | {
                "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
                "ANSIBLE_COLLECTIONS_PATH": str(self.folder / "collections"),
                "ANSIBLE_REMOTE_TEMP": str(self.folder / "tmp"),
                "ANSIBLE_NOCOLOR": "1",
            },
            capture_output=True,
            text=True,
            timeout=55,
            check=False,
        )


def link(origin: Path, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(origin)


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path
