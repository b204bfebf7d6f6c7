"""Moves the directories of live volumes back that a late call moved to the trash or the term.

A retry of a reclaim that failed midway moves its directory again.
"""

from __future__ import annotations

import os
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from holdfast.exports import fencing, leader_folders, misfiled_records, record_origin, tree
from holdfast.exports.errors import Failed, TimedOut, Unsafe, reason
from holdfast.exports.inode import UNKNOWN, Inode, inode_of
from holdfast.exports.interface import Grant, Leader, MovedBack
from holdfast.exports.ledger import TRASH, TRASHED, Ledger, trash_of
from holdfast.exports.operation import Operation, path_in_term
from holdfast.exports.reclaim_directory import move_back
from holdfast.exports.record import Record, State

_TROUBLE = (Failed, Unsafe, OSError)  # affects only one volume
_MOST = 200  # entries of the trash that one sweep scans, with and without a record each


class _Entry(NamedTuple):
    """An entry of the trash."""

    name: str = ""
    inode: int = 0


class TrashScan:
    """State of the scan of the trash: which entries are known to belong there, and its position.

    A directory that a late call moves there has a name or an inode that was not seen before;
    readdir(3) gives both. So a scan of known entries costs two listings. The first scan of a new
    leader, or one after many deletions, is spread over several sweeps.
    """

    def __init__(self) -> None:
        self._seen: set[_Entry] = set()
        self._recorded = set[str]()
        self._misplaced = set[_Entry]()
        self._has_others: Callable[[], bool] = lambda: True
        self._without = set[_Entry]()
        self._last_without = _Entry()
        self._last = {True: _Entry(), False: _Entry()}  # with a record in `trashed`, and without

    def due(self, records: Ledger, leader: Leader) -> list[_Entry]:
        """The entries to scan now: first those without a record in `trashed`, then new ones."""
        self._has_others = partial(leader_folders.has_others, records.handle, leader)
        with os.scandir(records.folder(TRASH)) as entries:
            there = {_Entry(entry.name, entry.inode()) for entry in entries}
        self._seen &= there  # inode numbers are reused
        self._recorded = set(records.names(TRASHED))
        odd = {entry for entry in there if entry.name not in self._recorded}
        new = there - self._seen - odd
        self._without = {_Entry(name) for name in self._recorded - {one.name for one in there}}
        self._misplaced &= there | self._without
        return [*_next_in_turn(odd, self._last[False]), *_next_in_turn(new, self._last[True])]

    def without_data(self) -> list[_Entry]:
        """Some of the records in `trashed`, as `due` has read them, without a trash directory."""
        entries = _next_in_turn(self._without, self._last_without)
        self._last_without = entries[-1] if entries else _Entry()
        return entries

    def note_ok(self, entry: _Entry) -> None:
        """Notes that an entry is its record's directory."""
        self._seen.add(entry)

    def is_misplaced(self, entry: _Entry, *, now: bool) -> bool:
        """Whether an entry is misplaced `now` and, if there are other leaders, also was before.

        Another leader of the cluster moves a directory to the trash before its record: such an
        entry is misplaced only until that reclaim ends.
        """
        before = entry in self._misplaced
        if now:
            self._misplaced.add(entry)
        else:
            self._misplaced.discard(entry)
        return now and (before or not self._has_others())

    def note_scanned(self, entry: _Entry) -> None:
        """Notes that an entry was scanned."""
        self._last[entry.name in self._recorded] = entry


def _next_in_turn(entries: set[_Entry], last: _Entry) -> list[_Entry]:
    """The next `_MOST` entries in turn after the last scanned one."""
    ordered = sorted(entries)
    start = bisect_right(ordered, last)
    return (ordered[start:] + ordered[:start])[:_MOST]


def put_back(op: Operation, grant: Grant, scan: TrashScan) -> Iterator[MovedBack]:
    """Puts back live volumes' directories that are in the trash or in the term's folder.

    The scan of the trash stops at half of the grant's time; the next sweep continues.
    """
    until = time.monotonic() + grant.seconds / 2
    with suppress(TimedOut):  # the caller gets the results so far
        for volume in fencing.moving(op.term):
            yield from _from_the_term(op, volume)
        for entry in scan.due(op.ledger, grant.term.leader):
            if time.monotonic() >= until:
                return
            scan.note_scanned(entry)
            yield from _from_the_trash(op, scan, entry)
        for entry in scan.without_data():
            if time.monotonic() < until:
                _refile(op, scan, entry)


def _refile(op: Operation, scan: TrashScan, entry: _Entry) -> None:
    """Moves a misfiled record back from `trashed`."""
    with suppress(Failed, Unsafe, OSError):  # reconciling the volume reports them
        record = op.ledger.find(entry.name)
        if record is None or not record_origin.is_ours(op, record):
            return
        with op.locks.tried(record.directory) as is_free:
            if not is_free or op.ledger.find(entry.name) != record:
                return
            if scan.is_misplaced(entry, now=misfiled_records.is_misfiled(op, record)):
                misfiled_records.refiled(op, record)


def _from_the_term(op: Operation, volume: str) -> Iterator[MovedBack]:
    found, directory = path_in_term(volume), ""
    try:
        record = op.ledger.find(volume)
        if record is None:
            _refuse_unrecorded(op, volume)
            return
        directory = record.directory
        with op.locks.tried(directory) as is_free:
            if is_free and op.ledger.find(volume) == record and _is_back(op, record):
                yield MovedBack(volume, directory, found)
    except _TROUBLE as error:
        yield MovedBack(volume, directory, found, _why(error))


def _refuse_unrecorded(op: Operation, volume: str) -> None:
    """Raises Unsafe if a directory in the term's folder has no record."""
    if op.in_term(volume) is not None and op.ledger.find(volume) is None:
        raise Unsafe(f"volume {volume} has no record: move the directory to where it belongs")


def _is_back(op: Operation, record: Record) -> bool:
    """Moves a directory in place back; raises Unsafe if it is not the record's."""
    if record.in_place:
        return bool(move_back(op, record))
    op.moving(record)
    return False


def _from_the_trash(op: Operation, scan: TrashScan, entry: _Entry) -> Iterator[MovedBack]:
    owner = None
    try:
        if _belongs(op, entry.name):
            scan.note_ok(entry)
            return
        owner = _owner(op, entry.name)
        if not scan.is_misplaced(entry, now=owner is not None) or owner is None:
            return
        with op.locks.tried(owner.directory) as is_free:
            if is_free and _owner(op, entry.name) == owner:
                yield _move_back(op, entry.name, owner)
    except _TROUBLE as error:
        if owner is not None:  # else it is not known to be a live volume's
            yield MovedBack(owner.volume, owner.directory, trash_of(entry.name), _why(error))


def _why(error: Exception) -> str:
    """Why a directory could not be moved back; re-raises TimedOut, which is not about it."""
    if isinstance(error, TimedOut):
        raise error
    return reason(error) if isinstance(error, OSError) else str(error)


def _belongs(op: Operation, name: str) -> bool:
    """Whether an entry of the trash is the directory of the record with its name."""
    record = op.ledger.find(name)
    if record is None or record.state is not State.TRASHED:
        return False
    return record.inode.may_be(_inode_in_trash(op, name))


def _owner(op: Operation, name: str) -> Record | None:
    """The live volume whose directory is in the trash under a name.

    None if the directory belongs there, has no record, or belongs to another cluster.
    """
    record = op.ledger.find(name)
    if record is None:
        return None
    inode = _inode_in_trash(op, name)
    if record.state is not State.TRASHED:
        return record if _is_live_directory(op, record, inode) else None
    if record.inode.may_be(inode):
        return None
    others = op.ledger.others(record.directory, name)
    return next((other for other in others if _is_live_directory(op, other, inode)), None)


def _is_live_directory(op: Operation, record: Record, inode: Inode) -> bool:
    is_known = record.inode != UNKNOWN and record.inode.may_be(inode)
    return is_known and record.in_place and record_origin.is_ours(op, record)


def _inode_in_trash(op: Operation, name: str) -> Inode:
    with tree.opened(op.ledger.folder(TRASH), [name]) as handle:
        return inode_of(handle)


def _move_back(op: Operation, name: str, owner: Record) -> MovedBack:
    if op.moving(owner) is None:  # an empty directory would be replaced
        op.changes.rename(op.ledger.folder(TRASH), name, op.term, fencing.MOVING + owner.volume)
    return MovedBack(owner.volume, move_back(op, owner), trash_of(name))
