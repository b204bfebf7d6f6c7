"""Adopts a volume that was made without Holdfast: its record is written, its directory stays."""

from __future__ import annotations

from dataclasses import replace

from holdfast.exports import leaving_shared, other_exports, path_owners, record_origin, reserve
from holdfast.exports.errors import Unsafe
from holdfast.exports.inode import UNKNOWN
from holdfast.exports.operation import Operation
from holdfast.exports.reclaim_directory import frees
from holdfast.exports.record import DirectoryTaken, Record

_ADVICE = (
    "it is left alone; when the volume is not needed any more, set its reclaim policy to Retain, "
    "delete it, and remove the directory by hand"
)


def adopt(op: Operation, record: Record, *, may_use_reserve: bool) -> Record:
    """Records a volume, unless it has a record already; returns the stored record.

    The caller holds the lock of the record's directory.

    Raises:
        DirectoryTaken: another volume has the directory, or one above or beneath it, and the two
            may not share it.
        Unsafe: the record could not be read again, a create is under way there, the directory
            lies within another export, or the volume has a record of another cluster.
    """
    return reserve.used_if_full(
        op, lambda: _adopt(op, record), frees=lambda: may_use_reserve and frees(op, record)
    )


def _adopt(op: Operation, record: Record) -> Record:
    if held := op.ledger.find(record.volume):
        record_origin.refuse_others(op, held)
        return held
    Record.parse(record.dump(), record.volume)  # raises Unsafe if it could not be read again
    other_exports.refuse_within(op, record.directory, _ADVICE)
    others = list(op.ledger.others(record.directory, record.volume))
    _is_foreign(record, others)
    if others:
        op.intend(record.volume, record.directory)  # a mark alone may be a stale one
    op.ledger.mark(record.directory, record.volume)  # before the record: none without its mark
    try:
        foreign = _is_foreign_now(op, record)
    except (DirectoryTaken, Unsafe):
        op.ledger.unmark(record.directory, record.volume)
        op.drop_intent(record.volume)
        raise
    inode = op.inode_at(record.directory) or UNKNOWN
    record = replace(record, origin=op.cluster, inode=inode, foreign=foreign)
    op.ledger.write(record)
    if others:
        op.drop_intent(record.volume)
    return record


def _is_foreign_now(op: Operation, record: Record) -> bool:
    """As `_is_foreign`, after the mark; raises Unsafe if others are coming or going."""
    others = path_owners.others_now(op, record.directory, record.volume)
    foreign = _is_foreign(record, others)
    if others:
        leaving_shared.refuse_if_noticed(op, record.directory)
    return foreign


def _is_foreign(record: Record, others: list[Record]) -> bool:
    """Whether a record that shares the directory says that it is foreign.

    Raises DirectoryTaken if another volume has the directory and may not share it.
    """
    strangers = [other for other in others if not (other.inherited or record.shares_with(other))]
    if strangers:
        raise DirectoryTaken(record.directory, strangers)
    return any(other.foreign for other in others if other.directory == record.directory)
