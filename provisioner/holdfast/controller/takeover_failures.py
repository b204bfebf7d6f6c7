"""A leader that cannot begin a term: it says so, and after some tries lets another replica lead.

Without a term nothing is served and nothing reclaimed, whoever holds the lease. What stands
against a term may be this replica's own trouble (its mount, its node), so another one may try.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from holdfast.controller.requeue import LeadershipLost
from holdfast.exports.errors import ExportError, WrongExport
from holdfast.kube.errors import KubeError, ServerUnavailable

_TRIES = 4  # in a row, before the lease is given up
_ASIDE = 20.0  # seconds for another replica to take the lease
_REMEMBERED = 60.0  # seconds after which a failure says nothing about the next try any more
_WHAT = "cannot begin a term"

_log = structlog.get_logger()


class TakeoverFailures:
    """The tries to begin a term that failed since the last one that did not."""

    def __init__(self, tell: Callable[[str], object]) -> None:
        """`tell` is told what is wrong, once as long as it stays the same."""
        self._tell = tell
        self._told = ""
        self._count = 0
        self._reason = ""
        self._failed_at = -math.inf
        self._aside_until = -math.inf

    @property
    def reason(self) -> str:
        """Why this replica cannot begin a term; empty where nothing is known against it."""
        is_old = time.monotonic() - self._failed_at > _REMEMBERED
        return "" if is_old else self._reason

    def may_lead(self) -> bool:
        """False while another replica is given time to take the lease."""
        return time.monotonic() >= self._aside_until

    @contextmanager
    def noted(self) -> Iterator[None]:
        """One try; what it raises is noted and passed on, but for the end of the leadership."""
        try:
            yield
        except LeadershipLost:
            raise
        except Exception as error:
            self._note(error)
            raise
        self._count, self._reason, self._told = 0, "", ""

    def _note(self, error: Exception) -> None:
        reason = self._reason = _message(error)
        self._failed_at = time.monotonic()
        self._count += 1
        # A wrong export has an event of its own; of an API server that is away nobody reads one.
        if reason != self._told and not isinstance(error, WrongExport | ServerUnavailable):
            self._told = reason
            self._tell(reason)
        if self._count >= _TRIES:
            self._count = 0
            self._aside_until = self._failed_at + _ASIDE
            _log.warning("another replica may lead", reason=reason, seconds=_ASIDE)


def _message(error: Exception) -> str:
    why = f"unexpected error: {type(error).__name__}"
    if isinstance(error, ExportError | KubeError):
        why = error.message
    return why if why.startswith(_WHAT) else f"{_WHAT}: {why}"
