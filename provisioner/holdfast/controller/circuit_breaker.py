"""A circuit breaker for the API server and for an export: is it available?

A worker that gets no answer trips the circuit breaker. Then all workers pause, their keys stay in
the queue, and a single thread probes with back-off. So an outage neither uses CPU nor gives each
claim a long back-off of its own. An answer about one object, even a 500, trips nothing; it only has
the probe made at once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from holdfast.kube.backoff import Backoff
from holdfast.log import Logger

_log = Logger(__name__)

_NOT_TRIED = "not probed yet"


class CircuitBreaker:
    """Available while `probe()` succeeds; unavailable, with a reason, after a failure."""

    def __init__(
        self,
        name: str,
        probe: Callable[[], object],
        failures: tuple[type[Exception], ...],
        period: float = 10.0,
    ) -> None:
        """`probe` raises one of `failures` if there is no answer; it runs every `period` seconds.

        The circuit breaker starts open (unavailable): nothing is known yet.
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
        """Whether the last probe succeeded and no worker has tripped since."""
        return self._reason is None

    @property
    def reason(self) -> str:
        """Why it is unavailable; empty while it is available."""
        return self._reason or ""

    def start(self) -> None:
        """Starts probing."""
        self.thread.start()

    def stop(self) -> None:
        """Stops probing; does not wait for a probe that hangs."""
        self._stopping = True
        self._wake.set()
        self.thread.join(1.0)

    def trip(self, reason: str) -> None:
        """Makes it unavailable, because a worker got no answer."""
        if self.available:
            self._open(reason)
            self._wake.set()

    def check_soon(self) -> None:
        """Probes now instead of at the end of the period, because an error may be a symptom."""
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
            _log.warning(f"{self.name} {still}unavailable", reason=reason)
        self._reason = reason

    def _close(self) -> None:
        if not self.available:
            _log.info(f"{self.name} available", after_s=round(time.monotonic() - self._opened, 1))
        self._backoff.reset()
        self._reason = None
