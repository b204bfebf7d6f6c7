"""A dictionary of bounded size, which forgets the key that was set longest ago."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class LRU(Generic[K, V]):
    """The `most` keys set last, with their values; not for several threads."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K) -> V | None:
        """The value of a key, None if it was never set or is forgotten."""
        return self._values.get(key)

    def oldest(self) -> tuple[K, V] | None:
        """The key that was set longest ago, with its value; None without any."""
        return next(iter(self._values.items()), None)

    def discard(self, key: K) -> None:
        """Forget a key, if it is remembered."""
        self._values.pop(key, None)

    def set(self, key: K, value: V) -> None:
        """Remember, and forget what was set longest ago."""
        self._values[key] = value
        self._values.move_to_end(key)
        if len(self._values) > self._most:
            self._values.popitem(last=False)
