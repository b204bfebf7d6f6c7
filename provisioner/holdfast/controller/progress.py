"""Records an event on claims whose volume takes long to create."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from holdfast.claims.objects import Claim
from holdfast.controller.event_recorder import EventRecorder

# Seconds after which a user wants to know why a claim is pending. Most volumes take less; an event
# on each of them would be a third of all requests.
SLOW = 2.0


class Progress:
    """The volumes that are being created; `tell` never blocks, even if the export hangs."""

    def __init__(self, events: EventRecorder, now: Callable[[], float] = time.monotonic) -> None:
        self._events = events
        self._now = now
        self._begun: dict[str, tuple[float, Claim]] = {}

    @contextmanager
    def of(self, claim: Claim) -> Iterator[None]:
        """Notes that a volume is being created for a claim during the block."""
        self._begun[claim.key] = self._now(), claim
        try:
            yield
        finally:
            del self._begun[claim.key]

    def tell(self) -> None:
        """Records one event on each claim that has waited for `SLOW` seconds."""
        for began, claim in tuple(self._begun.values()):
            if self._now() - began >= SLOW:
                message = f"creating a volume for claim {claim.key}"
                self._events.normal_once(claim, "Provisioning", message)
