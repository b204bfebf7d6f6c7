"""Claims whose volume takes its time to be made: they are told that it is being made."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from holdfast.claims.objects import Claim
from holdfast.controller.event_recorder import EventRecorder

# Seconds after which somebody who looks at a pending claim wants to know. Most are made in less,
# and an event on each of those would be one request of three.
SLOW = 2.0


class Progress:
    """What is being made now; `tell` never blocks, whatever hangs."""

    def __init__(self, events: EventRecorder, now: Callable[[], float] = time.monotonic) -> None:
        self._events = events
        self._now = now
        self._begun: dict[str, tuple[float, Claim]] = {}

    @contextmanager
    def of(self, claim: Claim) -> Iterator[None]:
        """A volume is being made for a claim for as long as the block lasts."""
        self._begun[claim.key] = self._now(), claim
        try:
            yield
        finally:
            del self._begun[claim.key]

    def tell(self) -> None:
        """Says so on each claim that has waited for `SLOW` seconds, once."""
        for began, claim in tuple(self._begun.values()):
            if self._now() - began >= SLOW:
                message = f"making a volume for claim {claim.key}"
                self._events.normal_once(claim, "Provisioning", message)
