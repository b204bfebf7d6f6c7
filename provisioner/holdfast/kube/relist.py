"""A full list, taken into a store page by page.

Rejected: to read the whole list first and replace the store's items then, which takes the memory
of all items twice. What a list that breaks off has brought is true and stays; only the last page
tells what is gone.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from holdfast.kube.store import Store

T = TypeVar("T")


class Relist(Generic[T]):
    """One list; `version` as `Store.take_listed` has it."""

    def __init__(self, store: Store[T], version: int | None) -> None:
        self._store = store
        self._version = version
        self._unlisted = set(store.keys())
        store.begin_list(version)

    def is_held(self, key: str, version: int) -> bool:
        """Whether an item of the list is held already, so that it need not be taken."""
        if not self._store.holds(key, version):
            return False
        self._unlisted.discard(key)
        return True

    def take(self, key: str, version: int, item: T) -> bool:
        """Take an item of the list; False when that changes nothing."""
        self._unlisted.discard(key)
        return self._store.take_listed(key, version, item, as_of=self._version)

    def end(self) -> list[str]:
        """There are no more items; the keys of those that are gone."""
        return [
            key for key in self._unlisted if self._store.drop_unlisted(key, as_of=self._version)
        ]
