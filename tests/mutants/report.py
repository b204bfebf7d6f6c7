"""What a run found: for people, and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.mutants.mutant import Mutant
from tests.mutants.trial import Outcome


@dataclass(frozen=True, slots=True)
class Found:
    """A package's result; `there` is how many mutants could be made of it."""

    package: str
    there: int
    equivalent: int
    outcomes: Sequence[Outcome]

    @property
    def survivors(self) -> list[Outcome]:
        """The mutants that no test noticed."""
        return [outcome for outcome in self.outcomes if outcome.survived]

    @property
    def killed(self) -> int:
        """How many were noticed."""
        return len(self.outcomes) - len(self.survivors)

    @property
    def rate(self) -> float:
        """Per cent that were killed of those that could be."""
        return 100 * self.killed / len(self.outcomes) if self.outcomes else 100.0


def line(mutant: Mutant) -> str:
    """A mutant as compilers write what they find."""
    return f"{mutant.place}: {mutant.diff}"


def table(found: Sequence[Found]) -> str:
    """A row for each package."""
    head = ("package", "mutants", "killed", "survived", "equivalent", "rate", "of")
    rows = [head, *map(_row, found)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(_padded(row, widths) for row in rows)


def as_json(found: Sequence[Found], settings: Mapping[str, Any]) -> dict[str, Any]:
    """All that is known, for programs."""
    return {**settings, "packages": {one.package: _package(one) for one in found}}


def _row(found: Found) -> tuple[str, ...]:
    numbers = (found.killed, len(found.survivors), found.equivalent)
    tried = len(found.outcomes) + found.equivalent
    return (found.package, str(tried), *map(str, numbers), f"{found.rate:.1f} %", str(found.there))


def _padded(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [text.rjust(width) for text, width in zip(row[1:], widths[1:], strict=True)]
    return "  ".join((row[0].ljust(widths[0]), *cells))


def _package(found: Found) -> dict[str, Any]:
    return {
        "mutants": len(found.outcomes) + found.equivalent,
        "killed": found.killed,
        "survived": len(found.survivors),
        "equivalent": found.equivalent,
        "rate": round(found.rate, 1),
        "of": found.there,
        "outcomes": [_outcome(outcome) for outcome in found.outcomes],
    }


def _outcome(outcome: Outcome) -> dict[str, Any]:
    mutant = outcome.mutant
    return {
        "file": mutant.file,
        "line": mutant.lines.start,
        "function": mutant.scope.name,
        "text": mutant.text,
        "change": mutant.change,
        "operator": mutant.operator,
        "survived": outcome.survived,
        "killed_by": outcome.killed_by,
        "seconds": round(outcome.seconds, 1),
    }
