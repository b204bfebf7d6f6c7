"""Which packages the role brought, by a note of it, and whether apt would remove only these."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

# Runs a program: how it ended, and what it wrote.
Run = Callable[..., tuple[int, str]]


class Refused(Exception):
    """What stands in the way, as a sentence of "this machine"."""


def installed(names: Sequence[str], run: Run) -> set[str]:
    """It ends with an error where it does not know one, and tells the others all the same."""
    shown = run("dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status}\n", *names)[1]
    pairs = (line.split() for line in shown.splitlines())
    return {name for name, status in pairs if status == "installed"}


def noted(note: Path) -> list[str]:
    """The packages that were not there before the role."""
    return note.read_text(encoding="utf-8").split() if note.exists() else []


def with_missing(names: Sequence[str], note: Path, run: Run) -> list[str]:
    """What the note has to say before these are installed."""
    there = installed(names, run)
    return sorted({*noted(note), *(name for name in names if name not in there)})


def removable(names: Sequence[str], note: Path, run: Run) -> list[str]:
    """Those of the packages that the role brought, and that are there.

    Raises:
        Refused: apt would remove others with them.
    """
    ours = sorted({*names} & {*noted(note)} & installed(names, run)) if names else []
    others = sorted(_removed(ours, run) - {*ours}) if ours else []
    if others:
        raise Refused(
            f"container_runtime_remove_packages: apt would remove {', '.join(others)} from this "
            f"machine with {', '.join(ours)}; nothing was removed. Set it to false for this "
            "machine, or remove those first where nobody needs them and no data of theirs, and run "
            "the playbook again"
        )
    return ours


def _removed(names: Sequence[str], run: Run) -> set[str]:
    code, out = run("apt-get", "--simulate", "--quiet", "--purge", "remove", *names)
    if code:
        raise Refused(
            f"container_runtime_remove_packages: apt does not say what it would remove with "
            f"{', '.join(names)} on this machine; run apt-get --simulate --purge remove "
            f"{' '.join(names)} there, and mend what it reports"
        )
    lines = re.findall(r"^(?:Remv|Purg) (\S+)", out, re.MULTILINE)
    return {name.partition(":")[0] for name in lines}
