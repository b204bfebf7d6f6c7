"""What is known of the cluster, in memory: keyed, indexed, and never going back in time.

Two hands write to it: the reflector, with what the server reports, and the workers, with the
answers to their own writes (so that a volume just made is seen before its watch event comes).
Either may be late, so every item carries its resourceVersion and older news is refused, also
about a key that was removed meanwhile. Versions of one resource are comparable integers
(Kubernetes API concepts, "Resource versions"). Rejected: trusting the order of arrival.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Generic, TypeVar

T = TypeVar("T")

# A late answer to our own write is seconds old; this many removals are minutes.
REMEMBERED_REMOVALS = 1024


class Store(Generic[T]):
    """Items by key and by index; safe for several threads. Items must not be changed in place."""

    def __init__(self, indexes: Mapping[str, Callable[[T], Iterable[str]]] | None = None) -> None:
        """`indexes` name functions from an item to the values it is to be found under."""
        self._indexes = dict(indexes or {})
        self._lock = threading.RLock()
        self._items: dict[str, tuple[int, T]] = {}
        self._removed: dict[str, int] = {}
        self._found: dict[tuple[str, str], set[str]] = {}

    def __len__(self) -> int:
        return len(self._items)

    def get(self, key: str) -> T | None:
        """The item of a key, or None."""
        held = self._items.get(key)
        return held[1] if held else None

    def keys(self) -> list[str]:
        """All keys, as of now."""
        with self._lock:
            return list(self._items)

    def values(self) -> list[T]:
        """All items, as of now."""
        with self._lock:
            return [item for _, item in self._items.values()]

    def by(self, index: str, value: str) -> list[T]:
        """The items found under a value of an index, in the order of their keys.

        Raises:
            KeyError: There is no such index.
        """
        if index not in self._indexes:
            raise KeyError(index)
        with self._lock:
            return [self._items[key][1] for key in sorted(self._found.get((index, value), ()))]

    def apply(self, key: str, version: int, item: T | None) -> bool:
        """Take the news that `key` is `item` (None: gone) at `version`; False when it is not news.

        Neither what is held already at this version nor the end of what is not held is news.
        """
        with self._lock:
            if version <= self._version(key):
                return False
            held = self._remove(key)
            if item is not None:
                self._insert(key, version, item)
            elif held or key in self._removed:
                self._remember(key, version)
            return held or item is not None

    def replace(
        self, items: Mapping[str, tuple[int, T]], *, version: int | None = None
    ) -> set[str]:
        """Take a full list (key to version and item); the keys added, changed or vanished.

        With the list's `version`, what is held or was removed at a higher one stays so: it
        happened after the list was taken. Without, the list is the whole truth, also where its
        versions are lower (a server restored from a backup).
        """
        with self._lock:
            if version is None:
                self._removed.clear()
            changed = {
                key
                for key in self._items.keys() | items.keys()
                if self._changes(key, items.get(key), version)
            }
            for key in changed:
                self._remove(key)
                if key in items:
                    self._insert(key, *items[key])
                elif version is not None:
                    self._remember(key, version)
            return changed

    def _changes(self, key: str, listed: tuple[int, T] | None, version: int | None) -> bool:
        known = self._version(key)
        if version is not None and known > version:
            return False
        return listed is None or key not in self._items or listed[0] != known

    def _version(self, key: str) -> int:
        held = self._items.get(key)
        return held[0] if held else self._removed.get(key, -1)

    def _insert(self, key: str, version: int, item: T) -> None:
        self._removed.pop(key, None)
        self._items[key] = (version, item)
        for place in self._places(item):
            self._found.setdefault(place, set()).add(key)

    def _remove(self, key: str) -> bool:
        held = self._items.pop(key, None)
        if held is None:
            return False
        for place in self._places(held[1]):
            keys = self._found[place]
            keys.discard(key)
            if not keys:
                del self._found[place]
        return True

    def _remember(self, key: str, version: int) -> None:
        self._removed.pop(key, None)
        self._removed[key] = version
        if len(self._removed) > REMEMBERED_REMOVALS:
            del self._removed[next(iter(self._removed))]

    def _places(self, item: T) -> set[tuple[str, str]]:
        return {(index, value) for index, of in self._indexes.items() for value in of(item)}
