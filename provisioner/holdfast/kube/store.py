"""Objects of the cluster in memory, by key and by index; a newer version is never overwritten.

Two sources write to it: the reflector, with what the server reports, and the workers, with the
answers to their own writes (so that a volume just made is seen before its watch event comes).
Either may be late, so every item carries its resourceVersion and older news is refused, also
about a key that was removed meanwhile, and news older than a list about a key that is not held:
the list has it, or it is gone. Versions of one resource are comparable integers
(Kubernetes API concepts, "Resource versions"). Rejected: trusting the order of arrival.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Generic, TypeVar

from holdfast.kube.index import Index
from holdfast.kube.tally import Tally

T = TypeVar("T")

# A late answer to our own write is seconds old; this many removals are minutes.
REMEMBERED_REMOVALS = 1024
# Most who ask an index want to know whether there is anything at all.
_FEW = 8


class Store(Generic[T]):
    """Items by key and by index; safe for several threads. Items must not be changed in place."""

    def __init__(
        self,
        indexes: Mapping[str, Callable[[T], Iterable[Hashable]]] | None = None,
        counted: Callable[[T], Iterable[str]] = lambda _: (),
        indexed_by: Callable[[T], Hashable] | None = None,
    ) -> None:
        """`indexes` name functions from an item to the values it is to be found under.

        `counted` gives the values under which an item only counts. `indexed_by` gives all that
        these values follow from: an item that has changed in nothing of it is not indexed anew.
        """
        self._indexes = {name: Index(values_of) for name, values_of in (indexes or {}).items()}
        self._tally = Tally(counted)
        self._indexed_by = indexed_by
        self._lock = threading.RLock()
        self._items: dict[str, tuple[int, T]] = {}
        self._removed: dict[str, int] = {}
        self._listed = -1  # the version of the list that began last

    def get(self, key: str) -> T | None:
        """The item of a key, or None."""
        held = self._items.get(key)
        return held[1] if held else None

    def holds(self, key: str, version: int) -> bool:
        """Whether the item of a key is held at just this version."""
        held = self._items.get(key)
        return held is not None and held[0] == version

    def count(self, value: str) -> int:
        """How many items count under a value; however many there are, and waiting for nobody."""
        return self._tally.count(value)

    def keys(self) -> list[str]:
        """All keys, as of now."""
        with self._lock:
            return list(self._items)

    def values(self) -> list[T]:
        """All items, as of now."""
        with self._lock:
            return [item for _, item in self._items.values()]

    def values_of(self, index: str) -> list[Hashable]:
        """The values of an index under which there are items, as of now.

        Raises:
            KeyError: There is no such index.
        """
        with self._lock:
            return self._indexes[index].values()

    def by(self, index: str, value: Hashable) -> Iterator[T]:
        """The items found under a value of an index, those that came first first.

        To look at the first few costs the same however many there are. What comes or goes
        meanwhile may be among them or not.

        Raises:
            KeyError: There is no such index.
        """
        return self._by(self._indexes[index], value)

    def _by(self, index: Index[T], value: Hashable) -> Iterator[T]:
        seen: set[str] = set()
        for most in (_FEW, None):
            with self._lock:
                found = [(key, self._items[key][1]) for key in islice(index.keys(value), most)]
            yield from (item for key, item in found if key not in seen)
            if len(found) != most:
                return
            seen.update(key for key, _ in found)

    def apply(self, key: str, version: int, item: T | None) -> bool:
        """Take the news that `key` is `item` (None: gone) at `version`; False when it is not news.

        Neither what is held already at this version nor the end of what is not held is news.
        """
        with self._lock:
            if version <= self._version(key):
                return False
            if item is not None:
                self._set(key, version, item)
                return True
            held = self._remove(key)
            if held or key in self._removed:
                self._remember(key, version)
            return held

    def take_listed(self, key: str, version: int, item: T, *, as_of: int | None) -> bool:
        """Take an item of a list; False when that changes nothing.

        With the list's version `as_of`, what is held or was removed at a higher one stays so: it
        happened after the list was taken. Without, the list is the whole truth, also where its
        versions are lower (a server restored from a backup).
        """
        with self._lock:
            if self.holds(key, version) or self._is_later(key, as_of):
                return False
            self._set(key, version, item)
            return True

    def drop_unlisted(self, key: str, *, as_of: int | None) -> bool:
        """Remove what is not on a list; False when that changes nothing, as with `take_listed`."""
        with self._lock:
            if self._is_later(key, as_of):
                return False
            return self._remove(key)

    def begin_list(self, as_of: int | None) -> None:
        """A list begins; without `as_of` what was removed may come back, at whatever version."""
        with self._lock:
            self._listed = -1 if as_of is None else as_of
            if as_of is None:
                self._removed.clear()

    def reindex(self, change: Callable[[], object]) -> None:
        """Runs `change`, which changes what items are to be found under, and indexes them anew."""
        with self._lock:
            change()
            indexes = tuple(self._all_indexes())
            for index in indexes:
                index.clear()
            for key, (_, item) in self._items.items():  # what indexes share is found once for each
                for index in indexes:
                    index.change(key, None, item)

    def _is_later(self, key: str, as_of: int | None) -> bool:
        return as_of is not None and self._version(key) > as_of

    def _version(self, key: str) -> int:
        held = self._items.get(key)
        return held[0] if held else max(self._removed.get(key, -1), self._listed)

    def _set(self, key: str, version: int, item: T) -> None:
        before = self.get(key)
        self._removed.pop(key, None)
        self._items[key] = (version, item)
        if self._is_indexed_alike(before, item):
            return
        for index in self._all_indexes():
            index.change(key, before, item)

    def _is_indexed_alike(self, before: T | None, item: T) -> bool:
        by = self._indexed_by
        return by is not None and before is not None and by(before) == by(item)

    def _remove(self, key: str) -> bool:
        held = self._items.pop(key, None)
        if held is None:
            return False
        for index in self._all_indexes():
            index.change(key, held[1], None)
        return True

    def _all_indexes(self) -> Iterator[Index[T] | Tally[T]]:
        yield from self._indexes.values()
        yield self._tally

    def _remember(self, key: str, version: int) -> None:
        self._removed.pop(key, None)
        self._removed[key] = version
        if len(self._removed) > REMEMBERED_REMOVALS:
            del self._removed[next(iter(self._removed))]
