"""Calls to a file system that may hang, with a deadline.

A system call on a hard NFS mount waits for as long as the server is away, and nothing short of
SIGKILL ends it. So each call runs in a thread of its own; past the deadline the caller goes on
and the thread is left behind, holding its place: while an export hangs, no more threads gather
than the lane is wide. The threads are daemons, so that a process whose export hangs can end.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from holdfast.exports.errors import Unavailable

T = TypeVar("T")


class Lane:
    """The calls to one export: at most `width` at a time, each with `seconds` to end."""

    def __init__(self, width: int = 16, seconds: float = 30.0) -> None:
        self._places = threading.BoundedSemaphore(width)
        self._seconds = seconds

    def call(self, function: Callable[[], T], what: str) -> T:
        """Runs `function`; `what` names it in the error.

        Raises:
            Unavailable: it did not end in time; whether it took effect is not known.
        """
        deadline = time.monotonic() + self._seconds
        if not self._places.acquire(timeout=self._seconds):
            raise Unavailable(f"{what}: the export hangs in earlier calls")
        call = self._begun(function)
        if not call.ended.wait(max(0.0, deadline - time.monotonic())):
            raise Unavailable(f"{what}: the export did not answer in {self._seconds:g} s")
        return call.outcome()

    def _begun(self, function: Callable[[], T]) -> _Call[T]:
        try:
            return _Call(function, self._places.release)
        except RuntimeError:  # the system gives no more threads
            self._places.release()
            raise


class _Call(Generic[T]):
    """One call in a thread of its own."""

    def __init__(self, function: Callable[[], T], at_end: Callable[[], None]) -> None:
        self.ended = threading.Event()
        self._result: list[T] = []
        self._error: BaseException | None = None
        self._function = function
        self._at_end = at_end
        threading.Thread(target=self._run, name="export-call", daemon=True).start()

    def _run(self) -> None:
        try:
            self._result.append(self._function())
        except BaseException as error:  # noqa: BLE001 - it is raised again where it is awaited
            self._error = error
        finally:
            self._at_end()
            self.ended.set()

    def outcome(self) -> T:
        if self._error is not None:
            raise self._error
        return self._result[0]
