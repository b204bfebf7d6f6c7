"""Exits the process if the lease is lost while a call that may change the export hangs.

The call could take effect at any time, even after another replica leads. Nothing else that the
process does, not even its shutdown, may delay this: hence its own thread.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable

from holdfast.kube import clock
from holdfast.log import Logger

LOST = 4  # exit code

_LOOK = 0.25  # seconds between two checks of the lease
# Seconds that calls get to end after the lease is lost; after that, another replica may soon lead.
_LAST_CALLS = 2.0
_LOG = 0.5  # seconds for the last log line, whose reader may hang

_log = Logger(__name__)


class Watchdog:
    """One thread, from the start of the process to its end."""

    def __init__(self, leading: Callable[[], bool], busy: Callable[[], bool]) -> None:
        """`busy` returns whether a call that may change the export is outstanding."""
        self._leading = leading
        self._busy = busy
        self._lost_at: float | None = None
        self._stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, name="watchdog", daemon=True)

    def start(self) -> None:
        """Starts watching."""
        self.thread.start()

    def stop(self) -> None:
        """Stops watching: the last step before the process exits."""
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
    """Logs the reason, without waiting for a log that blocks."""
    saying = threading.Thread(target=_log_lost, name="watchdog-log", daemon=True)
    saying.start()
    saying.join(_LOG)


def _log_lost() -> None:
    _log.error("lease lost while calls to the export hang: the process exits")
    sys.stderr.flush()
