"""Adopts a volume that was made without Holdfast: its record is written, its directory stays."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from holdfast.exports import (
    gone_volumes,
    leaving_shared,
    other_exports,
    path_owners,
    record_origin,
    reserve,
)
from holdfast.exports.errors import Unsafe
from holdfast.exports.inode import UNKNOWN
from holdfast.exports.operation import Operation
from holdfast.exports.reclaim_directory import frees
from holdfast.exports.record import DirectoryTaken, Record

_ADVICE = (
    "it is left alone; when the volume is not needed any more, set its reclaim policy to Retain, "
    "delete it, and remove the directory by hand"
)


def adopt(
    op: Operation, record: Record, gone: Collection[str] = (), *, may_use_reserve: bool
) -> Record:
    """Records a volume, unless it has a record already; returns the stored record.

    The caller holds the lock of the record's directory. Of the `gone` volumes, which do not exist
    any more, the records that stand in the way are removed, if they give way (`gone_volumes.py`).

    Raises:
        DirectoryTaken: another volume has the directory, or one above or beneath it, and the two
            may not share it.
        Unsafe: the record could not be read again, a create is under way there, the directory
            lies within another export, or the volume has a record of another cluster.
    """
    return reserve.used_if_full(
        op, lambda: _adopt(op, record, gone), frees=lambda: may_use_reserve and frees(op, record)
    )


def _adopt(op: Operation, record: Record, gone: Collection[str]) -> Record:
    if held := op.ledger.find(record.volume):
        record_origin.refuse_others(op, held)
        return _completed(op, held)
    Record.parse(record.dump(), record.volume)  # raises Unsafe if it could not be read again
    other_exports.refuse_within(op, record.directory, _ADVICE)
    _checked(op, record, list(op.ledger.others(record.directory, record.volume)), gone)
    op.intend(record.volume, record.directory)  # a mark alone may be a stale one
    op.ledger.mark(record.directory, record.volume)  # before the record: none without its mark
    try:
        record = _checked_again(op, record, gone)
    except (DirectoryTaken, Unsafe):
        op.ledger.unmark(record.directory, record.volume)
        op.drop_intent(record.volume)
        raise
    op.ledger.write(record)
    return _completed(op, record)


def _completed(op: Operation, record: Record) -> Record:
    """Ends the adoption of a recorded volume, also one that a crash cut short."""
    if not record.inherited:
        return record
    op.drop_intent(record.volume)
    return gone_volumes.forget_former(op, record)


def _checked_again(op: Operation, record: Record, gone: Collection[str]) -> Record:
    """As `_checked`, after the mark; raises Unsafe if others are coming or going."""
    others = path_owners.others_now(op, record.directory, record.volume)
    record = _checked(op, record, others, gone)
    if others:
        leaving_shared.refuse_if_noticed(op, record.directory)
    return record


def _checked(op: Operation, record: Record, others: list[Record], gone: Collection[str]) -> Record:
    """The record as it is to be written, beside those of other volumes that have the directory.

    It is foreign if one of them is, also of another inode: after a restore all inodes differ.

    Raises DirectoryTaken if another volume has the directory and may not share it.
    """
    former = _former(op, record, others, gone)
    others = [one for one in others if one not in former]
    strangers = [other for other in others if not (other.inherited or record.shares_with(other))]
    if strangers:
        raise DirectoryTaken(record.directory, strangers)
    inode = op.inode_at(record.directory) or UNKNOWN
    sharers = [one for one in (*others, *former) if one.directory == record.directory]
    return replace(
        record,
        origin=op.cluster,
        inode=inode,
        foreign=any(one.foreign for one in sharers),
        succeeds=tuple(one.volume for one in former),
    )


def _former(
    op: Operation, record: Record, others: list[Record], gone: Collection[str]
) -> list[Record]:
    """The records that give way.

    Beside a volume that stays, none that was to be retained: the directory would go with both.
    """
    found = [
        one for one in others if one.volume in gone and gone_volumes.gives_way(op, one, record)
    ]
    is_alone = len(found) == len(others)
    return [one for one in found if is_alone or not one.was_retained]
