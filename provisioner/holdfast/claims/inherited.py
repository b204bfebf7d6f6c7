"""Volumes that nfs-subdir-external-provisioner made: they carry no record of ours.

Before anything may happen to such a directory it is checked against the rules by which that
provisioner names directories (design, rule 3); a volume that somebody wrote by hand, pointing at
another's data, does not pass.
"""

from __future__ import annotations

from holdfast.claims import nfs_subdir
from holdfast.claims.build_volume import Address
from holdfast.claims.decide import volume_name
from holdfast.claims.errors import Refused
from holdfast.claims.objects import Claim, StorageClass, Volume
from holdfast.claims.parameters import Action, read_bool
from holdfast.claims.paths import components, directory_name


def directory(
    volume: Volume, address: Address, storage_class: StorageClass | None, claim: Claim | None
) -> str:
    """The directory of an inherited volume.

    Args:
        volume: one with this provisioner's name.
        address: the export.
        storage_class: its class, None where that is gone.
        claim: its claim, for labels and annotations; None where that is gone, or not needed.

    Raises:
        Refused: the volume is not on this export, or its path is not what nfs-subdir's naming
            rules give for its claim.
    """
    if volume.name != volume_name(volume.claim):
        raise Refused(left_alone(volume, "its name is not 'pvc-' and its claim's uid"))
    found = address.directory_of(volume.path)
    if found is None or not address.is_served_by(volume.server):
        where = f"{address.server}:{address.path}"
        raise Refused(left_alone(volume, f"it is not on this provisioner's export {where}"))
    try:
        components(found)
    except Refused as refused:
        raise Refused(left_alone(volume, refused.message)) from None
    if found != _default(volume) and found != _by_pattern(volume, storage_class, claim):
        raise Refused(left_alone(volume, f"no naming rule gives the directory {found!r}"))
    return found


def action(storage_class: StorageClass | None) -> Action:
    """The reclaim action of an inherited volume: its class's, else the one that loses nothing."""
    return nfs_subdir.action(storage_class.parameters) if storage_class else Action.ARCHIVE


def shared_paths(storage_class: StorageClass | None) -> bool:
    """Whether the class lets inherited volumes have one directory; a wrong value does not."""
    given = storage_class.parameters.get("sharedPaths") if storage_class else ""
    try:
        return read_bool(given or "false")
    except Refused:
        return False


def _default(volume: Volume) -> str:
    return directory_name(volume.claim.namespace, volume.claim.name, volume.name)


def _by_pattern(
    volume: Volume, storage_class: StorageClass | None, claim: Claim | None
) -> str | None:
    if storage_class is None:
        return None
    own = claim if claim is not None and claim.ref == volume.claim else None
    return nfs_subdir.directory(storage_class.parameters, volume.claim, own)


def left_alone(volume: Volume, why: str) -> str:
    """The sentence for a volume that is not recorded."""
    return (
        f"volume {volume.name} has no record on the export and {why}: its data is left alone; "
        "handle the directory by hand, then set the volume's reclaim policy to Retain and delete it"
    )
