"""The name of an archive: chosen, written into the record, marked and reserved before the move.

So after a crash the record says where the directory may be.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from holdfast.claims.paths import archive_name
from holdfast.exports import tree
from holdfast.exports.errors import Unsafe
from holdfast.exports.operation import Operation, is_placeholder
from holdfast.exports.record import Record


def is_archive(op: Operation, record: Record) -> bool:
    """Whether a record's target is its directory, not a placeholder or another volume's."""
    there = op.inode_at(record.target) if record.target else None
    if there is None or op.ledger.has_others(record.target, record.volume):
        return False
    with tree.above(op.root, record.target) as (parent, name):
        if is_placeholder(parent, name):
            return False
    return record.inode.may_be(there)


def with_archive_name(op: Operation, record: Record) -> Record:
    """The record, with a free name for its archive, which it marks and reserves."""
    for name in _archive_names(record):
        if not _is_free(op, record, name):
            continue
        if name != record.target:
            record = without_target(op, record).with_target(name)
            op.ledger.write(record)
        op.ledger.mark(name, record.volume)
        if op.ledger.is_anothers(name, record.volume):
            continue  # another leader marked it meanwhile: the next name replaces it
        if op.reserve(op.root, name, again=True):
            return record
    raise Unsafe(f"all names for an archive of {record.directory!r} are in use: remove archives")


def without_target(op: Operation, record: Record) -> Record:
    """The record without the target of an earlier attempt; removes the target's reservation."""
    if not record.target:
        return record
    if not op.ledger.is_anothers(record.target, record.volume):
        op.clear(op.root, record.target)
    op.abandoned.add(record.target)
    op.ledger.unmark(record.target, record.volume)
    record = record.with_target("")
    op.ledger.write(record)
    return record


def _is_free(op: Operation, record: Record, name: str) -> bool:
    if op.ledger.is_anothers(name, record.volume):
        return False
    return name == record.target or not tree.exists(op.root, name)


def _archive_names(record: Record) -> Iterator[str]:
    """Names by preference: of an earlier attempt, plain, with a timestamp, with a number."""
    if record.target:
        yield record.target
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    for suffix in ("", f"-{stamp}", *(f"-{stamp}-{number}" for number in range(2, 1000))):
        yield archive_name(record.directory, suffix)
