"""The volumes whose request the API server did not answer, or failed on: it may come late.

Also after the attempt was undone: the claim is bound to a volume without a directory then. What
was asked of the export is kept until the volume is confirmed, so that it can be made again. If the
claim's path changed between two attempts, each of their requests may be the one that is carried
out, so both are kept.
"""

from __future__ import annotations

import threading

from holdfast.exports.interface import Wanted

_MOST = 1000  # a request that is carried out at all is carried out within minutes


class LateVolumes:
    """What was asked of the export for each; the oldest are forgotten. For several threads."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        # By volume, in the order of the latest requests, and by directory.
        self._wanted: dict[str, dict[str, Wanted]] = {}
        self._using = threading.Lock()

    def add(self, wanted: Wanted) -> None:
        """Remembers a request for a volume."""
        with self._using:
            others = self._wanted.pop(wanted.volume, {})
            self._wanted[wanted.volume] = {**others, wanted.directory: wanted}
            if len(self._wanted) > self._most:
                del self._wanted[next(iter(self._wanted))]

    def drop(self, volume: str) -> None:
        """Forgets a volume, if it is remembered."""
        with self._using:
            self._wanted.pop(volume, None)

    def discard(self, wanted: Wanted) -> None:
        """Forgets one of a volume's requests: the volume is not the one that it asked for."""
        with self._using:
            others = self._wanted.get(wanted.volume, {})
            others.pop(wanted.directory, None)
            if not others:
                self._wanted.pop(wanted.volume, None)

    def claim_of(self, volume: str) -> str:
        """The key of the claim that a volume was requested for; empty for any other volume."""
        with self._using:
            requests = self._wanted.get(volume, {}).values()
            return next((str(wanted.claim) for wanted in requests), "")

    def of(self, key: str) -> list[Wanted]:
        """What was asked for volumes of a claim's name."""
        with self._using:
            requests = (one for each in self._wanted.values() for one in each.values())
            return [wanted for wanted in requests if str(wanted.claim) == key]
