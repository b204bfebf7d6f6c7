"""Putting right what calls of an earlier term did after that had ended.

A call can hang in the kernel, or its packet on the network, for as long as it likes. What such a
call can still do is little (`terms.py`): a directory that was about to be made appears, empty;
or, on a server that loses track of removed folders, a directory is moved. Both are recognised.
"""

from __future__ import annotations

import os
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from holdfast.exports import create, misfiled, parents, takeover, terms, tree
from holdfast.exports.errors import Failed, TimedOut, Unsafe, reason
from holdfast.exports.inode import UNKNOWN, Inode, inode_of
from holdfast.exports.interface import Grant, Leader, PutBack
from holdfast.exports.ledger import TRASH, TRASHED, Ledger, trash_of
from holdfast.exports.operation import Operation, PathLocks
from holdfast.exports.reclaim import put_back, way_out_of
from holdfast.exports.record import Record, State

PROBE = ".probe-"  # of the file that says that the export can be written to (`export.py`)

_TROUBLE = (Failed, Unsafe, OSError)  # of one volume
_MOST = 200  # entries of the trash that one sweep looks at, of either kind


class _Entry(NamedTuple):
    """What lies in the trash."""

    name: str = ""
    inode: int = 0


def remove_late(op: Operation, directory: str) -> None:
    """Removes what a late `create` may have left of a directory that was given up."""
    create.remove_half_made(op, directory)
    op.ledger.prune(directory)
    parents.prune(op, directory)
    parents.remove_late(op, directory)


def remove_probes(op: Operation, before: set[str]) -> set[str]:
    """Removes the probes that were there `before`, whose makers have ended; those that stay.

    One in use is not touched: over NFS its maker would be told that its handle is stale.
    """
    there = {name for name in os.listdir(op.ledger.handle) if name.startswith(PROBE)}
    for name in there & before:
        op.changes.unlink(op.ledger.handle, name)
    return there - before


class TrashScan:
    """Which of the trash was seen to belong there, and where the next scan goes on.

    A directory that a late call moves there has another name or another inode than what was seen;
    readdir(3) tells both. So each scan costs two listings, and what it is at first after the
    process began to lead, or what many deletions in a row cost, is spread over several sweeps.
    """

    def __init__(self) -> None:
        self._seen: set[_Entry] = set()
        self._recorded = set[str]()
        self._misplaced = set[_Entry]()
        self._has_others: Callable[[], bool] = lambda: True
        self._without = set[_Entry]()
        self._last_without = _Entry()
        self._last = {True: _Entry(), False: _Entry()}  # with a record of the trash, and without

    def due(self, records: Ledger, leader: Leader) -> list[_Entry]:
        """What to scan at now: first what no record of the trash is about, then what is new."""
        self._has_others = partial(terms.has_others, records.handle, leader)
        with os.scandir(records.folder(TRASH)) as entries:
            there = {_Entry(entry.name, entry.inode()) for entry in entries}
        self._seen &= there  # an inode is used again
        self._recorded = set(records.names(TRASHED))
        odd = {entry for entry in there if entry.name not in self._recorded}
        new = there - self._seen - odd
        self._without = {_Entry(name) for name in self._recorded - {one.name for one in there}}
        self._misplaced &= there | self._without
        return [*_turned(odd, self._last[False]), *_turned(new, self._last[True])]

    def without_data(self) -> list[_Entry]:
        """Of the records of the trash, as `due` has read them, some with nothing in the trash."""
        entries = _turned(self._without, self._last_without)
        self._last_without = entries[-1] if entries else _Entry()
        return entries

    def belongs(self, entry: _Entry) -> None:
        """Notes that an entry is what its record says."""
        self._seen.add(entry)

    def is_misplaced(self, entry: _Entry, *, now: bool) -> bool:
        """Whether an entry is misplaced now and, for all that others do, has been for a while.

        Another leader of the cluster that deletes a volume has its directory in the trash before
        the record is there: where there are others, it was misplaced at the last scan as well.
        """
        before = entry in self._misplaced
        if now:
            self._misplaced.add(entry)
        else:
            self._misplaced.discard(entry)
        return now and (before or not self._has_others())

    def passed(self, entry: _Entry) -> None:
        """Notes that an entry was looked at."""
        self._last[entry.name in self._recorded] = entry


def _turned(entries: set[_Entry], last: _Entry) -> list[_Entry]:
    """Some of them, from where the last scan ended."""
    ordered = sorted(entries)
    start = bisect_right(ordered, last)
    return (ordered[start:] + ordered[:start])[:_MOST]


def misplaced(op: Operation, grant: Grant, locks: PathLocks, scan: TrashScan) -> Iterator[PutBack]:
    """Puts back the directories of live volumes that are found in the trash, or on their way out.

    A reclaim that has failed on its way, and is tried again later, takes it out once more. No
    more of the trash is looked at after half of the grant's time: the next sweep goes on.
    """
    until = time.monotonic() + grant.seconds / 2
    with suppress(TimedOut):  # what was done until then is to be heard of
        for volume in terms.moving(op.term):
            yield from _from_the_term(op, locks, volume)
        for entry in scan.due(op.ledger, grant.term.leader):
            if time.monotonic() >= until:
                return
            scan.passed(entry)
            yield from _from_the_trash(op, locks, scan, entry)
        for entry in scan.without_data():
            if time.monotonic() < until:
                _refile(op, locks, scan, entry)


def _refile(op: Operation, locks: PathLocks, scan: TrashScan, entry: _Entry) -> None:
    """Takes a record back from those of the trash where its directory is at its path."""
    with suppress(Failed, Unsafe, OSError):  # the volume's own turn says why
        record = op.ledger.find(entry.name)
        if record is None or not takeover.is_ours(op, record):
            return
        with locks.tried(record.directory) as is_free:
            if not is_free or op.ledger.find(entry.name) != record:
                return
            if scan.is_misplaced(entry, now=misfiled.is_misfiled(op, record)):
                misfiled.refiled(op, record)


def _from_the_term(op: Operation, locks: PathLocks, volume: str) -> Iterator[PutBack]:
    found, directory = way_out_of(volume), ""
    try:
        record = op.ledger.find(volume)
        if record is None or not record.in_place:
            return
        directory = record.directory
        with locks.tried(directory) as is_free:
            if is_free and put_back(op, record):
                yield PutBack(volume, directory, found)
    except _TROUBLE as error:
        yield PutBack(volume, directory, found, _why(error))


def _from_the_trash(
    op: Operation, locks: PathLocks, scan: TrashScan, entry: _Entry
) -> Iterator[PutBack]:
    owner = None
    try:
        if _belongs(op, entry.name):
            scan.belongs(entry)
            return
        owner = _owner(op, entry.name)
        if not scan.is_misplaced(entry, now=owner is not None) or owner is None:
            return
        with locks.tried(owner.directory) as is_free:
            if is_free and _owner(op, entry.name) == owner:
                yield _put_back(op, entry.name, owner)
    except _TROUBLE as error:
        if owner is not None:  # else nothing says that it is a live volume's
            yield PutBack(owner.volume, owner.directory, trash_of(entry.name), _why(error))


def _why(error: Exception) -> str:
    """Why a directory could not be put back; raises TimedOut, for that says nothing of it."""
    if isinstance(error, TimedOut):
        raise error
    return reason(error) if isinstance(error, OSError) else str(error)


def _belongs(op: Operation, name: str) -> bool:
    """Whether what lies in the trash under a name is what the record of that name says."""
    record = op.ledger.find(name)
    if record is None or record.state is not State.TRASHED:
        return False
    return record.inode.may_be(_inode_in_trash(op, name))


def _owner(op: Operation, name: str) -> Record | None:
    """The live volume whose directory lies in the trash under a name; None for what belongs there.

    Without a record nothing is known, and nothing is done; another cluster's is that one's matter.
    """
    record = op.ledger.find(name)
    if record is None:
        return None
    inode = _inode_in_trash(op, name)
    if record.state is not State.TRASHED:
        return record if _is_meant(op, record, inode) else None
    if record.inode.may_be(inode):
        return None
    others = op.ledger.others(record.directory, name)
    return next((other for other in others if _is_meant(op, other, inode)), None)


def _is_meant(op: Operation, record: Record, inode: Inode) -> bool:
    is_known = record.inode != UNKNOWN and record.inode.may_be(inode)
    return is_known and record.in_place and takeover.is_ours(op, record)


def _inode_in_trash(op: Operation, name: str) -> Inode:
    with tree.opened(op.ledger.folder(TRASH), [name]) as handle:
        return inode_of(handle)


def _put_back(op: Operation, name: str, owner: Record) -> PutBack:
    op.changes.rename(op.ledger.folder(TRASH), name, op.term, terms.MOVING + owner.volume)
    return PutBack(owner.volume, put_back(op, owner), trash_of(name))
