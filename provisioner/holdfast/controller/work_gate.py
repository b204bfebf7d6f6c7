"""When work may be done: in a term of this replica, while the API server and the export answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from holdfast.controller.circuit_breaker import CircuitBreaker
from holdfast.controller.requeue import LeadershipLost
from holdfast.exports.interface import Grant, Term

_LOOK = 0.25  # seconds between two looks while the gate is closed


class _Work(threading.local):
    """The term in which this thread's work began."""

    term: Term | None = None


class WorkGate:
    """What workers pass before each key, and are asked by before each change.

    Work belongs to the term in which it began: once that has ended it changes nothing more, also
    where the same replica leads again.
    """

    def __init__(
        self,
        leading: Callable[[], bool],
        circuits: tuple[CircuitBreaker, ...],
        stop: threading.Event,
    ) -> None:
        self._leading = leading
        self._circuits = circuits
        self._stop = stop
        self._term: Term | None = None
        self._work = _Work()

    def can_begin(self) -> bool:
        """Whether this replica leads and everything answers."""
        return self._leading() and all(circuit.available for circuit in self._circuits)

    @property
    def term(self) -> Term | None:
        """The term in which work is done, once what an earlier leader left has been read."""
        return self._term

    def open(self, term: Term) -> None:
        """Work may begin in this term."""
        self._term = term

    def close(self) -> None:
        """The term is over: nothing may be begun, and nothing changed by what was begun."""
        self._term = None

    def end(self, term: Term) -> None:
        """As `close`, if this is still the term."""
        if self._term == term:
            self._term = None

    def is_open(self) -> bool:
        """Whether work may be done now."""
        return self._term is not None and self.can_begin()

    def wait(self) -> Term | None:
        """Waits until work may be done, and gives its term; None when the program ends first."""
        while not self._stop.is_set():
            term = self._term
            if term is not None and self.can_begin():
                return term
            self._stop.wait(_LOOK)
        return None

    @contextmanager
    def within(self, term: Term) -> Iterator[None]:
        """What this thread does within belongs to the term."""
        self._work.term = term
        try:
            yield
        finally:
            self._work.term = None

    def check_term(self) -> None:
        """Raises LeadershipLost: asked before each change, in the middle of the work."""
        if self._work.term is None or self._work.term != self._term or not self._leading():
            raise LeadershipLost

    def grant(self, seconds: float) -> Grant:
        """Leave to change the export, for this thread's work; raises LeadershipLost."""
        self.check_term()
        term = self._work.term
        if term is None:
            raise LeadershipLost
        return Grant(term, seconds)
