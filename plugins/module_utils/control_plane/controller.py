"""The administrator's kubeconfig on the controller: written where no other cluster's is there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from .kubeconfig import MODE, is_unchanged

_VARIABLE = "control_plane_controller_kubeconfig"
_AUTHORITY = re.compile(r"certificate-authority(?:-data)?[\"']?\s*:\s*[\"']?([^\s\"',}]+)")


@dataclass(frozen=True)
class Found:
    """The file as it is; `text` is None where there is none."""

    path: Path
    text: str | None = None
    mode: int = MODE

    @classmethod
    def at(cls, path: Path) -> Found:
        """What is there.

        Raises:
            OSError: it cannot be read.
        """
        if not path.exists():
            return cls(path)
        return cls(path, path.read_text(errors="replace"), path.stat().st_mode & 0o777)

    def fault(self, wanted: str, machine: str) -> str:
        """Why it may not be replaced; empty if it may.

        Args:
            wanted: the content that it shall have; empty before there is a cluster
            machine: the control plane's name in the inventory
        """
        if self.text is None or (wanted and authorities(self.text) == authorities(wanted)):
            return ""
        return (
            f"{_VARIABLE} is {self.path}, which the controller has and which is not a kubeconfig "
            f"of the cluster of {machine} alone; it was left as it is. Name another file, or move "
            "that one away if its cluster is gone."
        )

    @property
    def is_of_a_person(self) -> bool:
        """Whether somebody made it, or changed it since the role wrote it."""
        return self.text is not None and not is_unchanged(self.text)

    def differs(self, wanted: str) -> bool:
        """Whether it has another content or mode than is wanted."""
        return (self.text, self.mode) != (wanted, MODE)


def authorities(text: str) -> set[str]:
    """The certificates of the authorities of the clusters that a kubeconfig has."""
    return set(_AUTHORITY.findall(text))
