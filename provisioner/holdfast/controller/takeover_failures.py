"""Counts a leader's failed attempts to begin a term; after some, another replica may lead.

Without a term, nothing is served or reclaimed, whoever holds the lease. The cause may be this
replica's own fault (its mount, its node), so another replica gets a chance.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from holdfast.controller.requeue import LeadershipLost
from holdfast.exports.errors import ExportError, WrongExport
from holdfast.kube.errors import KubeError, ServerUnavailable
from holdfast.log import Logger

_TRIES = 4  # in a row, before the lease is given up
_ASIDE = 20.0  # seconds in which another replica can acquire the lease
# Seconds after which a failure says nothing about the next attempt; twice the longest pause
# between two attempts.
_REMEMBERED = 60.0
_WHAT = "cannot begin a term"

_log = Logger(__name__)


class TakeoverFailures:
    """The failed attempts to begin a term since the last success."""

    def __init__(self, tell: Callable[[str], object]) -> None:
        """`tell` is called with the reason, once for each different reason."""
        self._tell = tell
        self._told = ""
        self._count = 0
        self._reason = ""
        self._failed_at = -math.inf
        self._aside_until = -math.inf

    @property
    def reason(self) -> str:
        """Why this replica cannot begin a term; empty if no recent attempt failed."""
        return "" if self._is_old() else self._reason

    def may_lead(self) -> bool:
        """Returns False while another replica has time to acquire the lease."""
        return time.monotonic() >= self._aside_until

    @contextmanager
    def noted(self) -> Iterator[None]:
        """One attempt; counts and re-raises any error except LeadershipLost."""
        if self._is_old():  # at the start of an attempt, which itself may take longer
            self._count = 0
        try:
            yield
        except LeadershipLost:
            raise
        except Exception as error:
            self._note(error)
            raise
        self._count, self._reason, self._told = 0, "", ""

    def _is_old(self) -> bool:
        return time.monotonic() - self._failed_at > _REMEMBERED

    def _note(self, error: Exception) -> None:
        reason = self._reason = _message(error)
        self._failed_at = time.monotonic()
        self._count += 1
        # A wrong export has its own event; without an API server, no event can be recorded.
        if reason != self._told and not isinstance(error, WrongExport | ServerUnavailable):
            self._told = reason
            self._tell(reason)
        if self._count >= _TRIES:
            self._count = 0
            self._aside_until = self._failed_at + _ASIDE
            _log.warning("stepping aside for another replica", reason=reason, seconds=_ASIDE)


def _message(error: Exception) -> str:
    why = f"unexpected error: {type(error).__name__}"
    if isinstance(error, ExportError | KubeError):
        why = error.message
    return why if why.startswith(_WHAT) else f"{_WHAT}: {why}"
