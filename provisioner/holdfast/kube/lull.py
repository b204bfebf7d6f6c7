"""When to do what can wait: at the end of a burst of work, not in competition with it.

Writing the events of a thousand volumes costs the API server a fifth of what binding them does,
and nobody reads them within those seconds. Rejected: a rate, which makes the last ones late by
minutes and still competes; asking whether work waits, because in a burst it is the API server
that is waited for.
"""

from __future__ import annotations

import math
from time import monotonic


class Lull:
    """Follows work and says when what gathers meanwhile is due; not for several threads."""

    def __init__(self, quiet: float, longest: float) -> None:
        """Due once nothing stirred for `quiet` seconds, or after `longest` in any case."""
        self._quiet = quiet
        self._longest = longest
        self._last = self._latest = self._due = -math.inf

    def stir(self) -> None:
        """Work goes on; what comes after silence is due at once."""
        now = monotonic()
        in_burst = now - self._last < self._quiet
        self._due = min(now + self._quiet, self._latest) if in_burst else now
        self._last = now

    def begin(self) -> None:
        """The first thing gathers."""
        self._latest = monotonic() + self._longest

    def end(self) -> None:
        """All that has gathered is due now."""
        self._due = self._latest = monotonic()

    def left(self) -> float:
        """Seconds until what has gathered is due."""
        return max(0.0, self._due - monotonic())
