"""Which volumes are reconciled when an event about them arrives."""

from __future__ import annotations

from holdfast.claims.decide import Provisioner
from holdfast.claims.finalizers import desired_finalizers, is_deleted_unbound
from holdfast.claims.objects import Volume
from holdfast.claims.reclaim_rules import is_provisioned_by, is_released


def needs_reconcile(volume: Volume, provisioner: Provisioner) -> bool:
    """Whether to reconcile a volume: to reclaim it, or to update its finalizer or its record.

    Most events of a volume come from other controllers; in a burst, reconciling for each costs as
    much as creating the volumes.
    """
    if not is_provisioned_by(volume, provisioner):
        return False
    aligned = desired_finalizers(volume, provisioner) == volume.finalizers
    if not (aligned and volume.directory) or is_released(volume, provisioner):
        return True
    return is_deleted_unbound(volume, provisioner)
