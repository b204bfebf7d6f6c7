"""Ends the process where the lease was lost and a call hangs that may still change the export.

The call could take effect at any time, also after another replica has begun to lead. Whatever
else the process does meanwhile, ending included, must not hold this up: hence its own thread.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable

import structlog

from holdfast.kube import clock

LOST = 4  # exit code

_LOOK = 0.25  # seconds between two looks at the lease
# Seconds that calls have to end after the lease was lost; then another replica may soon lead.
_LAST_CALLS = 2.0
_LOG = 0.5  # seconds for the last line of the log, whose reader may hang

_log = structlog.get_logger()


class Watchdog:
    """One thread, from the process's start to its end."""

    def __init__(self, leading: Callable[[], bool], busy: Callable[[], bool]) -> None:
        """`busy` says whether a call has not ended that may change the export."""
        self._leading = leading
        self._busy = busy
        self._lost_at: float | None = None
        self._stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, name="watchdog", daemon=True)

    def start(self) -> None:
        """Begins to look."""
        self.thread.start()

    def stop(self) -> None:
        """Ends looking: the last thing before the process exits."""
        self._stopping.set()
        self.thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(_LOOK):
            self._look()

    def _look(self) -> None:
        if self._leading() or not self._busy():
            self._lost_at = None
            return
        now = clock.boottime()
        if self._lost_at is None:
            self._lost_at = now
        if now - self._lost_at >= _LAST_CALLS:
            _say_lost()
            os._exit(LOST)


def _say_lost() -> None:
    """Writes the reason to the log, without waiting for a log that cannot be written to."""
    saying = threading.Thread(target=_log_lost, name="watchdog-log", daemon=True)
    saying.start()
    saying.join(_LOG)


def _log_lost() -> None:
    _log.error("lease lost while calls to the export hang: the process ends")
    sys.stderr.flush()
