"""Whose the directories on the mounted export are, by the records."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import chain

from holdfast.claims.paths import parents_of
from holdfast.exports.record import Record


class DirectoryOwners:
    """The directories that records name and that are at their paths."""

    def __init__(self, records: Iterable[Record | None]) -> None:
        self._at = defaultdict[str, list[Record]](list)
        self._beneath = defaultdict[str, list[Record]](list)
        for record in records:
            if record and record.in_place:
                self._at[record.directory].append(record)
                for parent in parents_of(record.directory):
                    self._beneath[parent].append(record)

    def owner(self, directory: str) -> Record | None:
        """A record with the directory, one above or one beneath it, unless it may be shared."""
        return next(self.owners(directory), None)

    def owners(self, directory: str) -> Iterator[Record]:
        """The records with the directory, those above and beneath it, unless it may be shared.

        As for the controller: what is in a recorded directory belongs to its volume, and what is
        above one is a parent.
        """
        above = chain.from_iterable(self._at.get(parent, ()) for parent in parents_of(directory))
        near = chain(self._at.get(directory, ()), above, self._beneath.get(directory, ()))
        return (one for one in near if not (one.shared and one.directory == directory))
