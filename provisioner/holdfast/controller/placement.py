"""At which exports' addresses a volume is, asked several times for each event of each volume.

To ask costs about the same however many exports there are: those of the volume's server are found
by the paths above the volume's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Generic, Protocol, TypeVar

from holdfast.claims.build_volume import Address
from holdfast.claims.objects import Volume
from holdfast.claims.paths import cleaned, parents_of

_VOLUMES = 64  # what one event asks again is asked at once
_SERVERS = 256  # few, but asked about for each of ten thousand volumes


class _Addressed(Protocol):
    @property
    def address(self) -> Address: ...


V = TypeVar("V", bound=_Addressed)


class Placement(Generic[V]):
    """Finds the exports of volumes, among those that there are for now."""

    def __init__(self, views: Sequence[V]) -> None:
        self._views = views
        self._found = lru_cache(_VOLUMES)(self._find)
        self._by_path = lru_cache(_SERVERS)(self._views_of)

    def of(self, volume: Volume) -> tuple[tuple[V, str], ...]:
        """The views of the exports that a volume is on, in their order, and its directory there."""
        return self._found(volume.server, volume.path, not volume.provisioned_by)

    def _find(self, server: str, path: str, is_static: bool) -> tuple[tuple[V, str], ...]:  # noqa: FBT001 - of a cache's key
        by_path = self._by_path(server, is_static)
        found = (one for above in _above(path) for one in by_path.get(above, ()))
        return tuple(
            (view, place)
            for _, view in sorted(found, key=lambda one: one[0])
            if (place := view.address.place(server, path, is_static=is_static))
        )

    def _views_of(self, server: str, is_static: bool) -> dict[str, list[tuple[int, V]]]:  # noqa: FBT001 - of a cache's key
        """By path of the export, the numbers and views of those that the server may serve."""
        found: dict[str, list[tuple[int, V]]] = {}
        for number, view in enumerate(self._views):
            root = cleaned(view.address.path)
            if root is not None and view.address.may_have(server, is_static=is_static):
                found.setdefault(root, []).append((number, view))
        return found


def _above(path: str) -> Iterator[str]:
    """The paths of the exports that a volume's path can be on."""
    if found := cleaned(path):
        yield from parents_of(found)
        yield ""
