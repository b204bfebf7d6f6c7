"""Whose data versions 4.0.1 and 4.0.2 of nfs-subdir act on when they delete a volume.

They look for the last component of its path at the root of the export that they mount. Which one
that is, only the volumes of the provisioner can tell.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from holdfast.claims import nfs_subdir
from holdfast.claims.objects import StorageClass, Volume
from holdfast.claims.paths import cleaned, parents_of
from holdfast.claims.volume_address import root_of

_Place = tuple[str, str]  # a server, and a cleaned path


class Targets:
    """As far as the volumes of the cluster tell it: data of others is not known."""

    def __init__(self, volumes: Iterable[Volume], classes: Mapping[str, StorageClass]) -> None:
        """`volumes` are all of the cluster, also those of other provisioners and of none."""
        self._classes = classes
        self._beneath = defaultdict[_Place, set[str]](set)
        self._roots = defaultdict[str, set[_Place]](set)
        for one in (one for one in volumes if one.server):
            for place in _way_to(one):
                self._beneath[place].add(one.name)
            if (root := self._root(one)) is not None:
                self._roots[one.provisioned_by].add((one.server, root))

    def of(self, volume: Volume) -> set[str]:
        """The volumes with data where it acts on this volume, itself perhaps among them.

        If the provisioner has volumes on several exports, on any of these.
        """
        name = nfs_subdir.target(volume.path)
        places = ((server, _joined(root, name)) for server, root in self._exports(volume))
        return {one for place in places for one in self._beneath.get(place, ())}

    def _exports(self, volume: Volume) -> set[_Place]:
        """Those that its provisioner may mount; if its own cannot be told, any that it can be."""
        known = self._roots.get(volume.provisioned_by, set())
        above = set(_way_to(volume)) - {_place_of(volume)}
        return known if known & above else known | above

    def _root(self, volume: Volume) -> str | None:
        root = root_of(volume)
        if root is None and (storage_class := self._classes.get(volume.class_name)):
            by_pattern = nfs_subdir.directory(storage_class.parameters, volume.claim, None)
            root = root_of(replace(volume, directory=by_pattern)) if by_pattern else None
        return None if root is None else cleaned(root)


def _way_to(volume: Volume) -> Iterator[_Place]:
    """The place of a volume, those above it, and the server's root; none for a path with `..`."""
    path = cleaned(volume.path)
    if path is not None:
        yield from ((volume.server, above) for above in {path, *parents_of(path), ""})


def _place_of(volume: Volume) -> _Place:
    return volume.server, cleaned(volume.path) or ""


def _joined(root: str, name: str) -> str:
    return f"{root}/{name}".strip("/")
