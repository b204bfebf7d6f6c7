"""Groups of volumes of ours that tell the same about where they are.

There are few, so the questions that are asked again and again (is the right export mounted, which
volumes name another address) are answered without a look at all volumes.
"""

from __future__ import annotations

from typing import NamedTuple

from holdfast.claims.build_volume import Address
from holdfast.claims.objects import Volume
from holdfast.claims.volume_address import is_beneath, unknown_address


class Group(NamedTuple):
    """What the volumes of a group have in common.

    Attributes:
        export: the name of the export at whose address they are; empty if they are at none's.
        export_id: the id that they name; empty without one.
        is_beneath: whether they certainly are on that export.
        names_export: whether they name that export, and not one above or beneath it.
        is_annotated: whether an annotation names their directory.
    """

    export: str
    export_id: str
    is_beneath: bool = False
    names_export: bool = False
    is_annotated: bool = False


def group_of(volume: Volume, export: str, address: Address) -> Group:
    """The group of a volume of ours at the address of an export."""
    return Group(
        export,
        volume.export_id,
        is_beneath(volume, address),
        unknown_address(volume, address) is None,
        bool(volume.directory),
    )


def group_elsewhere(volume: Volume) -> Group:
    """The group of a volume of ours that is at no export's address."""
    return Group("", volume.export_id, is_annotated=bool(volume.directory))
