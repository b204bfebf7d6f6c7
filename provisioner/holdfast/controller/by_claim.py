"""What the claims controller remembers of unfinished volumes, by the key of their claim."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class ByClaim(Generic[T]):
    """One item for each volume; several volumes can be of one claim's name, for several threads."""

    def __init__(self) -> None:
        self._items: dict[str, dict[str, T]] = {}
        self._using = threading.Lock()

    def put(self, key: str, volume: str, item: T) -> None:
        """Remembers an item, instead of an earlier one of this volume."""
        with self._using:
            self._items.setdefault(key, {})[volume] = item

    def get(self, key: str, volume: str) -> T | None:
        """The item of a volume."""
        with self._using:
            return self._items.get(key, {}).get(volume)

    def of(self, key: str) -> list[T]:
        """The items of all volumes of a claim's name."""
        with self._using:
            return list(self._items.get(key, {}).values())

    def drop(self, key: str, volume: str) -> None:
        """Forgets an item, if there is one."""
        with self._using:
            items = self._items.get(key, {})
            items.pop(volume, None)
            if not items:
                self._items.pop(key, None)

    def clear(self) -> None:
        """Forgets all."""
        with self._using:
            self._items.clear()

    def all(self) -> list[T]:
        """All items."""
        with self._using:
            return [item for items in self._items.values() for item in items.values()]
