"""Which keys of a store are found under a value of their items.

Most values have one key, and a set of one costs more memory than the key's item; so a key stands
alone as long as it is alone.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Generic, TypeVar

T = TypeVar("T")


class Index(Generic[T]):
    """Keys by the values of their items; not for several threads."""

    def __init__(self, values_of: Callable[[T], Iterable[Hashable]]) -> None:
        """`values_of` gives the values that an item is to be found under."""
        self._values_of = values_of
        self._keys: dict[Hashable, str | dict[str, None]] = {}

    def values(self) -> list[Hashable]:
        """The values under which there are keys."""
        return list(self._keys)

    def keys(self, value: Hashable) -> Iterable[str]:
        """The keys found under a value, in the order in which they came."""
        held = self._keys.get(value, {})
        return (held,) if isinstance(held, str) else held

    def change(self, key: str, before: T | None, after: T | None) -> None:
        """The item of a key was `before` and is `after`; None where there is none."""
        old = dict.fromkeys(() if before is None else self._values_of(before))
        new = dict.fromkeys(() if after is None else self._values_of(after))
        for value in old:
            if value not in new:
                self._discard(value, key)
        for value in new:
            if value not in old:
                self._add(value, key)

    def clear(self) -> None:
        """Forgets all keys."""
        self._keys.clear()

    def _add(self, value: Hashable, key: str) -> None:
        held = self._keys.get(value)
        if held is None:
            self._keys[value] = key
        elif isinstance(held, str):
            self._keys[value] = {held: None, key: None}
        else:
            held[key] = None

    def _discard(self, value: Hashable, key: str) -> None:
        held = self._keys[value]
        if isinstance(held, str):
            del self._keys[value]
            return
        del held[key]
        if not held:
            del self._keys[value]
