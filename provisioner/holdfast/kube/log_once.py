"""Logs once that the API server is unavailable, and once that it is available again.

A line per retry would fill the disk in the very hour in which somebody reads the log.
"""

from __future__ import annotations

import math
import time

from holdfast.kube.errors import ApiError, KubeError
from holdfast.log import Logger

_log = Logger(__name__)


class LogOnce:
    """Logs once that the server is unavailable to one thread, and once that it is back."""

    def __init__(self, doing: str) -> None:
        """`doing` names what the thread does, for the log."""
        self._doing = doing
        self._last = -math.inf
        self._lost_at: float | None = None

    def answered(self) -> None:
        """The server answered something."""
        self._last = time.monotonic()

    def available(self) -> None:
        """The server does what is wanted of it."""
        self.answered()
        if self._lost_at is not None:
            lost, self._lost_at = self._last - self._lost_at, None
            _log.info("API server back", doing=self._doing, seconds=round(lost, 1))

    def unavailable(self, error: KubeError) -> None:
        """The server did not answer, or refused."""
        if self._lost_at is not None:
            return
        self._lost_at = self._last if math.isfinite(self._last) else time.monotonic()
        event = "API server refuses" if isinstance(error, ApiError) else "API server lost"
        _log.warning(event, doing=self._doing, reason=error.message)
