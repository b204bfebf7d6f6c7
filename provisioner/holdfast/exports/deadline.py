"""Deadlines for calls to a file system that may hang.

A system call on a hard NFS mount waits until the server answers; only SIGKILL ends it. So calls
run in the lane's threads. At the deadline the caller continues; the thread stays behind and keeps
its slot, so that a hung export holds at most `width` threads. Threads are daemons, or a process
with a hung export could not exit. `concurrent.futures` was rejected: the interpreter joins its
threads at exit.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar

from holdfast.exports.errors import TimedOut

T = TypeVar("T")


class Lane:
    """Runs the calls to one export: at most `width` at once, each with a deadline of `seconds`.

    An idle thread waits `linger` seconds for the next call: in a burst, starting a thread costs
    more than most calls.
    """

    def __init__(self, width: int = 16, seconds: float = 30.0, linger: float = 10.0) -> None:
        self._slots = threading.BoundedSemaphore(width)
        self._seconds = seconds
        self._linger = linger
        self._idle = threading.Semaphore(0)  # counts the idle threads
        self._calls: SimpleQueue[_Call[Any] | None] = SimpleQueue()  # None: the thread ends

    def call(self, function: Callable[[], T], what: str) -> T:
        """Runs `function` in a thread and returns its result, or raises its exception.

        Args:
            function: the call.
            what: names the call in the error.

        Raises:
            TimedOut: the call exceeded the deadline; whether it took effect is unknown.
        """
        deadline = time.monotonic() + self._seconds
        if not self._slots.acquire(timeout=self._seconds):
            raise TimedOut(f"{what}: the export hangs in earlier calls")
        call = self._start(function)
        if not call.ended.wait(max(0.0, deadline - time.monotonic())):
            raise TimedOut(f"{what}: the export did not answer in {self._seconds:g} s")
        return call.outcome()

    def close(self) -> None:
        """Ends the idle threads, and busy ones after their call; hung ones stay."""
        self._linger = 0.0
        while self._idle.acquire(blocking=False):
            self._calls.put(None)

    def _start(self, function: Callable[[], T]) -> _Call[T]:
        call = _Call(function)
        if not self._idle.acquire(blocking=False):
            self._start_thread()
        self._calls.put(call)
        return call

    def _start_thread(self) -> None:
        try:
            threading.Thread(target=self._serve, name="export-call", daemon=True).start()
        except RuntimeError:  # the system's limit of threads is reached
            self._slots.release()
            raise

    def _serve(self) -> None:
        call = self._calls.get()
        while call is not None:
            call.run()
            self._idle.release()  # before the slot: the next call finds this thread idle
            self._slots.release()
            call.ended.set()
            call = self._next()

    def _next(self) -> _Call[Any] | None:
        try:
            return self._calls.get(timeout=self._linger)
        except Empty:
            # If the semaphore is taken, `_start` has counted on this thread: its call is coming.
            return None if self._idle.acquire(blocking=False) else self._calls.get()


class _Call(Generic[T]):
    """One call, run in another thread than its caller's."""

    def __init__(self, function: Callable[[], T]) -> None:
        self.ended = threading.Event()
        self._result: list[T] = []
        self._error: BaseException | None = None
        self._function = function

    def run(self) -> None:
        try:
            self._result.append(self._function())
        except BaseException as error:  # noqa: BLE001 - `outcome` raises it in the caller's thread
            self._error = error

    def outcome(self) -> T:
        if self._error is not None:
            raise self._error
        return self._result[0]
