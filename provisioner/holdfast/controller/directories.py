"""An export as the loops use it: every call bounded in time and measured."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from holdfast.controller.metrics import Metrics
from holdfast.exports.deadline import Lane
from holdfast.exports.errors import ExportError, Unavailable
from holdfast.exports.export import Export

T = TypeVar("T")

# A stale handle heals when the server exports the file system again; past this time it is the
# mount that has to be made anew, and only a new pod does that.
_STALE_SECONDS = 60.0


class Directories:
    """One export, behind a lane with a deadline."""

    def __init__(self, export: Export, seconds: float, metrics: Metrics) -> None:
        self.seconds = seconds
        self._export = export
        self._lane = Lane(seconds=seconds)
        # Of its own: a probe that waits behind hung calls would say nothing about the export.
        self._probe_lane = Lane(width=2, seconds=min(seconds, 10.0))
        self._metrics = metrics
        self._begun: dict[str, threading.Event] = {}  # by what a call is about
        self._prepared = False
        self._stale_since: float | None = None

    def do(self, operation: str, call: Callable[[Export], T], volume: str = "") -> T:
        """Carries out one operation; raises ExportError.

        A call that hangs is tried again and again. So that its volume takes one place in the
        lane and not all, and so that it does not go on beside a later one, that one waits.
        """
        started, about = time.monotonic(), volume or operation
        try:
            earlier = self._begun.get(about)
            if earlier is not None and not earlier.wait(self.seconds):
                raise Unavailable(f"cannot {operation}: the export hangs in an earlier call")
            return self._lane.call(lambda: self._call(about, call), f"cannot {operation}")
        except ExportError:
            self._metrics.export_failed.labels(operation).inc()
            raise
        finally:
            self._metrics.export_seconds.labels(operation).observe(time.monotonic() - started)

    def probe(self) -> None:
        """Tries the export, and prepares it the first time; raises ExportError."""
        try:
            self._probe_lane.call(self._try, "cannot try the export")
            self._stale_since = None
        except ExportError as error:
            self._note_stale(stale=isinstance(error, Unavailable) and error.stale)
            raise

    @property
    def origin(self) -> str:
        """Which cluster we write into records; empty until `identify`."""
        return self._export.origin

    def identify(self, origin: str) -> None:
        """Takes what the cluster is called in records."""
        self._export.origin = origin

    @property
    def is_stale(self) -> bool:
        """Whether only a new mount can help."""
        since = self._stale_since
        return since is not None and time.monotonic() - since > _STALE_SECONDS

    def close(self) -> None:
        """Ends the threads that wait for more to do."""
        self._lane.close()
        self._probe_lane.close()

    def _call(self, about: str, call: Callable[[Export], T]) -> T:
        ended = self._begun[about] = threading.Event()
        try:
            return call(self._export)
        finally:
            self._begun.pop(about, None)
            ended.set()

    def _try(self) -> None:
        if not self._prepared:
            self._export.prepare()
            self._prepared = True
        self._export.probe()

    def _note_stale(self, *, stale: bool) -> None:
        if not stale:
            self._stale_since = None
        elif self._stale_since is None:
            self._stale_since = time.monotonic()
