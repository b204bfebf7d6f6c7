"""The work gate: open during a term of this replica while API server and export are available."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from holdfast.controller.circuit_breaker import CircuitBreaker
from holdfast.controller.requeue import LeadershipLost
from holdfast.exports.interface import Grant, Term

_LOOK = 0.25  # seconds between two checks while the gate is closed


class _Work(threading.local):
    """The term in which this thread's work began (thread-local)."""

    term: Term | None = None


class WorkGate:
    """Workers wait at the gate before each key and check their term before each change.

    Work belongs to the term in which it began: once that has ended, the work changes nothing more,
    even if the same replica leads again.
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
        self._changing = threading.Lock()

    def can_begin(self) -> bool:
        """Whether this replica leads and the API server and the export are available."""
        return self._leading() and all(circuit.available for circuit in self._circuits)

    @property
    def term(self) -> Term | None:
        """The current term, once the takeover is complete."""
        return self._term

    def open(self, term: Term) -> None:
        """Lets work begin in this term."""
        with self._changing:
            self._term = term

    def close(self) -> None:
        """Ends the term: no work may begin, and work in progress may change nothing more."""
        with self._changing:
            self._term = None

    def end(self, term: Term) -> None:
        """Like `close`, if this is still the current term."""
        with self._changing:
            if self._term == term:
                self._term = None

    def is_open(self) -> bool:
        """Whether work may begin now."""
        return self._term is not None and self.can_begin()

    def wait(self) -> Term | None:
        """Waits until work may begin and returns its term; None if the process stops first."""
        while not self._stop.is_set():
            term = self._term
            if term is not None and self.can_begin():
                return term
            self._stop.wait(_LOOK)
        return None

    @contextmanager
    def within(self, term: Term) -> Iterator[None]:
        """Binds this thread's work to the term during the block."""
        self._work.term = term
        try:
            yield
        finally:
            self._work.term = None

    def check_term(self) -> None:
        """Raises LeadershipLost if this thread's term is over; call it before each change.

        The term ends if this replica does not lead, even for a moment: another may have led
        meanwhile, and what this work has begun is found by the next term.
        """
        term = self._work.term
        if term is not None and not self._leading():
            self.end(term)
        if term is None or term != self._term:
            raise LeadershipLost

    def grant(self, seconds: float) -> Grant:
        """A Grant to change the export in the term of this thread's work; raises LeadershipLost."""
        self.check_term()
        term = self._work.term
        if term is None:
            raise LeadershipLost
        return Grant(term, seconds)
