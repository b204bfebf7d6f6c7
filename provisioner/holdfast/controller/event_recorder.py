"""Records events on claims, volumes and replicas."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Literal

from holdfast.claims.objects import Claim, Volume
from holdfast.kube.event_broadcaster import EventBroadcaster, ObjectReference
from holdfast.kube.lru import LRU
from holdfast.kube.resources import CLAIMS, LEASES, PODS, VOLUMES

_CLAIMS = 1000  # if there are more of which something is remembered, those gone are forgotten
_MOST_SAID = 20  # reasons and messages that `normal_once` remembers of a claim

_Kind = Literal["Normal", "Warning"]


class EventRecorder:
    """Records events on claims, volumes and replicas; never blocks, never fails."""

    def __init__(
        self, broadcaster: EventBroadcaster, is_known: Callable[[str], bool] = lambda _: False
    ) -> None:
        """`is_known` says whether there may be more to say of a claim, by its key."""
        self._broadcaster = broadcaster
        self._is_known = is_known
        self._said: dict[str, LRU[tuple[str, str, str], bool]] = {}  # by the key of the claim
        self._most_claims = _CLAIMS
        self._using_said = threading.Lock()

    def normal(self, claim: Claim, reason: str, message: str) -> None:
        """A normal event on a claim."""
        self._on_claim(claim, "Normal", reason, message)

    def normal_once(self, claim: Claim, reason: str, message: str) -> None:
        """Like `normal`, but only once for each claim, reason and message."""
        if self._is_new(claim, reason, message):
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

    def _is_new(self, claim: Claim, reason: str, message: str) -> bool:
        """Whether a message was not recorded on a claim before; remembers it."""
        message_of = (claim.ref.uid, reason, message)
        with self._using_said:
            said = self._said.setdefault(claim.key, LRU(_MOST_SAID))
            is_new = said.get(message_of) is None
            said.set(message_of, True)
            if len(self._said) > self._most_claims:
                self._forget_gone()
        return is_new

    def _forget_gone(self) -> None:
        self._said = {key: said for key, said in self._said.items() if self._is_known(key)}
        self._most_claims = max(_CLAIMS, 2 * len(self._said))

    def _on_claim(self, claim: Claim, kind: _Kind, reason: str, message: str) -> None:
        ref = claim.ref
        about = ObjectReference(
            CLAIMS.kind, CLAIMS.api, ref.namespace, ref.name, ref.uid,
            resource_version=claim.version,
        )  # fmt: skip
        self._broadcaster.event(about, kind, reason, message)
