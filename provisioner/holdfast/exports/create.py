"""Creates a volume's directory and its record.

Order: the intent; mkdir(2); the record, with the directory's inode; owner and mode. mkdir(2)
decides whether the directory existed: it fails if anything has that name, and only the server
answers it, never a cache.

Until its mode is set, the directory has one that nothing else uses (`tree.HALF_MADE`). An empty
directory with this mode and an intent is therefore ours: after a crash, and if a server that
restarted between a call and its retransmission answers that the directory exists
(`Operation.is_own`).

One with a record that an earlier attempt left half-made is not finished, but replaced by a new one:
a late fchown(2) or fchmod(2) of that attempt would change a directory that pods use by then.
Setting owner and mode in the term's folder first, with a rename to the path, would not do: what is
made there inherits no group, ACL or project of the parent, and XFS and ext4 refuse (EXDEV) to
rename a directory into a project's.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, replace

from holdfast.claims.parameters import Action
from holdfast.exports import other_exports, parents, path_owners, record_origin, tree, undo
from holdfast.exports.errors import DirectoryGone, Unsafe
from holdfast.exports.inode import Inode, inode_of
from holdfast.exports.interface import DirectorySpec
from holdfast.exports.operation import Operation, path_in_term
from holdfast.exports.reclaim_directory import replaced
from holdfast.exports.record import DirectoryTaken, Record, State

_MODES = 0o7777
_OWNERS = 2**32 - 2  # 2**32 - 1 means "unchanged", chown(2)
# Volumes that shared a directory that one reuses: how many its record names, and how many records
# one call removes, far from its deadline.
_MOST_REUSED = 500
_AT_ONCE = 1000
_ATTEMPTS = 100  # another operation may prune an empty parent meanwhile


@dataclass(frozen=True, slots=True)
class _Attempt:
    """A request, the record of an earlier attempt, and those of the path's owners.

    `reuses` are the volumes whose retained directory may be reused; the other owners share it.
    """

    spec: DirectorySpec
    held: Record | None
    owners: list[Record]
    reuses: Collection[str]

    def is_owned(self, inode: Inode) -> bool:
        """Whether a directory can be an owner's, and not one that a person put in its place."""
        return any(owner.inode.may_be(inode) for owner in self.owners)


def create(op: Operation, spec: DirectorySpec, reuses: Collection[str]) -> Record:
    """Makes the directory and its record; see `interface.Exports.create`.

    Raises:
        DirectoryTaken: the directory overlaps those of other volumes.
        Unsafe: the directory exists without a record, or another create is under way there.
        DirectoryGone: the volume has a record, and nothing is at its path.
    """
    _check(spec)
    held = _held(op, spec, reuses)
    if held is not None and op.ledger.creating(held.volume) is None:
        _check_usable(op, held)  # the API server knows the volume, pods may use it: no change
        return held
    _end_undo(op, spec, held)
    reuses = {*reuses, *(held.succeeds if held else ())} - {spec.volume}
    path_owners.checked(op, spec, reuses)
    op.intend(spec.volume, spec.directory)
    op.ledger.mark(spec.directory, spec.volume)
    try:
        attempt = _Attempt(spec, held, path_owners.checked_again(op, spec, reuses), reuses)
        _forget_surplus(op, attempt)
        inode, found = _make_directory(op, attempt)
    except (DirectoryTaken, Unsafe):
        _withdraw(op, spec, held)
        raise
    record = _record(op, attempt, inode, found=found)
    op.ledger.write_creating(record)
    if not found:
        _set_owner(op, spec, inode)
    op.drop_intent(spec.volume)
    return record


def undo_elsewhere(op: Operation, spec: DirectorySpec) -> None:
    """Undoes an earlier attempt at another path: the StorageClass was edited in between.

    Before the lock of the new path is taken, so that nobody waits for two.

    Raises:
        Unsafe: as `undo.undo`.
        TimedOut: another call holds the lock of the other path.
    """
    held = op.ledger.creating(spec.volume)
    begun = {held.directory if held else "", op.intent(spec.volume)} - {"", spec.directory}
    if begun and not op.ledger.has_moved_on(spec.volume):
        undo.undo_locked(op, spec.volume)


def _check(spec: DirectorySpec) -> None:
    owners = (spec.uid or 0, spec.gid or 0)
    if not (0 <= spec.mode <= _MODES and all(0 <= owner <= _OWNERS for owner in owners)):
        raise Unsafe(f"invalid mode {spec.mode:o}, uid {spec.uid} or gid {spec.gid}")


def _held(op: Operation, spec: DirectorySpec, reuses: Collection[str]) -> Record | None:
    """The record of an earlier attempt; raises DirectoryTaken if it has another directory."""
    held = op.ledger.find(spec.volume)
    record_origin.refuse_known_others(op, held)
    if held is None or (held.directory, held.state) == (spec.directory, State.LIVE):
        return held
    if held.volume not in reuses or not _is_of_an_attempt(held, spec):
        raise DirectoryTaken(held.directory, [held])
    if held.may_be_shared:  # a volume that shared it may have demanded that it is retained
        op.ledger.demand(held.directory, Action.RETAIN)
    held = replace(held, state=State.LIVE, moved="")
    op.ledger.reopen(held)
    return held


def _is_of_an_attempt(held: Record, spec: DirectorySpec) -> bool:
    """Whether a record is of an attempt of the same claim, whose undo kept the directory."""
    is_same = (held.directory, held.claim.uid) == (spec.directory, spec.claim.uid)
    return is_same and held.state is State.RETAINED


def _end_undo(op: Operation, spec: DirectorySpec, held: Record | None) -> None:
    """Sees to it that no directory is left in the term's folder: it would be taken for the new one.

    Raises:
        Unsafe: what is there is not the record's, or has no record; or as `undo.end_undo`.
    """
    if held is not None:
        undo.end_undo(op, held)
    elif op.in_term(spec.volume) is not None:
        raise Unsafe(
            f"{path_in_term(spec.volume)} has no record: move it to where it belongs, or remove "
            "it if it is not needed"
        )


def _forget_surplus(op: Operation, attempt: _Attempt) -> None:
    """Removes records of reused volumes that are more than a record can name.

    They shared the directory, which is retained by the records of the others.

    Raises:
        Unsafe: there were too many; there may be more.
    """
    reused = [owner for owner in attempt.owners if owner.volume in attempt.reuses]
    surplus = sorted(reused, key=lambda owner: not owner.foreign)[_MOST_REUSED:]
    for owner in surplus[:_AT_ONCE]:
        op.ledger.forget(owner)
    if surplus:
        raise Unsafe(
            f"directory {attempt.spec.directory!r} keeps the data of {len(reused)} deleted "
            f"volumes that shared it: Holdfast removes the records of all but {_MOST_REUSED} "
            "first, in parts, and will retry"
        )


def _make_directory(op: Operation, attempt: _Attempt) -> tuple[Inode, bool]:
    """Makes or finds the directory; returns its inode, and whether it existed before."""
    directory = attempt.spec.directory
    for _ in range(_ATTEMPTS):
        with (
            suppress(FileNotFoundError),
            parents.made_above(op, directory, is_new=True) as (parent, name),
        ):
            return _made_or_found(op, attempt, parent, name)
    raise Unsafe(f"the parent of {directory!r} is removed repeatedly: Holdfast will retry")


def _made_or_found(op: Operation, attempt: _Attempt, parent: int, name: str) -> tuple[Inode, bool]:
    try:
        op.changes.mkdir(parent, name, tree.HALF_MADE)
        was_there = False
    except FileExistsError:
        was_there = True
    held = attempt.held
    with tree.opened(parent, [name]) as handle:
        inode = inode_of(handle)
        if was_there and tree.is_half_made(handle) and _is_left(op, attempt, inode):
            _remove_empty(op, attempt.spec, inode)
            return _made_or_found(op, attempt, parent, name)
        if not was_there or _is_own(op, attempt, handle):
            return inode, False
        if held is not None and undo.is_recorded(held, handle):
            return inode, held.found
        if not attempt.is_owned(inode):
            _check_unknown(op, attempt, handle)
        return inode, True


def _is_left(op: Operation, attempt: _Attempt, inode: Inode) -> bool:
    """Whether an earlier attempt of the volume has recorded a half-made directory.

    Raises:
        Unsafe: it was made for a volume that shares it and whose own attempt has not ended.
    """
    if attempt.is_owned(inode):
        _refuse_half_made(op, attempt, inode)
        return False
    held = attempt.held
    return held is not None and not held.found and held.inode.may_be(inode)


def _remove_empty(op: Operation, spec: DirectorySpec, inode: Inode) -> None:
    """Removes a directory by way of the term's folder.

    Raises:
        Unsafe: it was filled meanwhile; the next attempt moves it back (`_end_undo`).
    """
    op.take_out(spec.directory, spec.volume, inode)
    if not op.removed_if_empty(spec.volume):
        raise Unsafe(
            f"{spec.directory!r} was filled before its volume was created: Holdfast will retry"
        )


def _refuse_half_made(op: Operation, attempt: _Attempt, inode: Inode) -> None:
    """Raises Unsafe if the API server may not know the volume that a directory was made for."""
    for owner in attempt.owners:
        is_made_for = owner.inode.may_be(inode) and not owner.found
        if is_made_for and op.ledger.creating(owner.volume):
            raise Unsafe(
                f"directory {owner.directory!r} is being created for volume {owner.volume} of "
                f"claim {owner.claim}, which shares it: Holdfast will retry"
            )


def _check_unknown(op: Operation, attempt: _Attempt, handle: int) -> None:
    """Raises Unsafe unless the volume may have a directory that no record names."""
    other_exports.refuse_existing(handle, attempt.spec.directory)
    if not attempt.spec.use_existing:
        raise _unknown(attempt)
    _refuse_mounted(op, attempt.spec.directory, handle)


def _refuse_mounted(op: Operation, directory: str, handle: int) -> None:
    """Raises Unsafe for a directory on another file system.

    It can be a snapshot under a name that `claims.paths.SERVERS_OWN` lacks.
    """
    if os.fstat(handle).st_dev != os.fstat(op.root).st_dev:
        raise Unsafe(
            f"directory {directory!r} is on another file system than the export's root: a "
            "snapshot or a mount; change pathPattern, or the annotation or label that it reads, "
            "or serve that file system as an export of its own"
        )


def _unknown(attempt: _Attempt) -> Unsafe:
    """The error for a directory that no record names."""
    held, directory = attempt.held, attempt.spec.directory
    if held is not None and held.inode.number:
        return replaced(held)
    ways = (
        "change pathPattern, remove the directory if it is not needed, or set "
        "existingDirectories: 'use' in the StorageClass"
    )
    if not attempt.owners:
        return Unsafe(f"directory {directory!r} exists without a record: {ways}")
    owner = attempt.owners[0]
    if owner.volume not in attempt.reuses:
        return replaced(owner)
    return Unsafe(
        f"{directory!r} is not the directory that was retained for volume {owner.volume} of claim "
        f"{owner.claim}: move that one back, {ways}"
    )


def _is_own(op: Operation, attempt: _Attempt, handle: int) -> bool:
    """Whether the directory that mkdir(2) found was made by this attempt or an earlier one.

    Not if an owner's record names its inode, whatever its mode. A directory that another leader
    has just made looks the same, but `path_owners` has refused that case. So does an empty
    directory of this mode that an administrator made: it is treated as ours, because a crash can
    leave nothing but the intent, and no data is at risk.
    """
    return op.is_own(handle) and not attempt.is_owned(inode_of(handle))


def _withdraw(op: Operation, spec: DirectorySpec, held: Record | None) -> None:
    """Removes the intent, and the mark of a first attempt, after the directory was refused."""
    if held is None:
        op.ledger.unmark(spec.directory, spec.volume)
    parents.prune(op, spec.directory)
    op.drop_intent(spec.volume)


def _record(op: Operation, attempt: _Attempt, inode: Inode, *, found: bool) -> Record:
    spec, held, owners = attempt.spec, attempt.held, attempt.owners
    foreign = not attempt.is_owned(inode) or any(owner.foreign for owner in owners)
    if held and held.inode.may_be(inode) and (held.inode.number or held.found):
        foreign = held.foreign
    record = Record(
        volume=spec.volume,
        export=op.ledger.export_id,
        directory=spec.directory,
        inode=inode,
        claim=spec.claim,
        storage_class=spec.storage_class,
        size=spec.size,
        reclaim_policy=spec.reclaim_policy,
        on_delete=spec.on_delete,
        shared=spec.shared,
        mode=f"{spec.mode:04o}",
        uid=spec.uid,
        gid=spec.gid,
        found=found,
        foreign=found and foreign,
        succeeds=_succeeds(attempt),
        origin=op.cluster,
    )
    return replace(record, version=held.version, unknown=held.unknown) if held else record


def _succeeds(attempt: _Attempt) -> tuple[str, ...]:
    """The volumes that are reused; a confirm that crashed may have removed the records of some."""
    reused = [one.volume for one in attempt.owners if one.volume in attempt.reuses]
    return tuple(dict.fromkeys((*reused, *(attempt.held.succeeds if attempt.held else ()))))


def _set_owner(op: Operation, spec: DirectorySpec, inode: Inode) -> None:
    with tree.opened(op.root, spec.directory.split("/")) as handle:
        if not inode_of(handle).may_be(inode):
            raise Unsafe(f"{spec.directory!r} was replaced meanwhile: it is left alone")
        op.changes.set_owner(handle, spec.uid, spec.gid, spec.mode)


def _check_usable(op: Operation, held: Record) -> None:
    """Raises Unsafe if the path is not a directory, DirectoryGone if it does not exist."""
    if op.inode_at(held.directory) is not None:
        return
    if op.moving(held) is not None:
        raise Unsafe(
            f"directory {held.directory!r} of volume {held.volume} is in "
            f"{path_in_term(held.volume)}: Holdfast moves it back and will retry"
        )
    raise DirectoryGone(
        f"directory {held.directory!r} of volume {held.volume} is gone: move it back, or "
        "delete the claim and the volume, and create the claim again"
    )
