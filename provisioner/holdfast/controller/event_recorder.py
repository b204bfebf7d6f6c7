"""Records events on claims, volumes and replicas."""

from __future__ import annotations

import os
from typing import Literal

from holdfast.claims.objects import Claim, Volume
from holdfast.kube.event_broadcaster import EventBroadcaster, ObjectReference
from holdfast.kube.lru import LRU
from holdfast.kube.resources import CLAIMS, LEASES, PODS, VOLUMES

_REMEMBERED = 1000  # pairs of claim and reason that `normal_once` remembers

_Kind = Literal["Normal", "Warning"]


class EventRecorder:
    """Records events on claims, volumes and replicas; never blocks, never fails."""

    def __init__(self, broadcaster: EventBroadcaster) -> None:
        self._broadcaster = broadcaster
        self._said: LRU[tuple[str, str, str], bool] = LRU(_REMEMBERED)

    def normal(self, claim: Claim, reason: str, message: str) -> None:
        """A normal event on a claim."""
        self._on_claim(claim, "Normal", reason, message)

    def normal_once(self, claim: Claim, reason: str, message: str) -> None:
        """Like `normal`, but only once for each claim, reason and message."""
        said = (claim.ref.uid, reason, message)
        if self._said.get(said) is None:
            self._said.set(said, True)
            self.normal(claim, reason, message)

    def warning(self, claim: Claim, reason: str, message: str) -> None:
        """A warning on a claim: what is wrong and what to change."""
        self._on_claim(claim, "Warning", reason, message)

    def volume_warning(self, volume: Volume, reason: str, message: str) -> None:
        """A warning on a volume."""
        about = ObjectReference(
            VOLUMES.kind, VOLUMES.api, "", volume.name, volume.uid, resource_version=volume.version
        )
        self._broadcaster.event(about, "Warning", reason, message)

    def trash_warning(self, volume: str, reasons: str) -> None:
        """A warning on a deleted volume: its data cannot be removed."""
        about = ObjectReference(VOLUMES.kind, VOLUMES.api, "", volume, "")
        what = f"cannot remove what is left in .holdfast/trash/{volume}"
        message = f"{what}: {reasons}; Holdfast retries"
        self._broadcaster.event(about, "Warning", "TrashNotRemoved", message)

    def replica_warning(self, namespace: str, lease: str, reason: str, message: str) -> None:
        """A warning about this replica: on its own pod or, outside of a pod, on the lease."""
        about = ObjectReference(LEASES.kind, LEASES.api, namespace, lease, "")
        if pod := os.environ.get("POD_NAME"):
            about = ObjectReference(PODS.kind, PODS.api, namespace, pod, "")
        self._broadcaster.event(about, "Warning", reason, message)

    def _on_claim(self, claim: Claim, kind: _Kind, reason: str, message: str) -> None:
        ref = claim.ref
        about = ObjectReference(
            CLAIMS.kind, CLAIMS.api, ref.namespace, ref.name, ref.uid,
            resource_version=claim.version,
        )  # fmt: skip
        self._broadcaster.event(about, kind, reason, message)
