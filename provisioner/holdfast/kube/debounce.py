"""Debounce: work that can wait is done once a burst of other work is over.

Writing the events of a thousand volumes costs the API server a fifth of what binding them does,
and nobody reads them within those seconds. Rejected: a rate, which makes the last ones late by
minutes and still competes; asking whether work waits, because in a burst it is the API server
that is waited for.
"""

from __future__ import annotations

import math
from time import monotonic


class Debounce:
    """Says when what is held back is due; the caller does the locking."""

    def __init__(self, quiet: float, longest: float) -> None:
        """Fires after `quiet` seconds without new work, and `longest` seconds at most."""
        self._quiet = quiet
        self._longest = longest
        self._last = self._latest = self._due = -math.inf

    def postpone(self) -> None:
        """There is new work: waits on. After a quiet time it fires at once."""
        now = monotonic()
        in_burst = now - self._last < self._quiet
        self._due = min(now + self._quiet, self._latest) if in_burst else now
        self._last = now

    def start(self) -> None:
        """The first thing is held back."""
        self._latest = monotonic() + self._longest

    def fire(self) -> None:
        """Everything that is held back is due now."""
        self._due = self._latest = monotonic()

    def remaining(self) -> float:
        """Seconds until what is held back is due."""
        return max(0.0, self._due - monotonic())
