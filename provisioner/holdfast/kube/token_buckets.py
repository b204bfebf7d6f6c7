"""A bounded rate of events for each object, as client-go's event correlator has it."""

from __future__ import annotations

import time
from collections.abc import Hashable
from typing import Generic, TypeVar

from holdfast.kube.lru import LRU

K = TypeVar("K", bound=Hashable)


class TokenBuckets(Generic[K]):
    """A token bucket for each key: `burst` at once, then one in `seconds`."""

    def __init__(self, burst: int, seconds: float, *, most: int) -> None:
        """Keys beyond the `most` used last start with a full bucket."""
        self._burst = float(burst)
        self._seconds = seconds
        self._left: LRU[K, tuple[float, float]] = LRU(most)

    def take(self, key: K) -> bool:
        """Whether there is one left for `key`; if so it is used up."""
        now = time.monotonic()
        left, since = self._left.get(key) or (self._burst, now)
        left = min(self._burst, left + (now - since) / self._seconds)
        allowed = left >= 1.0
        self._left.set(key, (left - 1.0 if allowed else left, now))
        return allowed
