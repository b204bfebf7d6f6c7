"""What two machines of a cluster have both, and each has to have for itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

Values = Mapping[str, str]  # by the machine's name in the inventory


def duplicate_faults(given: Mapping[str, Values]) -> list[str]:
    """A sentence for each value that more than one machine has.

    Args:
        given: the values of each variable, for the machines that have one
    """
    return [fault for variable, values in given.items() for fault in _faults(variable, values)]


def _faults(variable: str, values: Values) -> Iterator[str]:
    machines: dict[str, list[str]] = defaultdict(list)
    for machine, value in values.items():
        machines[value].append(machine)
    yield from (
        _sentence(variable, value, names) for value, names in machines.items() if len(names) > 1
    )


def _sentence(variable: str, value: str, names: Sequence[str]) -> str:
    return (
        f"{' and '.join(names)} have the same {variable} ({value}), so that one would be taken for "
        f"the other; give each node its own {variable} in the inventory."
    )
