"""Volumes that share a directory, and come and go at the same time in several clusters.

A lock excludes only the calls of one process. Between leaders, each writes what it is about to do
before it looks at what the others have written. So of two, at least one sees the other:

- One that joins (`create`, `adopt`, `recover`) writes its intent and its mark, or only the mark if
  it has a record, then looks for a notice.
- One that leaves the directory to others moves its record to `trashed`, then looks for records of
  others. If there are none any more, they have left meanwhile: it takes its record back and is the
  last. Its mark goes at the end.
- The last one writes a notice, then looks for marks. Only then it moves the directory away.

If one joins while the last moves the directory away, either the first sees the notice and waits,
or the last sees the mark. It leaves the directory to the other if that has a record, or else waits
for it. If two leave, one of them sees that the other's record has moved. If one leaves while
another one is the last, its mark makes that one wait. What has to wait is refused, and retried.

A notice is a draft in the term's folder, which the next term removes with the folder: from then on,
no rename into it takes effect. Until it is gone, one that joins waits, as the rename may still come
after the notice was removed. If the outcome of a rename is unknown, its notice stays for the next
attempt.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from holdfast.claims.paths import RESERVED, shortened
from holdfast.exports import fencing, leader_folders, tree
from holdfast.exports.errors import Unsafe
from holdfast.exports.operation import Operation
from holdfast.exports.record import DirectoryTaken, Record, State
from holdfast.exports.removed_folders import DRAFT
from holdfast.exports.term_folders import is_set_aside, number_of

_NOTICE = f"{DRAFT}leaving-"  # a symlink to the volume's name, which may be too long for this


@contextmanager
def noticed(op: Operation, record: Record) -> Iterator[None]:
    """Keeps a notice that a directory is about to be moved away, if others may share it."""
    if not record.may_be_shared:
        yield
        return
    op.changes.symlink(record.volume, op.term, _name_of(record.volume))
    try:
        yield
    except (DirectoryTaken, Unsafe):  # it has not been moved
        withdraw(op, record)
        raise
    withdraw(op, record)


def withdraw(op: Operation, record: Record) -> None:
    """Removes the notice that a volume's directory is about to be moved away."""
    op.changes.unlink(op.term, _name_of(record.volume))


def withdraw_if_idle(op: Operation, record: Record) -> None:
    """Removes the notice of an attempt that failed, unless its call is still under way."""
    with op.locks.tried(record.directory) as is_free:
        if is_free:
            withdraw(op, record)


def refuse_if_noticed(op: Operation, directory: str) -> None:
    """Raises Unsafe if a directory, or one above it, is about to be moved away by any leader."""
    for leader in leader_folders.names(op.ledger.handle):
        path = (fencing.TERMS, leader)
        with suppress(FileNotFoundError), tree.opened(op.ledger.handle, path) as folder:
            _refuse_if_in(op, folder, leader, directory)


def _refuse_if_in(op: Operation, leader_folder: int, leader: str, directory: str) -> None:
    before = tree.folders(leader_folder)
    for name in filter(_may_have_notices, before):
        with suppress(FileNotFoundError), tree.opened(leader_folder, [name]) as term:
            for volume in _notices(term):
                if _is_of(op, term, volume, directory):
                    raise Unsafe(
                        f"{directory!r} is being reclaimed for volume {volume} "
                        f"({RESERVED}/{fencing.TERMS}/{leader}/{name}): Holdfast will retry"
                    )
    after = set(tree.folders(leader_folder))
    if any(_is_ended(name, after) for name in before):
        raise Unsafe(
            f"a term in {RESERVED}/{fencing.TERMS}/{leader} is ending: Holdfast will retry"
        )


def _notices(term: int) -> Iterator[str]:
    """The volumes with a notice in a term's folder."""
    for name in os.listdir(term):
        if name.startswith(_NOTICE):
            with suppress(FileNotFoundError):
                yield os.readlink(name, dir_fd=term)


def _is_of(op: Operation, term: int, volume: str, directory: str) -> bool:
    """Whether a notice is about a directory or one above it, and that was not moved yet."""
    record = op.ledger.find(volume)
    if record is None or record.state is not State.LIVE:
        return False
    overlaps = f"{directory}/".startswith(f"{record.directory}/")
    return overlaps and not tree.exists(term, fencing.MOVING + volume)


def _is_ended(name: str, folders: set[str]) -> bool:
    """Whether a folder is that of a term, and a later one has begun or has ended it."""
    if not _is_term(name):
        return False
    later = (one for one in folders if number_of(one) > number_of(name))
    return name not in folders or any(map(_is_term, later))


def _may_have_notices(name: str) -> bool:
    """Whether a folder is a term's, or one that could not be emptied, and not a person's copy."""
    return _is_term(name) or is_set_aside(name)


def _is_term(name: str) -> bool:
    """Whether a folder can be a term's; a person's copy has another dot."""
    return bool(number_of(name)) and name.count(".") == 1


def _name_of(volume: str) -> str:
    return shortened(_NOTICE + volume, "")
