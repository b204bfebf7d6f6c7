"""An export as the controllers use it: every call has a deadline, is fenced, and measured."""

from __future__ import annotations

import errno
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

from holdfast.claims.decide import DEFAULT_EXPORT
from holdfast.controller.export_commands import naming
from holdfast.controller.export_metrics import ExportMetrics
from holdfast.controller.outstanding_calls import Outstanding
from holdfast.exports.deadline import Lane
from holdfast.exports.errors import ExportError, ExportUnavailable, TimedOut, WrongExport
from holdfast.exports.interface import ExportInfo, ExportInterface, Grant

T = TypeVar("T")

# A stale handle recovers when the server exports the file system again. After this time, only
# mounting the export again helps, which needs a new pod.
_STALE_SECONDS = 60.0
# Errors of one volume that may be the first symptom of a fault of the export.
_SIGNS = {errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.ENODEV, errno.ENOTCONN}


@dataclass(frozen=True, slots=True)
class Probed:
    """The last probe of the export: when it ended, and how long it took (None: it failed)."""

    at: datetime
    seconds: float | None


class ExportClient:
    """One export, behind a lane with a deadline."""

    def __init__(
        self,
        exports: ExportInterface,
        seconds: float,
        metrics: ExportMetrics,
        *,
        grant: Callable[[float], Grant],
        check: Callable[[ExportInfo], object] = lambda _: None,
        can_check: Callable[[], bool] = lambda: True,
        name: str = DEFAULT_EXPORT,
    ) -> None:
        """`grant` returns a Grant for so many seconds, or raises LeadershipLost.

        `check` raises WrongExport if the mounted export is not the expected one; `can_check` is
        False while `check` could not tell. `name` is the export's, for the commands that messages
        advise.
        """
        self.name = name
        self.seconds = seconds
        self.trouble: Callable[[], object] = lambda: None  # asks for a probe of the export now
        self._exports = exports
        self._grant = grant
        self._check = check
        self._can_check = can_check
        self._lane = Lane(seconds=seconds)
        # A separate lane: a probe that waits behind hung calls would say nothing about the export.
        self._probe_lane = Lane(width=2, seconds=min(seconds, 10.0))
        self._metrics = metrics
        self._begun: dict[str, threading.Event] = {}  # by the volume or operation of the call
        self._outstanding = Outstanding()
        self._stale_since: float | None = None
        self._was_wrong = False
        self.probed: Probed | None = None

    def read(self, operation: str, call: Callable[[ExportInterface], T], about: str = "") -> T:
        """Runs an operation that changes nothing; raises ExportError."""
        return self._measured(operation, lambda: call(self._exports), about)

    def change(
        self, operation: str, call: Callable[[ExportInterface, Grant], T], about: str = ""
    ) -> T:
        """Runs an operation in the term of this thread's work.

        Raises:
            ExportError: as the operation does.
            LeadershipLost: the term is over.
        """
        with self._outstanding.counted() as ticket:  # before the lease is checked
            grant = self._grant(self.seconds)
            run = partial(ticket.run, lambda: call(self._exports, grant))
            return self._measured(operation, run, about)

    def begin(self, call: Callable[[ExportInterface], T]) -> T:
        """Begins a term: like `change`, but before there is a term."""
        with self._outstanding.counted() as ticket:
            run = partial(ticket.run, lambda: call(self._exports))
            return self._measured("begin a term", run, "")

    def is_busy(self) -> bool:
        """Whether a call that may change the export is outstanding, even if its caller gave up."""
        return bool(self._outstanding)

    def probe(self) -> None:
        """Probes the export; raises ExportError. Writes only to the expected export."""
        started, seconds = time.monotonic(), None
        try:
            self._probe()
            seconds = time.monotonic() - started
        finally:
            self.probed = Probed(datetime.now(UTC), seconds)

    def _probe(self) -> None:
        try:
            self._try(self._exports.inspect)
            if self._can_check():
                self._try(self._exports.probe)
        except ExportError as error:
            is_wrong = isinstance(error, WrongExport)
            self._metrics.wrong_export.set(is_wrong)
            self._was_wrong = self._was_wrong or is_wrong
            self._note_stale(stale=isinstance(error, ExportUnavailable) and error.stale)
            raise
        self._metrics.wrong_export.set(0)
        self._stale_since, self._was_wrong = None, False

    def _try(self, look: Callable[[], ExportInfo]) -> None:
        with naming(self.name):
            self._check(self._probe_lane.call(look, "cannot probe the export"))

    @property
    def is_stale(self) -> bool:
        """Whether only mounting the export again can help."""
        since = self._stale_since
        return since is not None and time.monotonic() - since > _STALE_SECONDS

    def close(self) -> None:
        """Ends the idle threads of the lanes."""
        self._lane.close()
        self._probe_lane.close()

    def _measured(self, operation: str, call: Callable[[], T], about: str) -> T:
        started, key = time.monotonic(), about or operation
        try:
            self._wait_for_earlier(operation, key)
            with naming(self.name):
                return self._lane.call(lambda: self._call(key, call), f"cannot {operation}")
        except ExportError as error:
            self._metrics.failed(operation)
            if _is_sign(error):
                self.trouble()
            raise
        finally:
            self._metrics.observe(operation, time.monotonic() - started)

    def _wait_for_earlier(self, operation: str, key: str) -> None:
        """Waits for an earlier call for the same volume that hangs.

        So retries of one volume take one place in the lane and not all of them.
        """
        earlier = self._begun.get(key)
        if earlier is not None and not earlier.wait(self.seconds):
            raise TimedOut(f"cannot {operation}: the export hangs in an earlier call")

    def _call(self, key: str, call: Callable[[], T]) -> T:
        ended = self._begun[key] = threading.Event()
        try:
            return call()
        finally:
            if self._begun.get(key) is ended:  # not a later call's
                del self._begun[key]
            ended.set()

    def _note_stale(self, *, stale: bool) -> None:
        if not stale:
            self._stale_since = None
        elif self._stale_since is None:
            # The mounted wrong export is gone: only a new mount shows which one is there now.
            self._stale_since = -math.inf if self._was_wrong else time.monotonic()


def _is_sign(error: ExportError) -> bool:
    """Whether an error of one volume may be the export's fault: the probe finds out."""
    cause = error.__cause__
    is_away = isinstance(cause, OSError) and cause.errno in _SIGNS
    return is_away or isinstance(error, TimedOut)
