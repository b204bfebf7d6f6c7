"""How many items of a store have a value: as an index, without the memory that the keys take."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

T = TypeVar("T")


class Tally(Generic[T]):
    """Counts items by their values, as they come, change and go; written by one thread at a time.

    `count` may be asked by any thread, and waits for none.
    """

    def __init__(self, values_of: Callable[[T], Iterable[str]]) -> None:
        """`values_of` gives the values under which an item counts."""
        self._values_of = values_of
        self._counts = Counter[str]()

    def count(self, value: str) -> int:
        """How many items have this value."""
        return self._counts[value]

    def change(self, _key: str, before: T | None, after: T | None) -> None:
        """An item was `before` and is `after`; None where there is none."""
        if before is not None:
            self._counts.subtract(set(self._values_of(before)))
        if after is not None:
            self._counts.update(set(self._values_of(after)))

    def clear(self) -> None:
        """Forgets all items."""
        self._counts = Counter()
