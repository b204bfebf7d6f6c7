"""The owners of a path: other volumes that have the directory, or one above or beneath it.

A volume gets a directory only if every owner shares it or is reused. They are checked before the
volume's own mark is written, to refuse early, and after it, as another leader may have written one
meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from functools import partial
from itertools import islice

from holdfast.claims.paths import RESERVED
from holdfast.exports import fencing, leaving_shared, misfiled_records, record_origin
from holdfast.exports.errors import Unsafe
from holdfast.exports.interface import DirectorySpec
from holdfast.exports.operation import Operation
from holdfast.exports.record import DirectoryTaken, Record, State

_SHARERS = 10  # looked at for one that answers for all: some may be in the making


def checked(op: Operation, spec: DirectorySpec, reuses: Collection[str]) -> list[Record]:
    """The records of the owners of a specified directory, before its volume's mark is written.

    Of those that share it, one is enough (`_sharer`). `reuses` are the volumes whose retained
    directory may be reused.

    Raises:
        DirectoryTaken: one neither shares the directory nor is reused.
        Unsafe: one is in `creating`, so that its volume may yet appear in the API server, or the
            directory that is to be shared or reused is in the trash or in a term's folder.
    """
    return _checked(op, spec, reuses, op.ledger.others)


def checked_again(op: Operation, spec: DirectorySpec, reuses: Collection[str]) -> list[Record]:
    """As `checked`, after the volume's mark is written.

    Raises:
        DirectoryTaken, Unsafe: as `checked` and `others_now`; the path is abandoned.
    """
    try:
        owners = _checked(op, spec, reuses, partial(others_now, op))
        if owners:
            leaving_shared.refuse_if_noticed(op, spec.directory)
    except (DirectoryTaken, Unsafe):
        op.abandoned.add(spec.directory)  # an earlier attempt may have made it
        raise
    return owners


def others_now(op: Operation, directory: str, volume: str) -> list[Record]:
    """As `Ledger.others`, to be called after the volume's own mark is written.

    Of two leaders that mark overlapping directories, at least one finds the other's mark. A mark
    with neither record nor intent is stale and ignored.

    Raises:
        Unsafe: another volume has a mark and an intent but no record yet.
    """
    marked = [other for other in op.ledger.marked(directory) if other != volume]
    return list(filter(None, (_recorded(op, directory, other) for other in marked)))


def _checked(
    op: Operation,
    spec: DirectorySpec,
    reuses: Collection[str],
    others: Callable[[str, str], Iterable[Record]],
) -> list[Record]:
    sharer = _sharer(op, spec) if spec.joins and not reuses else None
    if sharer is not None:
        return [sharer]
    owners = list(others(spec.directory, spec.volume))
    strangers = [
        owner for owner in owners if owner.volume in reuses or not _shares(op, spec, owner)
    ]
    _refuse_if_begun(op, spec, strangers)
    if not all(_may_reuse(spec, stranger, reuses) for stranger in strangers):
        raise DirectoryTaken(spec.directory, strangers)
    _refuse_if_elsewhere(op, owners)
    return owners


def _sharer(op: Operation, spec: DirectorySpec) -> Record | None:
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
    if not spec.shared:
        return None
    marked = (name for name in op.ledger.marked_at(spec.directory) if name != spec.volume)
    for name in islice(marked, _SHARERS):
        record = op.ledger.find(name)
        if record is not None and _may_share(spec, record) and _answers_for_all(op, record):
            return record
    return None


def _shares(op: Operation, spec: DirectorySpec, other: Record) -> bool:
    """Whether a record's volume, and not only what is left of it, shares the specified directory.

    A volume's record says that it is live also after the volume was deleted with policy Retain. One
    in `creating` is of an attempt that has not ended.
    """
    is_there = spec.joins or op.ledger.creating(other.volume) is not None
    return is_there and _may_share(spec, other)


def _may_share(spec: DirectorySpec, other: Record) -> bool:
    """Whether a record's volume has the specified directory, and both are to share it."""
    same = other.directory == spec.directory and other.in_place
    return same and other.state is State.LIVE and spec.shared and other.shared


def _answers_for_all(op: Operation, record: Record) -> bool:
    if record.inherited or op.ledger.creating(record.volume) is not None:
        return False
    return misfiled_records.directory_of(op, record) is not None


def _recorded(op: Operation, directory: str, other: str) -> Record | None:
    if found := op.ledger.find(other):
        return found
    if term := fencing.term_with_intent(op.ledger.handle, other):
        raise Unsafe(
            f"{directory!r} overlaps a directory that is being created for volume {other} "
            f"({RESERVED}/{term}): Holdfast will retry"
        )
    return op.ledger.find(other)  # the intent is removed after the record is written


def _refuse_if_begun(op: Operation, spec: DirectorySpec, others: Iterable[Record]) -> None:
    """Raises Unsafe if one is in `creating`: its volume may yet appear in the API server."""
    for other in others:
        if op.ledger.creating(other.volume):
            raise Unsafe(
                f"directory {other.directory!r} is being created for volume {other.volume} of "
                f"{_whose(op, spec, other)}"
            )


def _whose(op: Operation, spec: DirectorySpec, other: Record) -> str:
    """Whose a directory is that is being made, and what helps."""
    if other.origin and not record_origin.is_ours(op, other):
        return (
            f"claim {other.claim} of another cluster, {other.origin}: change pathPattern so that "
            "the claims of each cluster get directories of their own"
        )
    if str(other.claim) == str(spec.claim):
        return (
            "an earlier claim of this name: Holdfast confirms or undoes that volume first; if this "
            "lasts, see the other events of this claim"
        )
    return f"claim {other.claim}: change pathPattern so that each claim gets its own directory"


def _refuse_if_elsewhere(op: Operation, owners: Iterable[Record]) -> None:
    """Raises Unsafe if a directory that is shared or reused is still to be moved back to its path.

    As after a crash between the two steps of `recover`, or an undo that failed: a new one would
    take its place for good. One that a person removed is not waited for.
    """
    for other in owners:
        is_there = misfiled_records.directory_of(op, other) is not None
        if not is_there and (place := misfiled_records.moved_to(op, other.volume)):
            raise Unsafe(
                f"the directory of volume {other.volume} is at {place!r}, not at "
                f"{other.directory!r}: Holdfast will retry; if it stays there, move it back"
            )


def _may_reuse(spec: DirectorySpec, other: Record, reuses: Collection[str]) -> bool:
    """Whether a retained directory may be reused: only by claims of its namespace."""
    same = other.directory == spec.directory and other.in_place
    return same and other.volume in reuses and other.claim.namespace == spec.claim.namespace
