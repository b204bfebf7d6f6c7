"""Which Debian packages a machine has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ansible.module_utils.basic import AnsibleModule

# Runs a program: how it ended, and what it wrote.
Run = Callable[..., tuple[int, str]]


def runner(module: AnsibleModule) -> Run:
    """Runs programs for a module, in the C locale, and with no questions of dpkg's."""

    def run(*command: str) -> tuple[int, str]:
        environment = {"LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
        outcome: Any = module.run_command([*command], environ_update=environment)
        return int(outcome[0]), str(outcome[1])

    return run


def installed(names: Sequence[str], run: Run) -> set[str]:
    """It ends with an error where it does not know one, and tells the others all the same."""
    shown = run("dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status}\n", *names)[1]
    pairs = (line.split() for line in shown.splitlines())
    return {name for name, status in pairs if status == "installed"}


def missing(names: Sequence[str], run: Run) -> list[str]:
    """Those that are not installed, in their order."""
    there = installed(names, run) if names else set()
    return [name for name in names if name not in there]
