"""Whether something that everything depends on answers: the API server, an export.

A worker that finds it gone trips the circuit; from then on all workers pause, their keys keep
their place, and one thread alone tries again, further and further apart. So an outage costs
neither CPU nor each claim its own long back-off.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog

from holdfast.kube.backoff import Backoff

_log = structlog.get_logger()

_NOT_TRIED = "not tried yet"


class CircuitBreaker:
    """Closed while `probe()` succeeds; open, with a reason, from its first failure on."""

    def __init__(
        self,
        name: str,
        probe: Callable[[], object],
        failures: tuple[type[Exception], ...],
        period: float = 10.0,
    ) -> None:
        """`probe` raises one of `failures` when there is no answer; it is asked every `period` s.

        A circuit starts open: nothing is known yet.
        """
        self.name = name
        self._probe = probe
        self._failures = failures
        self._period = period
        self._backoff = Backoff(0.5, period)
        self._reason: str | None = _NOT_TRIED
        self._opened = time.monotonic()
        self._wake = threading.Event()
        self._stopping = False
        self.thread = threading.Thread(target=self._run, name=f"{name}-probe", daemon=True)

    @property
    def available(self) -> bool:
        """Whether it answers, as far as is known."""
        return self._reason is None

    @property
    def reason(self) -> str:
        """Why it is open; empty while it is closed."""
        return self._reason or ""

    def start(self) -> None:
        """Begins to probe."""
        self.thread.start()

    def stop(self) -> None:
        """Ends probing; a probe that hangs is left behind."""
        self._stopping = True
        self._wake.set()
        self.thread.join(1.0)

    def trip(self, reason: str) -> None:
        """Opens the circuit because a worker got no answer."""
        if self.available:
            self._open(reason)
            self._wake.set()

    def check_soon(self) -> None:
        """Probes now instead of at the end of the period: there was a sign of trouble."""
        self._wake.set()

    def _run(self) -> None:
        while not self._stopping:
            try:
                self._probe()
                self._close()
            except self._failures as error:
                self._open(str(error))
            self._wake.wait(self._period if self.available else self._backoff.next())
            self._wake.clear()

    def _open(self, reason: str) -> None:
        if self.available:
            self._opened = time.monotonic()
            _log.warning(f"{self.name} lost", reason=reason)
        elif reason != self._reason:
            still = "" if self._reason == _NOT_TRIED else "still "
            _log.warning(f"{self.name} {still}not available", reason=reason)
        self._reason = reason

    def _close(self) -> None:
        if not self.available:
            _log.info(f"{self.name} answers", after_s=round(time.monotonic() - self._opened, 1))
        self._backoff.reset()
        self._reason = None
