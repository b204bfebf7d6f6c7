"""The volumes whose request to the API server got no answer: it may be carried out later.

Also after the attempt was undone: the claim is bound to a volume without a directory then. What
was asked of the export is kept until the volume is confirmed, so that it can be made again.
"""

from __future__ import annotations

import threading

from holdfast.exports.interface import Wanted

_MOST = 1000  # a request that is carried out at all is carried out within minutes


class LateVolumes:
    """What was asked of the export for each; the oldest are forgotten. For several threads."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._wanted: dict[str, Wanted] = {}  # by volume, in the order of the requests
        self._using = threading.Lock()

    def add(self, wanted: Wanted) -> None:
        """Remembers a volume."""
        with self._using:
            self._wanted.pop(wanted.volume, None)
            self._wanted[wanted.volume] = wanted
            if len(self._wanted) > self._most:
                del self._wanted[next(iter(self._wanted))]

    def drop(self, volume: str) -> None:
        """Forgets a volume, if it is remembered."""
        with self._using:
            self._wanted.pop(volume, None)

    def claim_of(self, volume: str) -> str:
        """The key of the claim that a volume was requested for; empty for any other volume."""
        with self._using:
            wanted = self._wanted.get(volume)
        return str(wanted.claim) if wanted else ""

    def of(self, key: str) -> list[Wanted]:
        """What was asked for volumes of a claim's name."""
        with self._using:
            return [wanted for wanted in self._wanted.values() if str(wanted.claim) == key]
