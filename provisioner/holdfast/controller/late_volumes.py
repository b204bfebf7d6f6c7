"""The volumes whose request the API server did not answer, or failed on: it may come late.

Also after the attempt was undone: the claim is bound to a volume without a directory then. What
was asked of the export is kept until the volume is confirmed, so that it can be made again. If the
claim's path changed between two attempts, each of their requests may be the one that is carried
out, so both are kept.
"""

from __future__ import annotations

import threading

from holdfast.exports.interface import DirectorySpec

_MOST = 1000  # a request that is carried out at all is carried out within minutes


class LateVolumes:
    """What was asked of the export for each; the oldest are forgotten. For several threads."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        # By volume, in the order of the latest requests, and by directory.
        self._specs: dict[str, dict[str, DirectorySpec]] = {}
        self._using = threading.Lock()

    def add(self, spec: DirectorySpec) -> None:
        """Remembers a request for a volume."""
        with self._using:
            others = self._specs.pop(spec.volume, {})
            self._specs[spec.volume] = {**others, spec.directory: spec}
            if len(self._specs) > self._most:
                del self._specs[next(iter(self._specs))]

    def drop(self, volume: str) -> None:
        """Forgets a volume, if it is remembered."""
        with self._using:
            self._specs.pop(volume, None)

    def discard(self, spec: DirectorySpec) -> None:
        """Forgets one of a volume's requests: the volume is not the one that it asked for."""
        with self._using:
            others = self._specs.get(spec.volume, {})
            others.pop(spec.directory, None)
            if not others:
                self._specs.pop(spec.volume, None)

    def claim_of(self, volume: str) -> str:
        """The key of the claim that a volume was requested for; empty for any other volume."""
        with self._using:
            requests = self._specs.get(volume, {}).values()
            return next((str(spec.claim) for spec in requests), "")

    def of(self, key: str) -> list[DirectorySpec]:
        """What was asked for volumes of a claim's name."""
        with self._using:
            requests = (one for each in self._specs.values() for one in each.values())
            return [spec for spec in requests if str(spec.claim) == key]
