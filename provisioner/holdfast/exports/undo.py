"""Undoes the creation of a volume that the API server does not know; keeps data.

A claim may be deleted, or its StorageClass edited, before its volume is published. A new term also
undoes what only has an intent: nobody else ends it.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from holdfast.exports import leaving_shared, parents, path_owners, record_origin, tree
from holdfast.exports.errors import Unsafe
from holdfast.exports.inode import Inode, inode_of
from holdfast.exports.operation import Operation, is_placeholder
from holdfast.exports.reclaim_directory import move_back
from holdfast.exports.record import Record, State


def undo(op: Operation, volume: str) -> None:
    """Undoes `create` for a volume that the API server does not know.

    A directory that holds data is retained; a foreign one stays, without a record.

    Raises:
        Unsafe: its record cannot be parsed, or something else is where it is moved back to.
    """
    if op.ledger.has_moved_on(volume):
        _confirm_undone(op, volume)
        op.drop_intent(volume)
        return
    record, intent = op.ledger.creating(volume), op.intent(volume)
    directory = record.directory if record else intent
    if not directory:
        return
    if record is not None:
        _mark_reused(op, record)
    if record is not None and not record.foreign and _keeps_data(op, record):
        # The directory is retained; its record names the claim.
        op.ledger.write_creating(record.with_state(State.RETAINED))
        _confirm_undone(op, volume)
    else:
        _roll_back(op, directory, volume)
        if record is not None:
            op.ledger.forget(record)
    op.drop_intent(volume)


def undo_locked(op: Operation, volume: str) -> None:
    """As `undo`, under the lock of the directory, whose path is abandoned.

    Raises:
        Unsafe: as `undo`, or its record is another cluster's.
        TimedOut: another call holds the lock.
    """
    record = op.ledger.creating(volume)
    record_origin.refuse_known_others(op, record)
    directory = record.directory if record else op.intent(volume)
    if directory:
        with op.locked(directory):
            undo(op, volume)
        op.abandoned.add(directory)


def end_undo(op: Operation, record: Record) -> None:
    """Ends an earlier undo of a volume that is wanted after all, whichever step it has come to.

    If its directory is in the term's folder, it is moved back. It cannot stay there, as the volume
    would get another one. If that is not possible, as another volume has the path by now, an empty
    one is removed.

    Raises:
        Unsafe: it holds data and cannot be moved back, or another directory has its name there.
    """
    try:
        move_back(op, record)
    except Unsafe:
        if op.moving(record) is None or not op.removed_if_empty(record.volume):
            raise
    if record.may_be_shared:
        leaving_shared.withdraw(op, record)
    _mark_reused(op, record)


def end_intent(op: Operation, volume: str) -> str:
    """Ends an intent of an earlier term and returns its directory.

    If there is a record, the API server may know the volume: then only the intent is removed.
    """
    directory, record = op.intent(volume), op.ledger.find(volume)
    if record is None or record.directory != directory:
        _roll_back(op, directory, volume)
    op.drop_intent(volume)
    return directory


def remove_half_made(op: Operation, directory: str, volume: str = "") -> None:
    """Removes the placeholder that a `create` which crashed, or came late, left at a path.

    A path with another volume's mark is skipped: the directory may be that volume's.
    """
    with suppress(FileNotFoundError, Unsafe), tree.above(op.root, directory) as (parent, name):
        # The cheap check first: there can be many marks beneath a directory.
        if is_placeholder(parent, name) and not op.ledger.is_anothers(directory, volume):
            op.clear(parent, directory)


def remove_late(op: Operation, directory: str) -> None:
    """Removes what a late `create` may have left at an abandoned path, unless a call is there."""
    with op.locks.tried(directory) as is_free:
        if is_free:
            remove_half_made(op, directory)
            op.ledger.prune(directory)
            parents.prune(op, directory)
            parents.remove_late(op, directory)


def is_recorded(record: Record, handle: int) -> bool:
    """Whether a directory, open as `handle`, is that of a record in `creating`.

    A record of version 1 was written before its directory and has no inode: only an empty
    directory is accepted then, as it has no data to lose.
    """
    if record.inode.number:
        return record.inode.may_be(inode_of(handle))
    return tree.is_empty(handle)


def _mark_reused(op: Operation, record: Record) -> None:
    """Marks the directory again for the volumes whose retained one the record's volume reuses.

    A confirm that crashed may have removed their marks, and not yet their records.
    """
    for former in record.succeeds:
        if not op.ledger.is_marked(record.directory, former):
            old = op.ledger.find(former)
            if old is not None and old.in_place and old.directory == record.directory:
                op.ledger.mark(record.directory, former)


def _confirm_undone(op: Operation, volume: str) -> None:
    op.ledger.confirm(volume)
    record = op.ledger.find(volume)
    if record is not None and record.state is State.RETAINED:
        op.ledger.drop_demands(record.directory, volume)


def _roll_back(op: Operation, directory: str, volume: str) -> None:
    remove_half_made(op, directory, volume)
    op.ledger.unmark(directory, volume)
    parents.prune(op, directory)


def _keeps_data(op: Operation, record: Record) -> bool:
    """Whether the record's directory holds data; removes it if it is empty.

    A directory that a released volume shared, and that is to be kept, counts as one with data. So
    does a retained one, if a confirm that crashed has removed all records of former volumes.
    """
    is_kept = bool(record.succeeds) and record.found
    with leaving_shared.noticed(op, record):
        if op.moving(record) is None:
            there = _own_directory(op, record)
            if there is None:
                return False
            with tree.opened(op.root, record.directory.split("/")) as handle:
                if is_kept or not tree.is_empty(handle) or op.ledger.demands(record.directory):
                    return True
            op.take_out(record.directory, record.volume, there)
    if op.removed_if_empty(record.volume):
        return False
    move_back(op, record)
    return True


def _own_directory(op: Operation, record: Record) -> Inode | None:
    """The inode of a record's directory; None if it is gone, shared, or another's."""
    there = _recorded_inode(op, record)
    return None if there is None or _has_others(op, record, there) else there


def _recorded_inode(op: Operation, record: Record) -> Inode | None:
    """The inode of a record's directory at its path; None if it is gone, or another's."""
    # Suppressed: it does not exist, or is not a directory any more.
    with (
        suppress(FileNotFoundError, Unsafe),
        tree.opened(op.root, record.directory.split("/")) as handle,
    ):
        return inode_of(handle) if is_recorded(record, handle) else None
    return None


def _has_others(op: Operation, record: Record, there: Inode) -> bool:
    """Whether other volumes have a directory; raises Unsafe if one is about to share it."""
    if _is_any_at(op.ledger.others(record.directory, record.volume), record.directory, there):
        return True
    return record.may_be_shared and _is_any_at(
        path_owners.others_now(op, record.directory, record.volume), record.directory, there
    )


def _is_any_at(others: Iterable[Record], directory: str, there: Inode) -> bool:
    """Whether one has a directory, or one above or beneath it; not if its own is elsewhere."""
    return any(one.directory != directory or one.inode.may_be(there) for one in others)
