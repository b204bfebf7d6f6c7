"""Which distributions the roles support; decided before any change."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

Facts = Mapping[str, Any]

# Each with its oldest version: what is older has a Python that cannot run the modules, or programs
# that the roles were never tried with. Other distributions of the family have packages of the same
# names, and are let through.
FAMILY = "Debian"
OLDEST = {"Debian": (12,), "Ubuntu": (24, 4)}
SUPPORTED = "Debian 12 and 13, and Ubuntu 24.04"


def distribution_faults(facts: Facts, machine: str) -> list[str]:
    """Why the roles cannot install packages on a machine; a sentence, or none.

    Args:
        facts: ansible_facts
        machine: its name in the inventory
    """
    if "os_family" not in facts:
        return [f"The facts of {machine} were not gathered; set gather_facts to true in the play."]
    name, version = facts["distribution"], str(facts["distribution_version"])
    if facts["os_family"] == FAMILY and not _is_older(version, OLDEST.get(name, ())):
        return []
    said = (
        f"{machine} runs {name} {version}, on which these roles install nothing; they support "
        f"{SUPPORTED}. Name another machine in the inventory."
    )
    return [said]


def _is_older(version: str, oldest: tuple[int, ...]) -> bool:
    """Whether it is; a version that is no number is one in the making, and newer than all."""
    if not re.match(r"[0-9]", version):
        return False
    return tuple(int(part) for part in re.findall(r"[0-9]+", version)) < oldest


class FilterModule:
    """Found by Ansible."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """The filters by name."""
        return {"distribution_faults": distribution_faults}
