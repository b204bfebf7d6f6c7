"""What is known of a package's tests without a mutant: how long each takes, what it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tests.mutants.mutant import Mutant

# A mutant may be slower, and the machine busier; a test that awaits in vain should not take long.
_TEST_LIMIT = (10.0, 5.0)  # seconds, and for each second without a mutant
_RUN_LIMIT = (60.0, 3.0)


@dataclass(frozen=True, slots=True)
class Baseline:
    """A run of all tests without a mutant.

    Attributes:
        seconds: by test, how long it took.
        lines: by test and file, the numbers of the lines that it ran.
    """

    seconds: Mapping[str, float]
    lines: Mapping[str, Mapping[str, frozenset[int]]]

    @property
    def limits(self) -> dict[str, float]:
        """By test, the seconds after which it is held to hang."""
        least, factor = _TEST_LIMIT
        return {test: least + factor * seconds for test, seconds in self.seconds.items()}

    @property
    def limit(self) -> float:
        """The seconds that a run with a mutant may take."""
        least, factor = _RUN_LIMIT
        return least + factor * sum(self.seconds.values())

    def order(self, mutant: Mutant | None) -> list[str]:
        """All tests: first those that run the changed lines, then those near, quick ones first."""
        return sorted(
            self.seconds, key=lambda test: (self._distance(test, mutant), self.seconds[test])
        )

    def can_notice(self, test: str, mutant: Mutant) -> bool:
        """Whether a test is known to run what was changed; what runs at import, all do."""
        return not mutant.scope.runs or self._distance(test, mutant) < 2

    def _distance(self, test: str, mutant: Mutant | None) -> int:
        lines = self.lines.get(test, {}).get(mutant.file, frozenset()) if mutant else frozenset()
        if mutant is None or not lines:
            return 3
        if not lines.isdisjoint(mutant.lines):
            return 0
        return 1 if not lines.isdisjoint(mutant.scope.lines) else 2
