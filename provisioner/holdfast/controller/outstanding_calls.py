"""Counts outstanding calls: calls that may change the export and have not ended.

A call that hangs in the kernel may still take effect after its caller has given up. While there is
one, the lease must not go to another replica.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from holdfast.exports.errors import TimedOut

T = TypeVar("T")


class Outstanding:
    """Counts calls from before they start until they have really ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._number = 0

    def __bool__(self) -> bool:
        """Whether any call is outstanding."""
        return self._number > 0

    @contextmanager
    def counted(self) -> Iterator[Ticket]:
        """Yields a ticket for one call, which counts from now on."""
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
    """One call, which its thread may reach only after the caller has given up."""

    def __init__(self, outstanding: Outstanding) -> None:
        self._outstanding = outstanding
        self._lock = threading.Lock()
        self._begun = False
        self._given_up = False

    def run(self, call: Callable[[], T]) -> T:
        """Makes the call; raises TimedOut if the caller gave up before it started."""
        with self._lock:
            if self._given_up:
                raise TimedOut("not started in time: Holdfast will retry")
            self._begun = True
        try:
            return call()
        finally:
            self._outstanding.add(-1)

    def give_up(self) -> None:
        """The caller stops waiting: a call that has not started never will."""
        with self._lock:
            self._given_up = True
            if not self._begun:
                self._outstanding.add(-1)
