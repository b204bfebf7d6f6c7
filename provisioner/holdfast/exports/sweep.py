"""Putting right what calls of an earlier term did after that had ended.

A call can hang in the kernel, or its packet on the network, for as long as it likes. What such a
call can still do is little (`terms.py`): a directory that was about to be made appears, empty;
or, on a server that loses track of removed folders, a directory is moved. Both are recognised.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress

from holdfast.exports import create, parents, terms, tree
from holdfast.exports.errors import Failed, Unsafe
from holdfast.exports.inode import UNKNOWN, Inode, inode_of
from holdfast.exports.interface import PutBack
from holdfast.exports.ledger import TRASH, trash_of
from holdfast.exports.operation import Operation, PathLocks
from holdfast.exports.reclaim import put_back, way_out_of
from holdfast.exports.record import Record, State

PROBE = ".probe-"  # of the file that says that the export can be written to (`export.py`)


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


def misplaced(op: Operation, locks: PathLocks) -> Iterator[PutBack]:
    """Puts back the directories of live volumes that are found in the trash, or on their way out.

    A reclaim that has failed on its way, and is tried again later, takes it out once more.
    """
    for volume in terms.moving(op.term):
        with suppress(Failed, Unsafe, OSError):
            record = op.ledger.find(volume)
            if record is None or not record.in_place:
                continue
            with locks.tried(record.directory) as is_free:
                if is_free and (place := put_back(op, record)):
                    yield PutBack(volume, place, way_out_of(volume))
    trash = op.ledger.folder(TRASH)
    for name in os.listdir(trash):
        with suppress(Failed, Unsafe, OSError):
            owner = _owner(op, name)
            if owner is None:
                continue
            with locks.tried(owner.directory) as is_free:
                if is_free and _owner(op, name) == owner:
                    yield _put_back(op, trash, name, owner)


def _owner(op: Operation, name: str) -> Record | None:
    """The live volume whose directory lies in the trash under a name; None for what belongs there.

    Without a record nothing is known, and nothing is done.
    """
    record = op.ledger.find(name)
    if record is None:
        return None
    inode = _inode_in_trash(op, name)
    if record.state is not State.TRASHED:
        return record if _is_meant(record, inode) else None
    if record.inode.may_be(inode):
        return None
    others = op.ledger.others(record.directory, name)
    return next((other for other in others if _is_meant(other, inode)), None)


def _is_meant(record: Record, inode: Inode) -> bool:
    return record.in_place and record.inode != UNKNOWN and record.inode.may_be(inode)


def _inode_in_trash(op: Operation, name: str) -> Inode:
    with tree.opened(op.ledger.folder(TRASH), [name]) as handle:
        return inode_of(handle)


def _put_back(op: Operation, trash: int, name: str, owner: Record) -> PutBack:
    op.changes.rename(trash, name, op.term, terms.MOVING + owner.volume)
    return PutBack(owner.volume, put_back(op, owner), trash_of(name))
