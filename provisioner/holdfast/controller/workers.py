"""Worker threads that take keys from a work queue and pass them to a handler."""

from __future__ import annotations

import threading
from collections.abc import Callable

from holdfast.controller.circuit_breaker import CircuitBreaker
from holdfast.controller.requeue import MAY_BE_API_OUTAGE, LeadershipLost, Requeue
from holdfast.controller.work_gate import WorkGate
from holdfast.exports import errors as exports
from holdfast.exports.interface import Term
from holdfast.kube import errors as kube
from holdfast.kube.work_queue import WorkQueue
from holdfast.log import Logger

_log = Logger(__name__)


class Workers:
    """The workers of one queue."""

    def __init__(
        self,
        name: str,
        queue: WorkQueue,
        handle: Callable[[str], None],
        gate: WorkGate,
        *,
        api: CircuitBreaker,
        export: CircuitBreaker,
        count: int,
    ) -> None:
        self._queue = queue
        self._handle = handle
        self._gate = gate
        self._api = api
        self._export = export
        self.threads = [
            threading.Thread(target=self._run, name=f"{name}-{number}", daemon=True)
            for number in range(count)
        ]

    def start(self) -> None:
        """Starts the threads."""
        for thread in self.threads:
            thread.start()

    def stop(self, seconds: float) -> None:
        """Waits for work in progress; the queue must be shut down before."""
        for thread in self.threads:
            thread.join(seconds)

    def _run(self) -> None:
        while (key := self._queue.get()) is not None:
            term = self._gate.wait()
            if term is None:
                return
            try:
                self._work(key, term)
            finally:
                self._queue.done(key)

    def _work(self, key: str, term: Term) -> None:
        try:
            with self._gate.within(term):
                self._handle(key)
        except exports.ExportUnavailable as error:
            self._export.trip(error.message)
            self._queue.retry(key)
        except kube.ServerUnavailable as error:
            self._api.trip(error.message)
            self._queue.retry(key)
        except exports.Fenced:
            self._gate.end(term)
            self._queue.add(key)
        except LeadershipLost:
            self._queue.add(key)
        except (Requeue, exports.ExportError, kube.KubeError) as error:
            if isinstance(error, MAY_BE_API_OUTAGE):
                self._api.check_soon()
            self._queue.retry(key)
        except Exception:  # noqa: BLE001 - a fault in one key must not end the worker
            _log.exception("unexpected error", key=key)
            self._queue.retry(key)
        else:
            self._queue.forget(key)
