"""What playbooks/check.yml reports."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

UNREACHABLE = "It cannot be reached."
REFUSED = "It was not looked at; see above what was said of it."


def health_report(names: Sequence[str], machines: Mapping[str, Any]) -> dict[str, Any]:
    """What was found on the machines.

    Args:
        names: the machines that were to be looked at, as the inventory names them
        machines: the variables of each machine, `hostvars`; __health_check_found is what the
            module machine_health returned

    Returns:
        `lines`, of each machine one for each fault, or one that says what is well; `faults`, the
        lines of faults alone
    """
    found = {name: machines[name].get("__health_check_found", {}) for name in names}
    faults = {name: _faults(of) for name, of in found.items()}
    lines = [line for name, of in found.items() for line in _lines(name, faults[name], of)]
    return {
        "lines": lines,
        "faults": [f"{name}: {fault}" for name, all_of in faults.items() for fault in all_of],
    }


def _faults(found: Mapping[str, Any]) -> list[str]:
    if "faults" in found:
        return list(found["faults"])
    if found.get("unreachable"):
        return [UNREACHABLE]
    return [f"It cannot be looked at: {found['msg']}" if "msg" in found else REFUSED]


def _lines(name: str, faults: Sequence[str], found: Mapping[str, Any]) -> list[str]:
    if faults:
        return [f"{name}: {fault}" for fault in faults]
    return [f"{name}: nothing is wrong with its {', '.join(found['looked_at'])}."]


class FilterModule:
    """Found by Ansible."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """The filters by name."""
        return {"health_report": health_report}
