"""How long to wait after the n-th failure: exponential, bounded, spread by chance.

The spread only shortens, so `maximum` is a promise; without it every client of a restarted
server would come back in the same instant.
"""

from __future__ import annotations

import random


def delay(failures: int, *, initial: float, maximum: float, factor: float, jitter: float) -> float:
    """Seconds to wait after `failures` failures in a row (1 is the first)."""
    # 2.0 ** 1024 overflows a float; no maximum in use is further away than 64 doublings.
    longest = min(maximum, initial * factor ** min(failures - 1, 64))
    return longest * (1.0 - jitter * random.random())  # noqa: S311 -- spread, not a secret


class Backoff:
    """The waits of one caller that tries again and again; not for several threads."""

    def __init__(
        self, initial: float, maximum: float, factor: float = 2.0, jitter: float = 0.5
    ) -> None:
        """Seconds `initial` to `maximum`; `jitter` is the share of a wait left to chance, 0..1."""
        self._initial = initial
        self._maximum = maximum
        self._factor = factor
        self._jitter = jitter
        self._failures = 0

    def next(self) -> float:
        """Seconds to wait before the next try."""
        self._failures += 1
        return delay(
            self._failures,
            initial=self._initial,
            maximum=self._maximum,
            factor=self._factor,
            jitter=self._jitter,
        )

    def reset(self) -> None:
        """All is well again: the next wait is the first."""
        self._failures = 0
