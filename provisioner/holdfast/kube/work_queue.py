"""A work queue: one worker at a time for each key, and exponential back-off after failures.

A key, not an event, is queued: whoever takes it up reads the latest state, so ten events make
one piece of work. A key that fails waits exponentially longer; news about it makes it due at
once without forgetting how often it failed. Rejected: `queue.Queue`, which neither merges keys
nor keeps two workers from the same one.
"""

from __future__ import annotations

import heapq
import threading
import time
from collections import OrderedDict

from holdfast.kube.backoff import delay


class WorkQueue:
    """Keys to work on; safe for several threads.

    A worker takes a key with `get`, then says `forget` (it went well) or `retry`, and always
    `done`.
    """

    def __init__(
        self, *, initial: float = 1.0, maximum: float = 300.0, jitter: float = 0.1
    ) -> None:
        """Seconds before the first retry, the longest wait, and its share left to chance."""
        self._initial = initial
        self._maximum = maximum
        self._jitter = jitter
        self._changed = threading.Condition()
        # In the order they became due. Not a dict, which looks for its first entry where all
        # those were that it has lost.
        self._due: OrderedDict[str, None] = OrderedDict()
        self._later: dict[str, float] = {}  # by monotonic time
        self._clock: list[tuple[float, str]] = []  # a heap over _later; may hold outdated pairs
        self._working: set[str] = set()
        self._failures: dict[str, int] = {}
        self._closed = False

    def add(self, key: str) -> None:
        """There is news about `key`: it is due now, or as soon as its worker is done."""
        with self._changed:
            self._make_due(key)
            self._changed.notify()

    def add_after(self, key: str, seconds: float) -> None:
        """`key` is due in so many seconds, unless it is due earlier anyway."""
        if seconds <= 0:
            self.add(key)
            return
        due = time.monotonic() + seconds
        with self._changed:
            if self._closed or key in self._due or self._later.get(key, due) < due:
                return
            self._later[key] = due
            heapq.heappush(self._clock, (due, key))
            self._changed.notify()

    def retry(self, key: str) -> float:
        """Work on `key` failed: it is due again after the returned number of seconds."""
        with self._changed:
            failures = self._failures[key] = self._failures.get(key, 0) + 1
        seconds = delay(
            failures,
            initial=self._initial,
            maximum=self._maximum,
            factor=2.0,
            jitter=self._jitter,
        )
        self.add_after(key, seconds)
        return seconds

    def discard(self, key: str) -> None:
        """There is nothing to do about `key` any more; a worker that has it goes on."""
        with self._changed:
            self._due.pop(key, None)
            self._later.pop(key, None)
            self._failures.pop(key, None)

    def forget(self, key: str) -> None:
        """Work on `key` went well: the next failure counts as its first."""
        with self._changed:
            self._failures.pop(key, None)

    def get(self, timeout: float | None = None) -> str | None:
        """The next key that is due and not being worked on; None on timeout or shut-down."""
        deadline = None if timeout is None else time.monotonic() + timeout
        with self._changed:
            while not self._closed:
                now = time.monotonic()
                self._promote(now)
                if (key := self._take()) is not None:
                    return key
                if deadline is not None and now >= deadline:
                    return None
                self._changed.wait(self._patience(now, deadline))
            return None

    def done(self, key: str) -> None:
        """The worker lets go of `key`; another may take it if it became due meanwhile."""
        with self._changed:
            self._working.discard(key)
            if key in self._due:
                self._changed.notify()

    def shut_down(self) -> None:
        """End: every `get`, waiting or to come, returns None and nothing more is queued."""
        with self._changed:
            self._closed = True
            self._due.clear()
            self._changed.notify_all()

    def depth(self) -> int:
        """How many keys are due and wait for a worker."""
        with self._changed:
            self._promote(time.monotonic())
            return len(self._due)

    def failures(self, key: str) -> int:
        """How often in a row work on `key` failed."""
        with self._changed:
            return self._failures.get(key, 0)

    def _make_due(self, key: str) -> None:
        self._later.pop(key, None)
        if not self._closed:
            self._due.setdefault(key)

    def _promote(self, now: float) -> None:
        while self._clock and self._clock[0][0] <= now:
            due, key = heapq.heappop(self._clock)
            if self._later.get(key) == due:
                self._make_due(key)

    def _take(self) -> str | None:
        key = next((key for key in self._due if key not in self._working), None)
        if key is not None:
            del self._due[key]
            self._working.add(key)
        return key

    def _patience(self, now: float, deadline: float | None) -> float | None:
        moments = [] if deadline is None else [deadline]
        moments += [at for at, _ in self._clock[:1]]
        return min(moments) - now if moments else None
