"""Whether the plays of a playbook that come before another one have run to their end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Variables = Mapping[str, Any]


def step_faults(
    machines: Mapping[str, Variables],
    machine: str,
    playbook: str,
    needed: Mapping[str, Sequence[str]],
) -> list[str]:
    """Why a play does not go on to a machine; a sentence.

    A host that fails stops a playbook, but one that is unreachable only ends the play. So each play
    notes in the fact `__PLAYBOOK_steps` that it ran to its end on a machine, and the first notes in
    `__PLAYBOOK_machines` which machines the run is for.

    Args:
        machines: the variables of each machine, `hostvars`
        machine: its name in the inventory
        playbook: its name, with which the facts begin
        needed: the machines on which each step has to be done; those that the run is not for are
            left out
    """
    begun = machines[machine].get(f"__{playbook}_machines")
    if begun is None:
        return [_not_begun(machine)]
    missing = [
        name
        for step, names in needed.items()
        for name in names
        if name in begun and step not in machines[name].get(f"__{playbook}_steps", ())
    ]
    return [_missing(machine, list(dict.fromkeys(missing)))] if missing else []


def _not_begun(machine: str) -> str:
    return (
        f"{machine} is left as it is, because the first play did not run, or not to its end "
        "(--start-at-task, or a --limit without its machines); run the whole playbook."
    )


def _missing(machine: str, names: Sequence[str]) -> str:
    limit = ":".join(f"!{name}" for name in names)
    return (
        f"{machine} is left as it is, because {' and '.join(names)} failed, or was not reached, in "
        f"an earlier part of this run. Fix that, or leave the machine out with --limit '{limit}', "
        "then run the playbook again."
    )


class FilterModule:
    """Found by Ansible."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """The filters by name."""
        return {"step_faults": step_faults}
