"""Which volumes in use may have no record: it is looked up once for each.

The API server may carry out a request of an earlier leader after its attempt was undone: the claim
is bound to a volume without a directory then, and nothing else shows that. The volumes in use when
a term begins are compared with the list of records. From then on, a volume that comes into use is
looked up, unless this process has made it, which is what happens to nearly all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable


class RecordChecks:
    """The names of the volumes to look up, and of those that need not be; for several threads."""

    def __init__(self, leads: Callable[[], bool]) -> None:
        """`leads` says whether this process leads; another's new volumes are not its to check."""
        self._leads = leads
        self._has_begun = False
        self._known: set[str] = set()  # seen in use in this term, or made by this process
        self._due: set[str] = set()

    def begin(self, in_use: Iterable[str]) -> None:
        """Begins a term, at whose start these volumes are in use: they are checked otherwise."""
        self._known = set(in_use)
        self._has_begun = True

    def made(self, name: str) -> None:
        """Notes that this process makes a volume, whose record exists."""
        self._known.add(name)

    def undone(self, name: str) -> None:
        """Notes that the record of a volume is gone; the volume may yet appear."""
        self._known.discard(name)

    def is_new(self, name: str) -> bool:
        """Whether a volume that is in use was not known to be, so that it is to be looked up."""
        if not self._has_begun or name in self._known or not self._leads():
            return False
        self._known.add(name)
        self._due.add(name)
        return True

    def add(self, name: str) -> None:
        """Has a volume looked up."""
        self._due.add(name)

    def is_due(self, name: str) -> bool:
        """Whether a volume is to be looked up."""
        return name in self._due

    def done(self, name: str) -> None:
        """Notes that a volume was looked up."""
        self._due.discard(name)

    def forget(self, name: str) -> None:
        """Forgets a volume that is gone."""
        self._known.discard(name)
        self._due.discard(name)
