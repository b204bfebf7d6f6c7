"""The Vagrantfile's machines as the lab, where hardware virtualisation works and it is asked for.

Vagrant does the work and says so in its own words; what stays the same is what is typed, and that
`inventory/lab.yml` leads to the machines.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from testbed.errors import LabError
from testbed.lab.layout import DEFAULT, Layout

VARIABLE: Final = "HOLDFAST_LAB_MACHINES"
_CHECKOUT: Final = Path(__file__).parents[2]
_WORDS: Final = {
    "up": ["up"],
    "down": ["destroy", "--force"],
    "status": ["status"],
    "reboot": ["reload"],
    "ssh": ["ssh"],
}


def is_wanted(environment: Mapping[str, str]) -> bool:
    """Whether the lab's machines shall be Vagrant's.

    Raises:
        LabError: they shall be what there is not.
    """
    kind = environment.get(VARIABLE) or "uml"
    if kind not in {"uml", "vagrant"}:
        raise LabError(f"{VARIABLE} is {kind!r}; it may be uml, the default, or vagrant")
    return kind == "vagrant"


def is_possible(cpuinfo: str, device: Path) -> bool:
    """Whether machines run at full speed here: some have the device and no processor for it."""
    flags = set(cpuinfo.split())
    return bool(flags & {"vmx", "svm"}) and os.access(device, os.R_OK | os.W_OK)


def words(typed: Sequence[str]) -> list[str]:
    """The command for Vagrant that does what was typed.

    Raises:
        LabError: it has none for that.
    """
    command, *rest = typed or [""]
    if command not in _WORDS or any(word.startswith("-") for word in rest[:1]):
        raise LabError(
            f"with {VARIABLE}=vagrant there are {', '.join(_WORDS)}, without options, "
            f"not {' '.join(typed)!r}"
        )
    if command == "ssh" and rest[1:]:
        rest = [rest[0], "--command", " ".join(rest[1:])]
    return ["vagrant", *_WORDS[command], *rest]


def run(layout: Layout, typed: Sequence[str]) -> int:
    """Let Vagrant do what was typed, and write or remove the inventory; its exit code.

    Raises:
        LabError: it is not there, or cannot do that.
    """
    if layout.name != DEFAULT:
        raise LabError("the Vagrantfile has one lab; unset HOLDFAST_LAB")
    try:
        code = subprocess.run(words(typed), cwd=_CHECKOUT, check=False).returncode
    except FileNotFoundError as error:
        raise LabError(f"vagrant is not on PATH; install it, or unset {VARIABLE}") from error
    if code == 0 and typed[0] == "up":
        shutil.copyfile(layout.inventory.with_name("vagrant.yml"), layout.inventory)
    if code == 0 and typed[0] == "down":
        layout.inventory.unlink(missing_ok=True)
    return code
