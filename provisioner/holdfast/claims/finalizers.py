"""Whether a volume needs our finalizer, which keeps it in the API server until it is reclaimed.

The rules are those of sig-storage-lib-external-provisioner (`syncVolume`), which adds none to a
released volume; `finalizers_for_reclaim` does.
"""

from __future__ import annotations

from holdfast.claims.constants import FINALIZER
from holdfast.claims.decide import Provisioner, volume_name
from holdfast.claims.objects import Volume
from holdfast.claims.reclaim_rules import is_provisioned_by


def desired_finalizers(volume: Volume, provisioner: Provisioner) -> tuple[str, ...]:
    """The finalizers that a volume should have; equal to what it has where nothing is to do."""
    if not is_provisioned_by(volume, provisioner):
        return volume.finalizers
    if volume.reclaim_policy != "Delete" or not provisioner.finalizer:
        return without_finalizer(volume.finalizers)
    if volume.phase == "Bound" and not volume.deleting:
        return with_finalizer(volume.finalizers)
    return volume.finalizers


def finalizers_for_reclaim(volume: Volume, provisioner: Provisioner) -> tuple[str, ...]:
    """The finalizers that a released volume needs before its directory is touched.

    It has none of ours if its policy became Delete after its release. Somebody could set it to
    Retain again and delete it halfway then, and no leader would learn of that. The API server
    refuses new finalizers on a volume under deletion.
    """
    if volume.deleting or not provisioner.finalizer:
        return volume.finalizers
    return with_finalizer(volume.finalizers)


def is_deleted_unbound(volume: Volume, provisioner: Provisioner) -> bool:
    """Whether our finalizer holds a volume that was deleted before it was bound.

    The controller manager binds no volume under deletion. So the volume's claim, if it still waits,
    gets another one only once this one is gone. One whose claimRef has no uid is never released.
    """
    is_held = volume.deleting and FINALIZER in volume.finalizers
    is_unbound = volume.phase not in {"Bound", "Released", "Failed"}
    is_waiting = not volume.claim.uid or volume.name == volume_name(volume.claim)
    return is_held and is_unbound and is_waiting and is_provisioned_by(volume, provisioner)


def with_finalizer(finalizers: tuple[str, ...]) -> tuple[str, ...]:
    """The finalizers and ours."""
    return finalizers if FINALIZER in finalizers else (*finalizers, FINALIZER)


def without_finalizer(finalizers: tuple[str, ...]) -> tuple[str, ...]:
    """The finalizers of others."""
    return tuple(name for name in finalizers if name != FINALIZER)
