"""Updates the inodes in the records of an export that was restored from a backup.

A record's inode tells its directory from another that a late call put at its path. After a restore
all inodes differ; by accepting the export, an administrator vouches for the directories.

An export without its id is not used before it is accepted, so that `learn_inodes` needs no term.
One that was restored with its id is used at once: `learn_others` changes it in a term.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import replace
from functools import partial

from holdfast.exports import fencing, leader_folders, record_origin, term_folders, tree
from holdfast.exports.errors import Unsafe
from holdfast.exports.inode import Inode, inode_of
from holdfast.exports.ledger import RECORDS, TRASHED, is_volume, read_record, trash_of
from holdfast.exports.operation import Operation
from holdfast.exports.record import Record, State

# A fixed name: after a crash the next run replaces it.
_DRAFT = ".restored"


def learn_inodes(root: int, holdfast: int, keep: Collection[str] = ()) -> None:
    """Writes the directories' inodes into all records but those of the volumes in `keep`.

    Unreadable records are skipped: reconciling their volume reports them.
    """
    for folder in RECORDS:
        with suppress(FileNotFoundError), tree.opened(holdfast, [folder]) as records:
            for volume in _volumes(records, keep):
                if learned := _learned(root, holdfast, records, folder, volume):
                    _write(records, folder, *learned)
            os.fsync(records)


def _learned(
    root: int, holdfast: int, records: int, folder: str, volume: str
) -> tuple[Record, Record] | None:
    """A record before and after its inode is updated; None if it is up to date or unreadable."""
    with suppress(Unsafe, OSError):
        record = read_record(records, folder, volume)
        inode = _inode_of(root, folder, record, partial(_in_terms, holdfast))
        if inode is not None and inode != record.inode:
            return record, replace(record, inode=inode)
    return None


def is_another(root: int, holdfast: int, folder: str, record: Record) -> bool:
    """Whether the directory of a record in `folder` does not have the recorded inode."""
    with suppress(Unsafe, OSError):  # it is a file or cannot be read, or was moved
        return _another(root, folder, record, partial(_in_terms, holdfast)) is not None
    return False


def learn_others(op: Operation, keep: Collection[str] = ()) -> int:
    """Writes the directories' inodes into this cluster's records; returns how many it wrote.

    Those of the volumes in `keep` stay as they are.
    """
    learned = 0
    for folder in RECORDS:
        records = op.ledger.folder(folder)
        for volume in _volumes(records, keep):
            if record := _to_learn(op, records, folder, volume):
                op.changes.write(records, volume, record.dump())
                learned += 1
    return learned


def _to_learn(op: Operation, records: int, folder: str, volume: str) -> Record | None:
    """This cluster's record with its directory's inode; None if it is up to date or unreadable."""
    with suppress(Unsafe, OSError):  # reconciling the volume reports it
        record = read_record(records, folder, volume)
        there = _another(op.root, folder, record, op.in_term)
        if there and record_origin.is_ours(op, record):
            return replace(record, inode=there)
    return None


def _volumes(records: int, keep: Collection[str]) -> list[str]:
    return sorted(name for name in os.listdir(records) if is_volume(name) and name not in keep)


def _place(folder: str, record: Record) -> str:
    if folder == TRASHED:
        return trash_of(record.volume)
    return record.target if record.state is State.ARCHIVED else record.directory


def _another(
    root: int, folder: str, record: Record, moving: Callable[[str], Inode | None]
) -> Inode | None:
    """The inode of a record's directory, if it is not the recorded one."""
    there = _inode_of(root, folder, record, moving)
    return None if there is None or record.inode.may_be(there) else there


def _inode_of(
    root: int, folder: str, record: Record, moving: Callable[[str], Inode | None]
) -> Inode | None:
    """The inode of a record's directory, wherever it is; None if it does not exist.

    The backup may have been made while the directory was being moved.

    Args:
        root: handle of the export's root.
        folder: the one of `RECORDS` that the record is in.
        record: the record.
        moving: gives the inode of a volume's directory in a term's folder.
    """
    there = _inode(root, _place(folder, record))
    if there is None and folder != TRASHED:
        there = moving(record.volume) or _inode(root, trash_of(record.volume))
        if there is None and record.target:
            there = _inode(root, record.target)
    return there


def _in_terms(holdfast: int, volume: str) -> Inode | None:
    """The inode of a volume's directory in any term's folder; None if there is none.

    A person's copy of such a folder is a stray, and what is in it another directory.
    """
    for leader in leader_folders.names(holdfast):
        with suppress(FileNotFoundError), tree.opened(holdfast, (fencing.TERMS, leader)) as folder:
            for term in filter(_may_hold_directories, tree.folders(folder)):
                if found := _inode(folder, f"{term}/{fencing.MOVING}{volume}"):
                    return found
    return None


def _may_hold_directories(name: str) -> bool:
    return term_folders.number_of(name) > 0 or term_folders.is_set_aside(name)


def _inode(parent: int, place: str) -> Inode | None:
    """The inode of a directory; None if it does not exist."""
    with suppress(FileNotFoundError), tree.opened(parent, place.split("/")) as handle:
        return inode_of(handle)
    return None


def _write(records: int, folder: str, before: Record, record: Record) -> None:
    """Writes a record without a term, unless it was changed meanwhile after all."""
    with suppress(FileNotFoundError):
        os.unlink(_DRAFT, dir_fd=records)
    tree.write_new(records, _DRAFT, record.dump())
    if _is_still(records, folder, before):
        os.replace(_DRAFT, record.volume, src_dir_fd=records, dst_dir_fd=records)
    else:
        os.unlink(_DRAFT, dir_fd=records)


def _is_still(records: int, folder: str, before: Record) -> bool:
    with suppress(Unsafe, FileNotFoundError):
        return read_record(records, folder, before.volume) == before
    return False
