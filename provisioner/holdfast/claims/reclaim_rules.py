"""Whether a volume is ours, and whether it is to be reclaimed.

The rules are those of sig-storage-lib-external-provisioner (`isProvisionerForVolume`,
`shouldDelete`), which cluster administrators and the controller manager expect.
"""

from __future__ import annotations

from holdfast.claims.build_volume import Address
from holdfast.claims.constants import FINALIZER
from holdfast.claims.decide import Provisioner
from holdfast.claims.objects import Volume


def is_provisioned_by(volume: Volume, provisioner: Provisioner) -> bool:
    """Whether this provisioner answers for a volume; never for one that a person made as NFS."""
    names = (volume.provisioned_by, volume.migrated_to, volume.csi_driver)
    return any(name and provisioner.answers_to(name) for name in names)


def is_on_export(volume: Volume, address: Address, export_id: str) -> bool:
    """Whether a volume's directory is on this export: by server, path and id together.

    A volume without an id (not recorded yet: an inherited one, or one from before exports had ids)
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
    if not is_provisioned_by(volume, provisioner):
        return False
    if volume.deleting and FINALIZER not in volume.finalizers:
        return False
    return volume.phase == "Released" and volume.reclaim_policy == "Delete"
