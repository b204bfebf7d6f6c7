"""Where a lab keeps what it needs while it is there; `HOLDFAST_LAB` names it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from testbed.errors import LabError

DEFAULT: Final = "holdfast"
_CHECKOUT: Final = Path(__file__).parents[2]
_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?")


@dataclass(frozen=True)
class Layout:
    """The places of one lab; labs of different names share none."""

    name: str

    @classmethod
    def from_environment(cls) -> Layout:
        """The lab that `HOLDFAST_LAB` names.

        Raises:
            LabError: no lab can have that name.
        """
        name = os.environ.get("HOLDFAST_LAB") or DEFAULT
        if not _NAME.fullmatch(name):
            raise LabError(
                f"HOLDFAST_LAB is {name!r}; a lab's name has 1 to 20 lower-case letters, "
                "digits and inner hyphens"
            )
        return cls(name)

    @property
    def namespace(self) -> str:
        """The network namespace."""
        return f"lab-{self.name}"

    @property
    def run(self) -> Path:
        """Keys, logs, and which processes there are."""
        return Path("/run/holdfast-lab", self.name)

    @property
    def disks(self) -> Path:
        """What the machines have written: too much for a /run in memory."""
        return Path("/var/tmp/holdfast-lab", self.name)  # noqa: S108 - root's, and made 0700

    @property
    def inventory(self) -> Path:
        """The inventory that Ansible and testinfra read."""
        suffix = "" if self.name == DEFAULT else f"-{self.name}"
        return _CHECKOUT / "inventory" / f"lab{suffix}.yml"

    @property
    def ssh_config(self) -> Path:
        """How ssh reaches the machines: `ssh -F` this file."""
        return self.run / "ssh_config"

    @property
    def control_path(self) -> Path:
        """The socket of an ssh connection that several commands share, as ssh_config(5) has it."""
        return self.run / "ssh-%r@%h"

    @property
    def key(self) -> Path:
        """The private key of the machines' user."""
        return self.run / "id_ed25519"

    @property
    def served(self) -> Path:
        """The root of the lab's file server."""
        return self.run / "served"
