"""Repairs what late calls of earlier terms did after their term had ended.

A call can hang in the kernel, or its packet in the network, for any time. Such a late call can do
only this (`fencing.py`): make an empty directory, or, on a server that does not notice that the
term's folder was removed, move a directory. The sweep detects both. (The mode of a new parent can
be set once more, too, which harms no volume.) It also repeats what a term could not finish when it
began.
"""

from __future__ import annotations

from contextlib import suppress

from holdfast.claims.errors import Refused
from holdfast.exports import (
    end_unfinished_changes,
    fencing,
    misplaced_directories,
    probe,
    reserve,
    restore_removed_folders,
    undo,
)
from holdfast.exports.errors import Failed, Fenced, Unsafe
from holdfast.exports.interface import Grant, MovedBack, Takeover
from holdfast.exports.operation import Operation


class Sweep:
    """The sweeps of one export; each knows what the last one saw."""

    def __init__(self) -> None:
        self._probes: set[str] = set()  # seen by the last sweep
        self._trash_scan = misplaced_directories.TrashScan()
        self._intents: set[str] = set()  # volumes whose intent of an earlier term has not ended
        self._has_stuck = False  # entries of earlier terms
        self._put_back: list[MovedBack] = []  # by the beginning of the term

    def begin(self, op: Operation, took: Takeover) -> None:
        """Notes what a term left unfinished when it began, to be retried by each sweep.

        Parents with volumes are put back at once, before others are created at their paths.
        """
        with suppress(Failed, Unsafe, OSError):
            self._put_back = list(restore_removed_folders.put_back(op.without_waiting()))
        self._intents = set(fencing.intents(op.term))
        self._has_stuck = bool(took.unresolved)

    def sweep(self, op: Operation, grant: Grant) -> tuple[MovedBack, ...]:
        """Makes all repairs once; one that fails does not stop the others.

        It waits for no lock: what another call is working on is left to the next sweep.

        Returns:
            The directories that were moved back, or could not be.
        """
        op = op.without_waiting()
        self._retry_takeover(op, grant)
        for directory in op.abandoned.all():
            with suppress(Failed, Unsafe, OSError, Refused):
                undo.remove_late(op, directory)
        self._probes = probe.remove_left(op, self._probes)
        at_begin, self._put_back = self._put_back, []
        return (
            *at_begin,
            *restore_removed_folders.put_back(op),
            *misplaced_directories.put_back(op, grant, self._trash_scan),
        )

    def _retry_takeover(self, op: Operation, grant: Grant) -> None:
        if self._has_stuck:
            with suppress(Failed, Unsafe, OSError):
                end_unfinished_changes.retry_stuck(op, grant.term)
        with suppress(Failed, Fenced, Unsafe, OSError):
            fencing.end_formers(op.ledger.handle, grant.term.leader, op.term, op.changes)
        with suppress(Failed, Unsafe, OSError):
            fencing.prepare_next(op.ledger.handle, grant.term.leader, op.changes)
        with suppress(Failed, Unsafe, OSError):
            reserve.prepare(op)
        self._intents &= set(fencing.intents(op.term))
        self._intents -= end_unfinished_changes.end_intents(op, self._intents)
