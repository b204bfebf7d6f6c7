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
        """Beyond the `most` used last, keys start with a full bucket; until then, none is lost."""
        self._burst = float(burst)
        self._seconds = seconds
        self._left: LRU[K, tuple[float, float]] = LRU(most)

    def take(self, key: K) -> bool:
        """Whether there is one left for `key`; if so it is used up."""
        now = time.monotonic()
        left = self._left_at(now, self._left.get(key) or (self._burst, now))
        allowed = left >= 1.0
        self._left.set(key, (left - 1.0 if allowed else left, now))
        self._forget_full(now)
        return allowed

    def _left_at(self, now: float, bucket: tuple[float, float]) -> float:
        left, since = bucket
        return min(self._burst, left + (now - since) / self._seconds)

    def _forget_full(self, now: float) -> None:
        while (oldest := self._left.oldest()) and self._left_at(now, oldest[1]) >= self._burst:
            self._left.discard(oldest[0])
