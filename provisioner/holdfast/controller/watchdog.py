"""Exits the process if the lease is lost while a call that may change the export hangs.

The call could take effect at any time, even after another replica leads. The export's terms see to
it that it changes nothing then (`exports/fencing.py`); the exit is the second line of defence, and
gives the process that hangs a fresh start. Nothing else that the process does, not even its
shutdown, may delay it: hence its own thread.

A process that serves other exports as well stays: they would have to wait for another leader.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable

from holdfast.claims.decide import DEFAULT_EXPORT
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

    def __init__(
        self,
        leading: Callable[[], bool],
        busy: Callable[[], bool],
        may_exit: Callable[[], bool] = lambda: True,
        export: str = DEFAULT_EXPORT,
    ) -> None:
        """Creates the watchdog of one export.

        Args:
            leading: whether this replica leads now.
            busy: whether a call that may change the export is outstanding.
            may_exit: whether the process serves nothing else.
            export: its name, for the log.
        """
        self._leading = leading
        self._busy = busy
        self._may_exit = may_exit
        self._export = export
        self._said = False
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
            self._lost_at, self._said = None, False
            return
        now = clock.boottime()
        if self._lost_at is None:
            self._lost_at = now
        if now - self._lost_at < _LAST_CALLS:
            return
        if self._may_exit():
            self._say("the process exits")
            os._exit(LOST)
        if not self._said:
            self._said = True
            self._say("this replica will not lead again until they have ended")

    def _say(self, what_follows: str) -> None:
        """Logs the reason, without waiting for a log that blocks."""
        args = (f"lease lost while calls to the export hang: {what_follows}", self._export)
        saying = threading.Thread(target=_log_lost, args=args, name="watchdog-log", daemon=True)
        saying.start()
        saying.join(_LOG)


def _log_lost(message: str, export: str) -> None:
    _log.error(message, export=export)
    sys.stderr.flush()
