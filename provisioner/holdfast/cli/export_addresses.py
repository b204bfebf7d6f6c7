"""Which export a volume is on, as the volumes of the cluster alone tell it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from holdfast.claims.objects import Volume
from holdfast.claims.volume_address import NamedAddress, root_of


class ExportAddresses:
    """One address for each export, though its volumes may name several.

    Volumes with the same export id are on the same export.
    """

    def __init__(self, volumes: Iterable[Volume]) -> None:
        named = defaultdict[str, set[str]](set)
        for one in volumes:
            if one.export_id and (address := _named_by(one)):
                named[one.export_id].add(address)
        self._of_id = {export_id: min(those) for export_id, those in named.items()}
        self._of_named = {
            address: self._of_id[export_id]
            for export_id, those in named.items()
            for address in those
        }

    def of(self, volume: Volume) -> str:
        """The address of a volume's export, or its id; empty where neither can be told."""
        if volume.export_id:
            return self._of_id.get(volume.export_id, volume.export_id)
        address = _named_by(volume)
        return self._of_named.get(address, address)


def _named_by(volume: Volume) -> str:
    root = root_of(volume)
    return "" if root is None else str(NamedAddress(volume.server, root))
