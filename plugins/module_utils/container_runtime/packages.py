"""Which packages the role brought, by a note of it, and whether apt would remove only these."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from ..packages import Run, installed, missing  # noqa: TID252 - Ansible sends them as they lie


class Refused(Exception):
    """What stands in the way, as a sentence of "this machine"."""


def noted(note: Path) -> list[str]:
    """The packages that were not there before the role."""
    return note.read_text(encoding="utf-8").split() if note.exists() else []


def with_missing(names: Sequence[str], note: Path, run: Run) -> list[str]:
    """What the note has to say before these are installed."""
    return sorted({*noted(note), *missing(names, run)})


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
