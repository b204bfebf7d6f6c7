"""Bounded memory of who said what: the last so many keys, and how much each may still say."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    """The `most` keys set last, with their values; not for several threads."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K) -> V | None:
        """The value of a key, None if it was never set or is forgotten."""
        return self._values.get(key)

    def set(self, key: K, value: V) -> None:
        """Remember, and forget what was set longest ago."""
        self._values[key] = value
        self._values.move_to_end(key)
        if len(self._values) > self._most:
            self._values.popitem(last=False)


class Allowance(Generic[K]):
    """A token bucket for each key: `burst` at once, then one in `seconds`."""

    def __init__(self, burst: int, seconds: float, *, most: int) -> None:
        """Keys beyond the `most` recent ones start anew."""
        self._burst = float(burst)
        self._seconds = seconds
        self._left: Recent[K, tuple[float, float]] = Recent(most)

    def take(self, key: K) -> bool:
        """Whether there is one left for `key`; if so it is used up."""
        now = time.monotonic()
        left, since = self._left.get(key) or (self._burst, now)
        left = min(self._burst, left + (now - since) / self._seconds)
        allowed = left >= 1.0
        self._left.set(key, (left - 1.0 if allowed else left, now))
        return allowed
