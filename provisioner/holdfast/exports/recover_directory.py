"""Moves a directory back from the trash or its archive: its volume exists, or was set to Retain.

A person may set a volume to Retain while it is being reclaimed, or create it again by hand.

- trash: the record is moved back before the directory, with its inode. After a crash in between,
  the sweep finds the directory of a live volume in the trash.
- archive: the record is live and names the archive before the directory is moved, as in the middle
  of archiving it. It no longer names it once the directory is in the term's folder, so that the
  sweep finds it there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

from holdfast.claims.constants import RETAIN
from holdfast.exports import (
    fencing,
    leaving_shared,
    misfiled_records,
    other_exports,
    path_owners,
    record_origin,
    reserve,
    tree,
)
from holdfast.exports.archive_name import is_archive, without_target
from holdfast.exports.confirm import confirm_unless_undone
from holdfast.exports.errors import FULL, DirectoryGone, Unsafe
from holdfast.exports.inode import UNKNOWN, Inode, inode_of
from holdfast.exports.ledger import TRASH, trash_of
from holdfast.exports.operation import Operation, is_placeholder
from holdfast.exports.reclaim_directory import move_back
from holdfast.exports.record import DirectoryTaken, Record, State

_ADVICE = "it is not moved back there; copy what is needed of it by hand"


def recover(op: Operation, volume: str, reclaim_policy: str) -> str:
    """Moves a volume's directory from the trash or its archive to its path.

    If the volume says `Retain`, the record of a directory in the trash says so first: the reaper
    removes no such directory, also if it cannot be moved back.

    Args:
        op: the operation.
        volume: the PersistentVolume's name.
        reclaim_policy: what the record is to say from then on, "Delete" or "Retain".

    Returns:
        The directory's path; "" if it was there already, if the volume has no record, or if an
        undo that failed has taken the directory, which `create` makes again.

    Raises:
        DirectoryTaken: directories of other volumes overlap it.
        DirectoryGone: it is neither at its path nor where the record says.
        Unsafe: something else is at its path or in the trash, its path lies within another export,
            or the record is another cluster's.
        TimedOut: another call holds the lock of the directory or of its trash.
    """
    with op.locked(trash_of(volume)):
        record = op.ledger.find(volume)
        if record is None:
            return ""
        if not record_origin.is_ours(op, record):
            if _is_away(op, record):
                record_origin.refuse_others(op, record)
            return ""
        return recover_locked(op, record, reclaim_policy)


def _is_away(op: Operation, record: Record) -> bool:
    """Whether a record's directory was moved; a crash may have left a live one's where it was."""
    if record.state is not State.LIVE:
        return record.state is not State.RETAINED
    return op.moving(record) is not None or tree.exists(op.ledger.folder(TRASH), record.volume)


def recover_locked(op: Operation, record: Record, reclaim_policy: str) -> str:
    """As `recover`, for a caller that holds the lock of the record's trash."""
    with op.locked(record.directory):
        try:
            confirm_unless_undone(op, record.volume)
        except DirectoryGone:
            _write_unfinished(op, record, reclaim_policy)
            return ""
        found = op.ledger.find(record.volume)
        return _recovered(op, found, reclaim_policy) if found else ""


def _write_unfinished(op: Operation, record: Record, reclaim_policy: str) -> None:
    """Writes the reclaim policy of an unfinished volume, whose directory `create` makes again."""
    now = record.updated(record.claim, record.size, reclaim_policy)
    if now != record:
        op.ledger.write_creating(now)


def _recovered(op: Operation, record: Record, reclaim_policy: str) -> str:
    record = misfiled_records.refiled(op, record)
    if record.state is State.TRASHED:
        if reclaim_policy == RETAIN:
            record = keep_in_trash(op, record, record.updated(record.claim, record.size, RETAIN))
        _refile(op, record)
        record = op.ledger.find(record.volume) or record
    elif record.state is State.ARCHIVED:
        record = _reopened(op, record)
    if record.state is not State.LIVE:
        return ""
    place = _move_to_path(op, record)
    record = op.ledger.find(record.volume) or record
    now = record.updated(record.claim, record.size, reclaim_policy)
    if now != record:
        op.ledger.write(now)
    return place


def keep_in_trash(op: Operation, record: Record, kept: Record) -> Record:
    """The record as `kept`, which the reaper leaves alone; as it was if the export is full.

    First of all: the volume may be gone before its directory can be moved back, or this process.
    """
    if kept == record:
        return record
    try:
        reserve.used_if_full(op, lambda: op.ledger.write_trashed(kept), frees=lambda: True)
    except OSError as error:  # to move the directory back takes no space
        if error.errno not in FULL:
            raise
        return record
    return kept


def _refile(op: Operation, record: Record) -> None:
    """Moves a record back from `trashed` if its directory can be moved back, or is shared."""
    inode = inode_in_trash(op, record)
    with _marked_if_free(op, record) as is_shared:
        if inode is not None:
            _refuse_if_there(op, record)
        elif not is_shared or misfiled_records.directory_of(op, record) is None:
            raise _gone(record, trash_of(record.volume))
    if inode is not None and record.inode == UNKNOWN:  # version 1: else the sweep cannot tell
        op.ledger.write_trashed(replace(record, inode=inode))
    op.ledger.refile(record)


def _reopened(op: Operation, record: Record) -> Record:
    """The record of an archive that can be moved back, live again and with its target."""
    with _marked_if_free(op, record):
        # A person may have moved it back.
        if misfiled_records.directory_of(op, record) is None and op.moving(record) is None:
            if not is_archive(op, record):
                raise _gone(record, record.target)
            _refuse_if_there(op, record)
    record = replace(record, state=State.LIVE, moved="")
    op.ledger.write(record)
    return record


@contextmanager
def _marked_if_free(op: Operation, record: Record) -> Iterator[bool]:
    """Marks a record's directory, unless the block raises; yields whether others share it.

    Raises:
        DirectoryTaken: other volumes have it, which may not.
    """
    op.ledger.mark(record.directory, record.volume)
    try:
        yield _is_shared(op, record)
    except (Unsafe, DirectoryTaken):
        op.ledger.unmark(record.directory, record.volume)
        raise


def _gone(record: Record, place: str) -> DirectoryGone:
    return DirectoryGone(
        f"the directory of volume {record.volume} is neither at {record.directory!r} nor at "
        f"{place!r}"
    )


def _move_to_path(op: Operation, record: Record) -> str:
    """Moves a live volume's directory back, through the term's folder; "" if it is there."""
    is_there = misfiled_records.directory_of(op, record) is not None
    if not is_there and op.moving(record) is None and not _taken_out(op, record):
        return ""
    without_target(op, record)  # only now: until then, it says where the directory is
    return "" if is_there else move_back(op, record)


def _taken_out(op: Operation, record: Record) -> bool:
    """Moves a directory from its archive or the trash to the term's folder; False if in neither."""
    if record.target and is_archive(op, record):
        _refuse_if_there(op, record)
        op.take_out(record.target, record.volume, record.inode)
        return True
    if inode_in_trash(op, record) is None:
        return False
    _refuse_if_there(op, record)
    op.changes.rename(
        op.ledger.folder(TRASH), record.volume, op.term, fencing.MOVING + record.volume
    )
    return True


def inode_in_trash(op: Operation, record: Record) -> Inode | None:
    """The inode of the directory in the trash; raises Unsafe if another one is there."""
    if inode := op.moving(record):
        return inode
    with suppress(FileNotFoundError), tree.opened(op.ledger.folder(TRASH), [record.volume]) as one:
        inode = inode_of(one)
        if record.inode.may_be(inode):
            return inode
        raise Unsafe(
            f"{trash_of(record.volume)!r} is not the directory that was created for volume "
            f"{record.volume}: it is left alone"
        )
    return None


def _is_shared(op: Operation, record: Record) -> bool:
    """Whether other volumes share the path by now; raises DirectoryTaken if they may not."""
    others = path_owners.others_now(op, record.directory, record.volume)
    others = [other for other in others if not record.may_be_reclaimed_before(other)]
    strangers = [other for other in others if not record.shares_with(other)]
    if strangers:
        raise DirectoryTaken(record.directory, strangers)
    if others:
        leaving_shared.refuse_if_noticed(op, record.directory)
    return bool(others)


def _refuse_if_there(op: Operation, record: Record) -> None:
    other_exports.refuse_within(op, record.directory, _ADVICE)
    with suppress(FileNotFoundError), tree.above(op.root, record.directory) as (parent, name):
        if tree.exists(parent, name) and not is_placeholder(parent, name):
            raise Unsafe(f"{record.directory!r} exists, move it away")
