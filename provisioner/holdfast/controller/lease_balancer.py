"""Spreads the leases of several exports over the replicas.

A replica leaves a free lease to others for a moment, the longer the more exports it leads. So the
lease goes to the one that leads fewest. Leases that are held are not moved: each move interrupts an
export's work.
"""

from __future__ import annotations

import hashlib
import time

from holdfast.controller.leadership import Leadership

# Seconds for each export that this replica leads or takes first, and for all of them at most: a
# lost replica's exports must not wait for long. Replicas that are started together begin seconds
# apart.
_STEP, _LONGEST = 0.5, 2.0
_STEP_AT_START, _LONGEST_AT_START = 2.0, 6.0
_START = 20.0  # seconds


class LeaseBalancer:
    """The exports of one replica, and how long it leaves the lease of each to others."""

    def __init__(self, identity: str) -> None:
        """`identity` is the replica's own: each takes free leases in an order of its own."""
        self._identity = identity
        self._started = time.monotonic()
        self._leaderships: dict[str, Leadership] = {}

    def add(self, export: str, leadership: Leadership) -> None:
        """Counts an export from now on."""
        self._leaderships = {**self._leaderships, export: leadership}  # others may be iterating

    def remove(self, export: str) -> None:
        """Counts it no more."""
        self._leaderships = {name: one for name, one in self._leaderships.items() if name != export}

    def acquire_delay(self, export: str) -> float:
        """Seconds for which the export's lease must have been free before this replica takes it."""
        own = self._place(export)
        first = sum(
            one.leading() or (one.is_free() and self._place(name) < own)
            for name, one in self._leaderships.items()
        )
        if time.monotonic() - self._started < _START:
            return min(_STEP_AT_START * first, _LONGEST_AT_START)
        return min(_STEP * first, _LONGEST)

    def _place(self, export: str) -> bytes:
        return hashlib.sha256(f"{self._identity}\0{export}".encode()).digest()
