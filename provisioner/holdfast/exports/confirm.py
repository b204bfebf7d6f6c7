"""Confirms a volume: the API server knows it, so that its directory is not undone any more."""

from __future__ import annotations

from contextlib import suppress

from holdfast.exports import record_origin
from holdfast.exports.errors import DirectoryGone, Unsafe
from holdfast.exports.operation import Operation
from holdfast.exports.record import Record


def confirm(op: Operation, volume: str) -> None:
    """Moves a record out of `creating`, and removes those of the volumes that it reuses.

    It does nothing if there is no such record. The records that it reuses go first: after a crash
    in between it is repeated.

    Raises:
        Unsafe: one of the records cannot be parsed, or it is another cluster's.
    """
    record = op.ledger.creating(volume)
    if record is not None:
        _confirm(op, record)


def confirm_unless_undone(op: Operation, volume: str) -> None:
    """As `confirm`, if no undo that failed has taken the volume's directory.

    Raises:
        DirectoryGone: one has; `create` makes the directory again.
        Unsafe: as `confirm`.
    """
    record = op.ledger.creating(volume)
    if record is None:
        return
    if not (_has_directory(op, record) or op.ledger.has_moved_on(volume)):
        raise DirectoryGone(f"directory {record.directory!r} of volume {volume} was undone")
    _confirm(op, record)


def _confirm(op: Operation, record: Record) -> None:
    record_origin.refuse_known_others(op, record)
    for former in record.succeeds:
        if old := op.ledger.find(former):
            op.ledger.forget(old)
    op.ledger.confirm(record.volume)


def _has_directory(op: Operation, record: Record) -> bool:
    """Whether a record has its directory and its mark: an undo removes one after the other.

    If it failed in between, the directory at the path can be another volume's by now.
    """
    if not op.ledger.is_marked(record.directory, record.volume):
        return False
    with suppress(Unsafe):  # the path leads through something else
        there = op.inode_at(record.directory)
        return there is not None and record.inode.may_be(there)
    return True
