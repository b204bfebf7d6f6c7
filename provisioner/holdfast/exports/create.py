"""Creates a volume's directory, and undoes that.

Order: the intent; mkdir(2); the record, with the directory's inode; owner and mode. mkdir(2)
decides whether the directory existed: it fails if anything has that name, and only the server
answers it, never a cache.

Until its mode is set, the directory has one that nothing else uses (`tree.HALF_MADE`). An empty
directory with this mode and an intent is therefore ours: after a crash, and if a server that
restarted between a call and its retransmission answers that the directory exists
(`Operation.is_own`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice

from holdfast.claims.paths import RESERVED
from holdfast.exports import misfiled, parents, terms, tree
from holdfast.exports.errors import DirectoryGone, Unsafe
from holdfast.exports.inode import Inode, inode_of
from holdfast.exports.interface import Wanted
from holdfast.exports.operation import Operation, is_placeholder
from holdfast.exports.reclaim import move_back, replaced
from holdfast.exports.record import DirectoryTaken, Record, State

_MODES = 0o7777
_OWNERS = 2**32 - 2  # 2**32 - 1 means "unchanged", chown(2)
_SHARERS = 10  # looked at for one that answers for all: some may be in the making
_ATTEMPTS = 100  # another operation may prune an empty parent meanwhile


@dataclass(frozen=True, slots=True)
class _Attempt:
    """A request, the record of an earlier attempt, and those of the path's owners."""

    wanted: Wanted
    held: Record | None
    owners: list[Record]


def create(op: Operation, wanted: Wanted, reuses: Collection[str]) -> Record:
    """Makes the directory and its record; see `interface.Exports.create`.

    Raises:
        DirectoryTaken: the directory overlaps those of other volumes.
        Unsafe: the directory exists without a record, or another create is under way there.
        DirectoryGone: the volume has a record, and nothing is at its path.
    """
    _check(wanted)
    held = _held(op, wanted)
    if held is not None and op.ledger.creating(held.volume) is None:
        _check_usable(op, wanted)  # the API server knows the volume, pods may use it: no change
        return held
    reuses = {*reuses, *(held.succeeds if held else ())}
    _checked_owners(op, wanted, reuses, op.ledger.others)
    op.intend(wanted.volume, wanted.directory)
    op.ledger.mark(wanted.directory, wanted.volume)
    try:
        attempt = _Attempt(wanted, held, _owners_now(op, wanted, reuses))
        inode, found = _make_directory(op, attempt)
    except (DirectoryTaken, Unsafe):
        _withdraw(op, wanted, held)
        raise
    record = _record(op, attempt, inode, found=found)
    op.ledger.write_creating(record)
    if not found:
        _set_owner(op, wanted, inode)
    op.drop_intent(wanted.volume)
    return record


def undo(op: Operation, volume: str) -> None:
    """Undoes `create` for a volume that the API server does not know; keeps data."""
    if op.ledger.has_moved_on(volume):
        _confirm_undone(op, volume)
        op.drop_intent(volume)
        return
    record, intent = op.ledger.creating(volume), op.intent(volume)
    directory = record.directory if record else intent
    if not directory:
        return
    if record is not None and not record.foreign and _keeps_data(op, record):
        # The directory is retained; its record names the claim.
        op.ledger.write_creating(record.with_state(State.RETAINED))
        _confirm_undone(op, volume)
    elif record is None:
        _roll_back(op, directory, volume)
    else:
        op.ledger.unmark(directory, volume)
        parents.prune(op, directory)
        op.ledger.forget(record)
    op.drop_intent(volume)


def _confirm_undone(op: Operation, volume: str) -> None:
    op.ledger.confirm(volume)
    record = op.ledger.find(volume)
    if record is not None and record.state is State.RETAINED:
        op.ledger.drop_demands(record.directory, volume)


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
            op.clear(parent, name)


def others_now(op: Operation, directory: str, volume: str) -> list[Record]:
    """As `Ledger.others`, to be called after the volume's own mark is written.

    Of two leaders that mark overlapping directories, at least one finds the other's mark. A mark
    with neither record nor intent is stale and ignored.

    Raises:
        Unsafe: another volume has a mark and an intent but no record yet.
    """
    marked = [other for other in op.ledger.marked(directory) if other != volume]
    return list(filter(None, (_recorded(op, directory, other) for other in marked)))


def _recorded(op: Operation, directory: str, other: str) -> Record | None:
    if found := op.ledger.find(other):
        return found
    if term := terms.term_with_intent(op.ledger.handle, other):
        raise Unsafe(
            f"{directory!r} overlaps a directory that is being made for volume {other} "
            f"({RESERVED}/{term}): Holdfast will retry"
        )
    return op.ledger.find(other)  # the intent is removed after the record is written


def _roll_back(op: Operation, directory: str, volume: str) -> None:
    remove_half_made(op, directory, volume)
    op.ledger.unmark(directory, volume)
    parents.prune(op, directory)


def _check(wanted: Wanted) -> None:
    owners = (wanted.uid or 0, wanted.gid or 0)
    if not (0 <= wanted.mode <= _MODES and all(0 <= owner <= _OWNERS for owner in owners)):
        raise Unsafe(f"invalid mode {wanted.mode:o}, uid {wanted.uid} or gid {wanted.gid}")


def _keeps_data(op: Operation, record: Record) -> bool:
    """Whether the record's directory holds data; removes it if it is empty.

    A directory that a released volume shared, and that is to be kept, counts as one with data.
    """
    if op.moving(record.volume) is None:
        there = _own_directory(op, record)
        if there is None:
            return False
        with tree.opened(op.root, record.directory.split("/")) as handle:
            if not tree.is_empty(handle) or op.ledger.demands(record.directory):
                return True
        op.take_out(record.directory, record.volume, there)
    try:
        op.changes.rmdir(op.term, terms.MOVING + record.volume)
    except OSError as error:
        if error.errno not in tree.NOT_EMPTY:
            raise
        move_back(op, record)
        return True
    return False


def _own_directory(op: Operation, record: Record) -> Inode | None:
    """The inode of a record's directory; None if it is gone, shared, or another's."""
    if op.ledger.has_others(record.directory, record.volume):
        return None
    # Suppressed: it does not exist, or is not a directory any more.
    with (
        suppress(FileNotFoundError, Unsafe),
        tree.opened(op.root, record.directory.split("/")) as handle,
    ):
        return inode_of(handle) if _is_recorded(record, handle) else None
    return None


def _is_recorded(record: Record, handle: int) -> bool:
    """Whether a directory is that of a record in `creating`.

    A record of version 1 was written before its directory and has no inode: only an empty
    directory is accepted then, as it has no data to lose.
    """
    if record.inode.number:
        return record.inode.may_be(inode_of(handle))
    return tree.is_empty(handle)


def _held(op: Operation, wanted: Wanted) -> Record | None:
    """The record of an earlier attempt; raises DirectoryTaken if it has another directory."""
    held = op.ledger.find(wanted.volume)
    intent = op.intent(wanted.volume)
    edited = {held.directory if held else "", intent} - {"", wanted.directory}
    if edited and not op.ledger.has_moved_on(wanted.volume):
        undo(op, wanted.volume)  # the StorageClass was edited between two attempts
        held = op.ledger.find(wanted.volume)
    if held and (held.directory, held.state) != (wanted.directory, State.LIVE):
        raise DirectoryTaken(held.directory, [held])
    return held


def _checked_owners(
    op: Operation,
    wanted: Wanted,
    reuses: Collection[str],
    others: Callable[[str, str], Iterable[Record]],
) -> list[Record]:
    """The records of other volumes that have the directory, or one above or beneath it.

    Of those that share it, one is enough (`_sharer`).

    Raises:
        DirectoryTaken: one neither shares the directory nor is reused.
    """
    sharer = None if reuses else _sharer(op, wanted)
    if sharer is not None:
        return [sharer]
    owners = list(others(wanted.directory, wanted.volume))
    strangers = [owner for owner in owners if not _shares(wanted, owner)]
    _refuse_if_begun(op, strangers)
    if not all(_may_reuse(wanted, stranger, reuses) for stranger in strangers):
        raise DirectoryTaken(wanted.directory, strangers)
    return owners


def _sharer(op: Operation, wanted: Wanted) -> Record | None:
    """A volume that shares the directory, whose record answers for all others that have it.

    So what a claim costs does not grow with the volumes that share. Sharing belongs to the
    directory: while a volume that shares it has it, none gets it, or one above or beneath it,
    unless it shares too, because each is checked against the marks of the others after its own
    is written. So one record says what all say, if

    - the API server knows the volume: before, the directory may be a retained one that it reuses,
      whose record still exists;
    - nfs-subdir did not make it: its volumes may have one directory, or nest, and not share;
    - the directory at the path is the record's, not one that a person put there.

    It is as foreign as the others, as each volume takes that over when it joins.
    """
    if not wanted.shared:
        return None
    marked = (name for name in op.ledger.marked_at(wanted.directory) if name != wanted.volume)
    for name in islice(marked, _SHARERS):
        record = op.ledger.find(name)
        if record is not None and _shares(wanted, record) and _answers_for_all(op, record):
            return record
    return None


def _answers_for_all(op: Operation, record: Record) -> bool:
    if record.inherited or op.ledger.creating(record.volume) is not None:
        return False
    return misfiled.directory_of(op, record) is not None


def _owners_now(op: Operation, wanted: Wanted, reuses: Collection[str]) -> list[Record]:
    try:
        return _checked_owners(op, wanted, reuses, partial(others_now, op))
    except (DirectoryTaken, Unsafe):
        op.abandoned.add(wanted.directory)  # an earlier attempt may have made it
        raise


def _refuse_if_begun(op: Operation, others: Iterable[Record]) -> None:
    """Raises Unsafe if one is in `creating`: its volume may yet appear in the API server."""
    for other in others:
        if op.ledger.creating(other.volume):
            raise Unsafe(
                f"directory {other.directory!r} is being made for volume {other.volume} of claim "
                f"{other.claim}: change pathPattern so that each claim gets its own directory"
            )


def _may_reuse(wanted: Wanted, other: Record, reuses: Collection[str]) -> bool:
    """Whether a retained directory may be reused: only by claims of its namespace."""
    same = other.directory == wanted.directory and other.in_place
    return same and other.volume in reuses and other.claim.namespace == wanted.claim.namespace


def _shares(wanted: Wanted, other: Record) -> bool:
    same = other.directory == wanted.directory and other.in_place
    return same and other.state is State.LIVE and wanted.shared and other.shared


def _make_directory(op: Operation, attempt: _Attempt) -> tuple[Inode, bool]:
    """Makes or finds the directory; returns its inode, and whether it existed before."""
    directory = attempt.wanted.directory
    for _ in range(_ATTEMPTS):
        with suppress(FileNotFoundError), parents.made_above(op, directory) as (parent, name):
            return _made_or_found(op, attempt, parent, name)
    raise Unsafe(f"the parent of {directory!r} is removed again and again: Holdfast will retry")


def _made_or_found(op: Operation, attempt: _Attempt, parent: int, name: str) -> tuple[Inode, bool]:
    try:
        op.changes.mkdir(parent, name, tree.HALF_MADE)
        was_there = False
    except FileExistsError:
        was_there = True
    held = attempt.held
    with tree.opened(parent, [name]) as handle:
        inode = inode_of(handle)
        if not was_there or _is_own(op, attempt, handle):
            return inode, False
        if held is not None and _is_recorded(held, handle):
            return inode, held.found
    if not (attempt.owners or attempt.wanted.use_existing):
        if held is not None and held.inode.number:
            raise replaced(held)
        raise Unsafe(
            f"directory {attempt.wanted.directory!r} exists without a record: change pathPattern, "
            "remove the directory if it is not needed, or set existingDirectories: 'use' in the "
            "StorageClass"
        )
    return inode, True


def _is_own(op: Operation, attempt: _Attempt, handle: int) -> bool:
    """Whether the directory that mkdir(2) found was made by this attempt or an earlier one.

    Not if an owner's record names its inode, whatever its mode. A directory that another leader
    has just made looks the same, but `others_now` has refused that case. So does an empty
    directory of this mode that an administrator made: it is treated as ours, because a crash can
    leave nothing but the intent, and no data is at risk.
    """
    inode = inode_of(handle)
    return op.is_own(handle) and not any(owner.inode.may_be(inode) for owner in attempt.owners)


def _withdraw(op: Operation, wanted: Wanted, held: Record | None) -> None:
    """Removes the intent, and the mark of a first attempt, after the directory was refused."""
    if held is None:
        op.ledger.unmark(wanted.directory, wanted.volume)
    parents.prune(op, wanted.directory)
    op.drop_intent(wanted.volume)


def _record(op: Operation, attempt: _Attempt, inode: Inode, *, found: bool) -> Record:
    wanted, held, owners = attempt.wanted, attempt.held, attempt.owners
    foreign = not owners or any(owner.foreign for owner in owners)
    if held and (held.inode.number or held.found):
        foreign = held.foreign
    record = Record(
        volume=wanted.volume,
        export=op.ledger.export_id,
        directory=wanted.directory,
        inode=inode,
        claim=wanted.claim,
        storage_class=wanted.storage_class,
        size=wanted.size,
        reclaim_policy=wanted.reclaim_policy,
        on_delete=wanted.on_delete,
        shared=wanted.shared,
        mode=f"{wanted.mode:04o}",
        uid=wanted.uid,
        gid=wanted.gid,
        found=found,
        foreign=found and foreign,
        succeeds=tuple(owner.volume for owner in owners if not _shares(wanted, owner)),
        origin=op.cluster,
    )
    return replace(record, version=held.version, unknown=held.unknown) if held else record


def _set_owner(op: Operation, wanted: Wanted, inode: Inode) -> None:
    with tree.opened(op.root, wanted.directory.split("/")) as handle:
        if not inode_of(handle).may_be(inode):
            raise Unsafe(f"{wanted.directory!r} was replaced meanwhile: it is left alone")
        op.changes.set_owner(handle, wanted.uid, wanted.gid, wanted.mode)


def _check_usable(op: Operation, wanted: Wanted) -> None:
    """Raises Unsafe if the path is not a directory, DirectoryGone if it does not exist."""
    try:
        with tree.opened(op.root, wanted.directory.split("/")):
            pass
    except FileNotFoundError:
        raise DirectoryGone(
            f"directory {wanted.directory!r} of volume {wanted.volume} is gone: move it back, or "
            "delete the claim and the volume, and create the claim again"
        ) from None
