"""Archiving and trashing: one rename, at once and whole.

In the trash each volume has its own place; the name of an archive is written into the record
first, and marked as taken. So the directory is at one of three places, whatever a crash left,
or gone. rename(2) cannot be asked to fail where the target exists, not over NFS (renameat2(2)
with RENAME_NOREPLACE gives EINVAL there): a free name is chosen under the export's lock instead.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from holdfast.claims.parameters import Action
from holdfast.claims.paths import archive_name
from holdfast.exports import tree
from holdfast.exports.errors import Taken, Unsafe
from holdfast.exports.ledger import Ledger, trash_of
from holdfast.exports.record import Record, State


class Outcome(StrEnum):
    """What became of a directory."""

    TRASHED = "trashed"
    ARCHIVED = "archived"
    RETAINED = "retained"
    SHARED = "shared"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of a directory, and where it is now (relative to the root; may be empty)."""

    outcome: Outcome
    place: str = ""


def move(root: int, kept: Ledger, record: Record, action: Action) -> Moved:
    """Carries out a reclaim action on a record's directory; raises Taken and Unsafe."""
    if record.state in {State.RETAINED, State.ARCHIVED}:
        return _settle(kept, record)
    if record.state is State.TRASHED or _is_shared(kept, record):
        return _discard(root, kept, record)
    if not tree.reaches(root, record.directory):
        return _find_moved(root, kept, record)
    if action is Action.ARCHIVE:
        aimed = _aimed(root, kept, record)
        _rename(root, aimed.directory, aimed.target)
        return _settle(kept, aimed.settled(State.ARCHIVED))
    if action is Action.RETAIN:
        return _settle(kept, _not_aimed(kept, record).settled(State.RETAINED))
    _rename(root, record.directory, _free_trash(root, record))
    return _discard(root, kept, record)


def _is_shared(kept: Ledger, record: Record) -> bool:
    """Whether others have the directory too; raises Taken where they should not."""
    others = kept.others(record.directory, record.volume)
    strangers = [other for other in others if other.directory != record.directory]
    if strangers or (others and not record.shared):
        raise Taken(record.directory, strangers or others)
    return bool(others)


def _find_moved(root: int, kept: Ledger, record: Record) -> Moved:
    """What an earlier attempt did to a directory that is not where it was."""
    if record.target and _is_ours(root, kept, record):
        return _settle(kept, record.settled(State.ARCHIVED))
    return _discard(root, kept, record)


def _is_ours(root: int, kept: Ledger, record: Record) -> bool:
    return tree.reaches(root, record.target) and not kept.others(record.target, record.volume)


def _settle(kept: Ledger, record: Record) -> Moved:
    """Writes down what was done; again and again, if need be."""
    kept.write(record)
    if record.state is State.ARCHIVED:
        kept.unmark(record.directory, record.volume)
    return Moved(Outcome(record.state.value), record.target or record.directory)


def _discard(root: int, kept: Ledger, record: Record) -> Moved:
    """Gives the directory up; the record stays with the trash until the volume is gone as well.

    Without it a crash would leave a volume that nothing is known of, and that nobody can delete.
    """
    kept.discard(record if record.state is State.TRASHED else _not_aimed(kept, record))
    if tree.reaches(root, trash_of(record.volume)):
        return Moved(Outcome.TRASHED, trash_of(record.volume))
    if kept.others(record.directory, record.volume):
        return Moved(Outcome.SHARED, record.directory)
    return Moved(Outcome.GONE)


def _free_trash(root: int, record: Record) -> str:
    target = trash_of(record.volume)
    if tree.reaches(root, target):
        raise Unsafe(f"{target!r} exists already: remove it, or move it to where it belongs")
    return target


def _aimed(root: int, kept: Ledger, record: Record) -> Record:
    names = _archive_names(record)
    target = next(name for name in names if _is_free(root, kept, record, name))
    if target != record.target:
        record = _not_aimed(kept, record).moving_to(target)
        kept.write(record)
    kept.mark(target, record.volume)
    return record


def _not_aimed(kept: Ledger, record: Record) -> Record:
    """The record without the place where an earlier attempt wanted the data to go."""
    if not record.target:
        return record
    kept.unmark(record.target, record.volume)
    record = record.moving_to("")
    kept.write(record)
    return record


def _is_free(root: int, kept: Ledger, record: Record, name: str) -> bool:
    return not tree.reaches(root, name) and not kept.others(name, record.volume)


def _archive_names(record: Record) -> Iterator[str]:
    """Names in the order of preference: the one begun with, the plain one, with time, numbered."""
    if record.target:
        yield record.target
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    for suffix in ("", f"-{stamp}", *(f"-{stamp}-{number}" for number in range(2, 1000))):
        yield archive_name(record.directory, suffix)


def _rename(root: int, source: str, target: str) -> None:
    with tree.above(root, source) as (old, name), tree.above(root, target, make=True) as (new, to):
        if not tree.is_directory(old, name):
            raise Unsafe(f"{source!r} is no directory, or a symlink: it is left alone")
        os.rename(name, to, src_dir_fd=old, dst_dir_fd=new)
        os.fsync(new)
        os.fsync(old)
