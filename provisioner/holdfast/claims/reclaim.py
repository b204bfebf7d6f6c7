"""What is to become of a volume: is it ours, is it released, does it need our finalizer?

The rules are those of sig-storage-lib-external-provisioner (`isProvisionerForVolume`,
`shouldDelete`, `syncVolume`), which cluster administrators and the controller manager expect.
"""

from __future__ import annotations

from holdfast.claims.constants import FINALIZER
from holdfast.claims.decide import Provisioner
from holdfast.claims.objects import Volume
from holdfast.claims.volume import Address


def owns(volume: Volume, provisioner: Provisioner) -> bool:
    """Whether this provisioner answers for a volume; never for one that a person made as NFS."""
    names = (volume.provisioned_by, volume.migrated_to, volume.csi_driver)
    return any(name and provisioner.answers_to(name) for name in names)


def belongs(volume: Volume, address: Address, export_id: str) -> bool:
    """Whether a volume's directory is on this export: by server, path and id together.

    A volume without an id (an inherited one, or one that Holdfast made before exports had an id)
    is known by server and path alone (design, rule 9: the wrong place is recognised).
    """
    return (
        address.is_served_by(volume.server)
        and address.directory_of(volume.path) is not None
        and volume.export_id in {"", export_id}
    )


def is_released(volume: Volume, provisioner: Provisioner) -> bool:
    """Whether a volume's directory is to be reclaimed now.

    A volume that somebody deletes before its claim is reclaimed only where our finalizer still
    holds it: without it, the API server has already forgotten the volume.
    """
    if not owns(volume, provisioner):
        return False
    if volume.deleting and FINALIZER not in volume.finalizers:
        return False
    return volume.phase == "Released" and volume.reclaim_policy == "Delete"


def needs_care(volume: Volume, provisioner: Provisioner) -> bool:
    """Whether there may be something to do about a volume: its end, its finalizer, its record.

    Most events of a volume are others' doings; in a burst, looking into each costs as much as
    making the volumes.
    """
    if not owns(volume, provisioner):
        return False
    aligned = wanted_finalizers(volume, provisioner) == volume.finalizers
    return not (aligned and volume.directory) or is_released(volume, provisioner)


def wanted_finalizers(volume: Volume, provisioner: Provisioner) -> tuple[str, ...]:
    """The finalizers that a volume should have; equal to what it has where nothing is to do."""
    if not owns(volume, provisioner):
        return volume.finalizers
    if volume.reclaim_policy != "Delete" or not provisioner.finalizer:
        return without_finalizer(volume.finalizers)
    if volume.phase == "Bound" and not volume.deleting:
        return with_finalizer(volume.finalizers)
    return volume.finalizers


def with_finalizer(finalizers: tuple[str, ...]) -> tuple[str, ...]:
    """The finalizers and ours."""
    return finalizers if FINALIZER in finalizers else (*finalizers, FINALIZER)


def without_finalizer(finalizers: tuple[str, ...]) -> tuple[str, ...]:
    """The finalizers of others."""
    return tuple(name for name in finalizers if name != FINALIZER)
