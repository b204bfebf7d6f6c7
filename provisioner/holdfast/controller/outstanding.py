"""How many calls that may change something have not ended.

A call that hangs in the kernel is given up by its caller and takes effect all the same, later.
As long as there is one, the lease must not go to another replica.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from holdfast.exports.errors import TimedOut

T = TypeVar("T")


class Outstanding:
    """Counts calls from before they are begun until they have really ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._number = 0

    def __bool__(self) -> bool:
        """Whether there is one."""
        return self._number > 0

    @contextmanager
    def counted(self) -> Iterator[Ticket]:
        """A ticket for one call, which counts from now on."""
        self.add(1)
        ticket = Ticket(self)
        try:
            yield ticket
        finally:
            ticket.give_up()

    def add(self, number: int) -> None:
        """Changes the count."""
        with self._lock:
            self._number += number


class Ticket:
    """One call, which another thread may make after its caller has given up."""

    def __init__(self, outstanding: Outstanding) -> None:
        self._outstanding = outstanding
        self._lock = threading.Lock()
        self._begun = False
        self._given_up = False

    def run(self, call: Callable[[], T]) -> T:
        """Makes the call; raises TimedOut where the caller gave up before it was begun."""
        with self._lock:
            if self._given_up:
                raise TimedOut("not begun in time: it is tried again")
            self._begun = True
        try:
            return call()
        finally:
            self._outstanding.add(-1)

    def give_up(self) -> None:
        """The caller waits no longer: what has not begun never does."""
        with self._lock:
            self._given_up = True
            if not self._begun:
                self._outstanding.add(-1)
