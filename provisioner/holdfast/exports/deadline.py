"""Calls to a file system that may hang, with a deadline.

A system call on a hard NFS mount waits for as long as the server is away, and nothing short of
SIGKILL ends it. So calls run in threads of the lane's own; past the deadline the caller goes on
and the thread is left behind, holding its place: while an export hangs, no more threads gather
than the lane is wide. The threads are daemons, so that a process whose export hangs can end.
`concurrent.futures` was rejected: its threads are joined when the interpreter exits.
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
    """The calls to one export: at most `width` at a time, each with `seconds` to end.

    A thread that has nothing to do waits `linger` seconds for another call, for in a burst a
    new thread would cost more than most calls.
    """

    def __init__(self, width: int = 16, seconds: float = 30.0, linger: float = 10.0) -> None:
        self._places = threading.BoundedSemaphore(width)
        self._seconds = seconds
        self._linger = linger
        self._idle = threading.Semaphore(0)  # one for each thread that will take a call
        self._calls: SimpleQueue[_Call[Any] | None] = SimpleQueue()  # None: nothing more comes

    def call(self, function: Callable[[], T], what: str) -> T:
        """Runs `function`; `what` names it in the error.

        Raises:
            TimedOut: it did not end in time; whether it took effect is not known.
        """
        deadline = time.monotonic() + self._seconds
        if not self._places.acquire(timeout=self._seconds):
            raise TimedOut(f"{what}: the export hangs in earlier calls")
        call = self._start(function)
        if not call.ended.wait(max(0.0, deadline - time.monotonic())):
            raise TimedOut(f"{what}: the export did not answer in {self._seconds:g} s")
        return call.outcome()

    def close(self) -> None:
        """Lets the idle threads go, and those at work when they are done; hung ones stay."""
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
        except RuntimeError:  # the system gives no more threads
            self._places.release()
            raise

    def _serve(self) -> None:
        call = self._calls.get()
        while call is not None:
            call.run()
            self._idle.release()  # before the place: whose place it becomes finds this thread
            self._places.release()
            call.ended.set()
            call = self._next()

    def _next(self) -> _Call[Any] | None:
        try:
            return self._calls.get(timeout=self._linger)
        except Empty:
            # Whoever counts on this thread already has a call on the way.
            return None if self._idle.acquire(blocking=False) else self._calls.get()


class _Call(Generic[T]):
    """One call, run in another thread than the one that waits for it."""

    def __init__(self, function: Callable[[], T]) -> None:
        self.ended = threading.Event()
        self._result: list[T] = []
        self._error: BaseException | None = None
        self._function = function

    def run(self) -> None:
        try:
            self._result.append(self._function())
        except BaseException as error:  # noqa: BLE001 - it is raised again where it is awaited
            self._error = error

    def outcome(self) -> T:
        if self._error is not None:
            raise self._error
        return self._result[0]
