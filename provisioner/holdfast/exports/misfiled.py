"""Records among those of the trash whose directory is not there.

The rename of a record goes past the term's folder (`Ledger.discard`), so one of a former leader
can come late and hit a volume that is live again. And another leader's sweep may put a directory
back that it finds in the trash before its record has come there.
"""

from __future__ import annotations

from contextlib import suppress

from holdfast.exports import tree
from holdfast.exports.errors import Unsafe
from holdfast.exports.inode import Inode
from holdfast.exports.ledger import TRASH
from holdfast.exports.operation import Operation
from holdfast.exports.record import Record, State


def refiled(op: Operation, record: Record) -> Record:
    """A record as it is where it belongs; one that is misfiled among those of the trash is moved.

    Whoever calls holds the lock of the record's directory.
    """
    if record.state in {State.RETAINED, State.ARCHIVED}:  # nothing where it is not among them
        op.ledger.refile(record)
    elif record.state is State.TRASHED and is_misfiled(op, record):
        op.ledger.refile(record)
        if not _is_marked(op, record):
            op.ledger.mark(record.directory, record.volume)
        return op.ledger.find(record.volume) or record
    return record


def is_misfiled(op: Operation, record: Record) -> bool:
    """Whether a directory stands at its path though its record is among those of the trash."""
    if tree.exists(op.ledger.folder(TRASH), record.volume) or op.moving(record.volume) is not None:
        return False
    there = directory_of(op, record)
    return there is not None and (_is_marked(op, record) or _is_certain(op, record, there))


def directory_of(op: Operation, record: Record) -> Inode | None:
    """The directory at a record's path, where it is known to be the record's."""
    with suppress(Unsafe):  # it is no directory
        there = op.inode_at(record.directory) if record.inode.number else None
        return there if there is not None and record.inode.may_be(there) else None
    return None


def _is_marked(op: Operation, record: Record) -> bool:
    """Whether the mark is there still, which goes last when a directory is given up."""
    return record.volume in op.ledger.owners(record.directory)


def _is_certain(op: Operation, record: Record, there: Inode) -> bool:
    """Whether a directory without the mark is the record's all the same.

    Without a time of birth its number may be that of another that came after it; and what others
    share stays at its path when one of them has given it up.
    """
    is_certain = bool(record.inode.birth and there.birth)
    may_be_shared = record.shared or record.inherited
    return is_certain and not (may_be_shared or op.ledger.marked(record.directory))
