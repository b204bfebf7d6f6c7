"""When work may be done: this replica leads, and the API server and the export answer."""

from __future__ import annotations

import threading
from collections.abc import Callable

from holdfast.controller.circuit import Circuit
from holdfast.controller.outcome import NotLeading

_LOOK = 0.25  # seconds between two looks while the gate is closed


class Gate:
    """What workers pass before each key."""

    def __init__(
        self, leading: Callable[[], bool], circuits: tuple[Circuit, ...], stop: threading.Event
    ) -> None:
        self._leading = leading
        self._circuits = circuits
        self._stop = stop
        # Set by the steward, once the records that an earlier leader left have been read.
        self.begun = threading.Event()

    def can_begin(self) -> bool:
        """Whether this replica leads and everything answers."""
        return self._leading() and all(circuit.closed for circuit in self._circuits)

    def is_open(self) -> bool:
        """Whether work may be done now."""
        return self.begun.is_set() and self.can_begin()

    def wait(self) -> bool:
        """Waits until the gate is open; False when the program ends first."""
        while not self._stop.is_set():
            if self.is_open():
                return True
            self._stop.wait(_LOOK)
        return False

    def fence(self) -> None:
        """Raises NotLeading: asked again before each change, in the middle of the work."""
        if not (self.begun.is_set() and self._leading()):
            raise NotLeading
