"""Reclaims directories: archive and delete are atomic renames through the term's folder.

The trash has one path for each volume; the name of an archive is written into the record and
marked before the move. So after a crash the directory is at its path, in the term's folder
(`fencing.py`), at its target, or gone. It is identified by its inode, not by its name alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace

from holdfast.claims.parameters import Action, strictest
from holdfast.claims.paths import RESERVED
from holdfast.exports import fencing, leaving_shared, misfiled_records, parents, path_owners, tree
from holdfast.exports.archive_name import is_archive, with_archive_name, without_target
from holdfast.exports.errors import Unsafe
from holdfast.exports.inode import Inode, inode_of
from holdfast.exports.interface import Moved, Outcome
from holdfast.exports.ledger import TRASH, trash_of
from holdfast.exports.operation import Operation, path_in_term
from holdfast.exports.record import DirectoryTaken, Record, State


def reclaim(op: Operation, record: Record, action: Action) -> Moved:
    """Carries out a reclaim action on a record's directory; a foreign one is always retained.

    Raises:
        DirectoryTaken: directories of other volumes overlap it.
        Unsafe: the directory is not the record's, or is somewhere else.
    """
    moved = _reclaim(op, record, Action.RETAIN if record.foreign else action)
    if moved.outcome is not Outcome.RETAINED:
        parents.prune(op, record.directory)
    return moved


def leave(op: Operation, record: Record, action: Action) -> Moved | None:
    """As `reclaim`, if other volumes share the directory, which stays, or if that is done already.

    None if this is the last of them.
    """
    if record.has_left:
        return reclaim(op, record, action)
    if record.state is not State.LIVE or op.moving(record) is not None:
        return None
    if not stays(op, record):
        return None
    return _leave(op, record, Action.RETAIN if record.foreign else action)


def frees(op: Operation, record: Record) -> bool:
    """Whether the action DELETE moves a record's directory to the trash, which is then emptied.

    Not if other volumes have it too, or if it is kept whatever its volume says.
    """
    if record.state is State.TRASHED:
        return tree.reaches(op.root, trash_of(record.volume))
    moving = op.moving(record)
    if record.state is not State.LIVE or record.foreign or is_archive(op, record):
        return False
    if _strictest(op, record, Action.DELETE, moving) is not Action.DELETE:
        return False
    others = op.ledger.others(record.directory, record.volume)
    return moving is not None or all(record.may_be_reclaimed_before(other) for other in others)


def move_back(op: Operation, record: Record) -> str:
    """Moves a directory from the term's folder back to its path; "" if it was not there.

    Raises:
        Unsafe: something else is at its path, or in the term's folder; or as `Operation.in_term`.
    """
    place = record.directory
    if _is_stale(op, record) or op.moving(record) is None:
        return ""
    with parents.made_above(op, place) as (parent, name):
        if not op.reserve(parent, name, again=True):
            op.changes.check()  # a later leader may have moved it back: nobody is to move that away
            raise Unsafe(
                f"cannot move back the directory of volume {record.volume} from "
                f"{path_in_term(record.volume)}: {_why_in_use(op, record)}"
            )
        op.put_down(record.volume, parent, name)
    if record.volume not in op.ledger.owners(place):  # a mark needs room on the export
        op.ledger.mark(place, record.volume)
    return place


def _why_in_use(op: Operation, record: Record) -> str:
    """Why something is at a record's path, and what helps: not what another volume has there."""
    for other in op.ledger.others(record.directory, record.volume):
        is_at_path = other.directory == record.directory and other.in_place
        if is_at_path and misfiled_records.directory_of(op, other) is not None:
            return (
                f"{record.directory!r} is now in use by volume {other.volume}: move the directory "
                f"of volume {record.volume} to where it belongs"
            )
    return f"{record.directory!r} exists, move it away"


def _is_stale(op: Operation, record: Record) -> bool:
    """Whether an empty directory was left in the term's folder, which is removed then.

    By a version that made a second one after an undo had failed. The record's own is at its path.
    """
    found = op.in_term(record.volume)
    if (
        found is None
        or record.inode.may_be(found)
        or misfiled_records.directory_of(op, record) is None
    ):
        return False
    return op.removed_if_empty(record.volume)


def forget(op: Operation, record: Record) -> bool:
    """Removes a record whose directory was removed by hand; False if it is somewhere."""
    place = record.target if record.state is State.ARCHIVED else record.directory
    if record.state is State.TRASHED or op.ledger.creating(record.volume):
        return False
    if misfiled_records.moved_to(op, record.volume) or op.inode_at(place) is not None:
        return False
    _refuse_if_there(op, replace(record, directory=place))
    op.ledger.forget(record)
    parents.prune(op, record.directory)
    return True


def _reclaim(op: Operation, record: Record, action: Action) -> Moved:
    if record.state in {State.RETAINED, State.ARCHIVED}:
        return _write_outcome(op, record)
    if record.state is State.TRASHED:
        return _discard(op, record)
    moving = op.moving(record)
    # A directory in the term's folder is this volume's alone: the path's is another one.
    others = op.ledger.others(record.directory, record.volume)
    if moving is None and _is_shared(record, others) and (moved := _leave(op, record, action)):
        return moved
    with leaving_shared.noticed(op, record):
        if moving is None and _is_shared_still(op, record):
            return _left(op, record, action)
        return _carry_out(op, record, _strictest(op, record, action, moving), moving)


def _left(op: Operation, record: Record, action: Action) -> Moved:
    """As `_leave`; raises Unsafe if all leave at the same time."""
    if moved := _leave(op, record, action):
        return moved
    raise Unsafe(
        f"all volumes that share {record.directory!r} are being reclaimed: Holdfast will retry"
    )


def _leave(op: Operation, record: Record, action: Action) -> Moved | None:
    """Leaves a directory to the volumes that share it, and marks what this one demands for it.

    None if the others have left meanwhile: this is the last of them (`leaving_shared.py`).
    """
    if action is not Action.DELETE:
        op.ledger.demand(record.directory, action)  # before its own mark is removed
    op.ledger.discard(_to_be_trashed(op, record))
    if not stays(op, record):
        op.ledger.refile(record)
        return None
    leaving_shared.withdraw(op, record)  # of an earlier attempt, as the last
    return _discarded(op, record)


def stays(op: Operation, record: Record) -> bool:
    """Whether a directory stays when a volume leaves it: another one that shares it has it."""
    others = op.ledger.others(record.directory, record.volume)
    return any(record.shares_with(other) and _has_it(other) for other in others)


def _has_it(other: Record) -> bool:
    """Whether a volume that shares a directory has it, and does not leave it just now."""
    return other.state in {State.LIVE, State.RETAINED}


def _strictest(op: Operation, record: Record, action: Action, moving: Inode | None) -> Action:
    """The strictest of a volume's action and those of the volumes that shared its directory.

    At most ARCHIVE for a directory in the term's folder: none is moved there to be retained, so a
    mark that says so is of a later directory at the path.
    """
    if not record.may_be_shared:
        return action
    demands = op.ledger.demands(record.directory)
    if moving is not None and demands:
        demands = [Action.ARCHIVE]
    return strictest([action, *demands])


def _carry_out(op: Operation, record: Record, action: Action, moving: Inode | None) -> Moved:
    there = _present(op, record, action)
    if moving is None and there is None and action is not Action.DELETE:
        moving = _taken_from_trash(op, record)
    if moving is None and there is None:
        return _find_moved(op, record)
    if action is Action.RETAIN:
        move_back(op, record)
        return _write_outcome(op, without_target(op, record).with_state(State.RETAINED))
    taken = there if moving is None else None
    if taken is not None:
        record = replace(record, inode=taken)  # a record of version 1 has no inode
    if action is Action.ARCHIVE:
        record = with_archive_name(op, record)
    if taken is not None:
        op.take_out(record.directory, record.volume, taken)
    if action is Action.ARCHIVE:
        op.put_down(record.volume, op.root, record.target)
        return _write_outcome(op, record.with_state(State.ARCHIVED))
    _into_trash(op, record)
    return _discard(op, record)


def _present(op: Operation, record: Record, action: Action) -> Inode | None:
    """The inode of a record's directory at its path; removes a stale placeholder there.

    None if another directory is there, except for RETAIN, which touches neither.
    """
    there = op.inode_at(record.directory)
    if there is None or record.inode.may_be(there):
        return there
    if not op.ledger.is_anothers(record.directory, record.volume):
        with tree.above(op.root, record.directory) as (parent, _):
            if op.clear(parent, record.directory):
                return None
    return there if action is Action.RETAIN else None


def _taken_from_trash(op: Operation, record: Record) -> Inode | None:
    """Moves a directory from the trash to the term's folder: it is not to be deleted any more."""
    trash = op.ledger.folder(TRASH)
    with suppress(FileNotFoundError):
        with tree.opened(trash, [record.volume]) as handle:
            if not record.inode.may_be(inode_of(handle)):
                return None
        op.changes.rename(trash, record.volume, op.term, fencing.MOVING + record.volume)
    return op.moving(record)


def _is_shared(record: Record, others: Iterable[Record]) -> bool:
    """Whether other volumes share the directory; raises DirectoryTaken if they may not.

    The first that shares it decides, as the directory stays then, whoever else has it. The last of
    them sees all others.
    """
    strangers = list[Record]()
    for other in others:
        if record.shares_with(other):
            if _has_it(other):
                return True
        elif not record.may_be_reclaimed_before(other):
            strangers.append(other)
    if strangers:
        raise DirectoryTaken(record.directory, strangers)
    return False


def _is_shared_still(op: Operation, record: Record) -> bool:
    """As `_is_shared`, once more after the notice (`leaving_shared.py`).

    Raises:
        Unsafe: another volume is about to have the directory, or just leaves it.
    """
    if not record.may_be_shared:
        return False
    others = path_owners.others_now(op, record.directory, record.volume)
    if _is_shared(record, others):
        return True
    for other in others:
        is_trashed = other.state is State.TRASHED and record.shares_with(other)
        # One that is in the trash itself cannot come back before this one is gone.
        if is_trashed and not tree.exists(op.ledger.folder(TRASH), other.volume):
            raise Unsafe(
                f"volume {other.volume}, which shared {record.directory!r}, is being reclaimed or "
                "moved back: Holdfast will retry"
            )
    return False


def _find_moved(op: Operation, record: Record) -> Moved:
    """Completes a reclaim whose directory is neither at its path nor in the term's folder."""
    if is_archive(op, record):
        return _write_outcome(op, record.with_state(State.ARCHIVED))
    if not tree.reaches(op.root, trash_of(record.volume)):
        if place := fencing.term_with_directory(op.ledger.handle, record.volume):
            raise Unsafe(
                f"another leader is moving the directory of volume {record.volume} "
                f"({RESERVED}/{place}): Holdfast will retry when its term has ended"
            )
        _refuse_if_there(op, record)
    return _discard(op, record)


def replaced(record: Record) -> Unsafe:
    """The error for another directory at a record's path."""
    return Unsafe(
        f"{record.directory!r} is not the directory that was created for volume {record.volume}: "
        "it is left alone; move the right one back, or, if this one was restored from a backup, "
        "run `holdfast exports accept`"
    )


def _refuse_if_there(op: Operation, record: Record) -> None:
    """Raises Unsafe if the path exists after all: another's, or hidden by a stale cache."""
    with suppress(FileNotFoundError), tree.above(op.root, record.directory) as (parent, name):
        op.abandoned.add(record.directory)
        again = not op.ledger.is_anothers(record.directory, record.volume)
        if not op.reserve(parent, name, again=again):
            there = op.inode_at(record.directory)
            if there is None or record.inode.may_be(there):
                raise Unsafe(f"{record.directory!r} has just appeared: Holdfast will retry")
            raise replaced(record)
        op.clear(parent, record.directory)


def _write_outcome(op: Operation, record: Record) -> Moved:
    """Writes the record of a finished reclaim; can be repeated."""
    op.ledger.write(record)
    if record.state is State.ARCHIVED:
        op.ledger.unmark(record.directory, record.volume)
    else:
        op.ledger.drop_demands(record.directory, record.volume)  # the record says it from now on
    return Moved(Outcome(record.state.value), record.target or record.directory)


def _discard(op: Operation, record: Record) -> Moved:
    """Moves the record to `trashed`, where it stays until the volume is gone too.

    Without a record, a crash would leave a volume that cannot be deleted. Until the record is in
    `trashed`, another leader's sweep may put the directory back.
    """
    op.ledger.discard(record if record.state is State.TRASHED else _to_be_trashed(op, record))
    if misfiled_records.is_misfiled(op, record):
        op.ledger.refile(record)
        raise Unsafe(f"{record.directory!r} was moved back meanwhile: Holdfast will retry")
    return _discarded(op, record)


def _discarded(op: Operation, record: Record) -> Moved:
    op.ledger.unmark(record.directory, record.volume)
    if tree.reaches(op.root, trash_of(record.volume)):
        return Moved(Outcome.TRASHED, trash_of(record.volume))
    if op.ledger.has_others(record.directory, record.volume):
        return Moved(Outcome.SHARED, record.directory)
    return Moved(Outcome.GONE)


def _to_be_trashed(op: Operation, record: Record) -> Record:
    """The record before it is moved to `trashed`, without what is left of earlier attempts.

    A recovery that ended halfway leaves it retained: the reaper would move the directory back.
    """
    record = without_target(op, record)
    if record.retained_in_trash:
        record = replace(record, retained_in_trash=False)
        op.ledger.write(record)
    return record


def _into_trash(op: Operation, record: Record) -> None:
    trash = op.ledger.folder(TRASH)
    if tree.exists(trash, record.volume):
        move_back(op, record)
        place = trash_of(record.volume)
        raise Unsafe(f"{place!r} already exists: remove it, or move it to where it belongs")
    op.put_down(record.volume, trash, record.volume)
