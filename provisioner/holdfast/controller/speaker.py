"""Events on claims and volumes, in the words of the contract."""

from __future__ import annotations

from typing import Literal

from holdfast.claims.objects import Claim, Volume
from holdfast.kube.events import About, Recorder
from holdfast.kube.resources import CLAIMS, VOLUMES

_Kind = Literal["Normal", "Warning"]


class Speaker:
    """Says on an object what becomes of it; never blocks, never fails."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def say(self, claim: Claim, reason: str, message: str) -> None:
        """Good news on a claim."""
        self._on_claim(claim, "Normal", reason, message)

    def warn(self, claim: Claim, reason: str, message: str) -> None:
        """Bad news on a claim: what is wrong and what to change."""
        self._on_claim(claim, "Warning", reason, message)

    def warn_volume(self, volume: Volume, reason: str, message: str) -> None:
        """Bad news on a volume."""
        about = About(
            VOLUMES.kind, VOLUMES.api, "", volume.name, volume.uid, resource_version=volume.version
        )
        self._recorder.event(about, "Warning", reason, message)

    def _on_claim(self, claim: Claim, kind: _Kind, reason: str, message: str) -> None:
        ref = claim.ref
        about = About(
            CLAIMS.kind, CLAIMS.api, ref.namespace, ref.name, ref.uid,
            resource_version=claim.version,
        )  # fmt: skip
        self._recorder.event(about, kind, reason, message)
