"""Misfiled records: in `trashed`, though their directory is not in the trash.

A record is renamed without the term's folder (`Ledger.discard`). So a late call of a former leader
can move the record of a volume that is live again. Also, another leader's sweep may put a
directory back that it finds in the trash before its record is in `trashed`.
"""

from __future__ import annotations

from contextlib import suppress

from holdfast.claims.paths import RESERVED
from holdfast.exports import fencing, tree
from holdfast.exports.errors import Unsafe
from holdfast.exports.inode import Inode
from holdfast.exports.ledger import TRASH, trash_of
from holdfast.exports.operation import Operation
from holdfast.exports.record import Record, State


def find(op: Operation, volume: str) -> Record | None:
    """The record of a volume, refiled if it is misfiled; None if there is none.

    Raises:
        Unsafe: the record cannot be parsed.
        TimedOut: another call holds the lock of the record's directory.
    """
    record = op.ledger.find(volume)
    if record is None or record.state is State.LIVE:
        return record
    if record.state is State.TRASHED and tree.exists(op.ledger.folder(TRASH), volume):
        return record  # correct: needs no lock
    with op.locked(record.directory):
        record = op.ledger.find(volume)  # another call may just have moved it
        return refiled(op, record) if record else None


def refiled(op: Operation, record: Record) -> Record:
    """Moves a misfiled record back to `volumes`; returns the record as it is then.

    The caller holds the lock of the record's directory.
    """
    if record.state in {State.RETAINED, State.ARCHIVED}:  # no change if it is in `volumes`
        op.ledger.refile(record)
    elif record.state is State.TRASHED and is_misfiled(op, record):
        op.ledger.refile(record)
        if not _is_marked(op, record):
            op.ledger.mark(record.directory, record.volume)
        return op.ledger.find(record.volume) or record
    return record


def is_misfiled(op: Operation, record: Record) -> bool:
    """Whether the directory of a record in `trashed` is at its path, and still its own."""
    if tree.exists(op.ledger.folder(TRASH), record.volume) or op.moving(record) is not None:
        return False
    there = directory_of(op, record)
    return there is not None and (_is_marked(op, record) or _is_certain(op, record, there))


def directory_of(op: Operation, record: Record) -> Inode | None:
    """The inode of the directory at a record's path; None if it is not known to be the record's."""
    with suppress(Unsafe):  # not a directory
        there = op.inode_at(record.directory) if record.inode.number else None
        return there if there is not None and record.inode.may_be(there) else None
    return None


def moved_to(op: Operation, volume: str) -> str:
    """Where a volume's directory is, if in the trash or in any leader's term; "" if in neither."""
    if tree.reaches(op.root, trash_of(volume)):
        return trash_of(volume)
    term = fencing.term_with_directory(op.ledger.handle, volume)
    return f"{RESERVED}/{term}/{fencing.MOVING}{volume}" if term else ""


def _is_marked(op: Operation, record: Record) -> bool:
    """Whether the record's mark still exists; it is removed last when a directory is deleted."""
    return record.volume in op.ledger.owners(record.directory)


def _is_certain(op: Operation, record: Record, there: Inode) -> bool:
    """Whether a directory without the mark is certainly the record's.

    Without a birth time, a later directory may have reused the inode number. A shared directory
    stays at its path when one of its volumes is deleted.
    """
    is_certain = bool(record.inode.birth and there.birth)
    return is_certain and not (record.may_be_shared or op.ledger.marked(record.directory))
