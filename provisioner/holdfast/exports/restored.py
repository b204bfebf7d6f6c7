"""The records of an export that was restored from a backup: its directories have other inodes.

By its inode a directory is told from another that a late call or a person has put in its place.
That a person accepts an export says of each directory, too, that it is the one of the record. No
term is needed: what Holdfast writes meanwhile, where the id was restored as well, goes first.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace

from holdfast.exports import tree
from holdfast.exports.errors import Unsafe
from holdfast.exports.inode import UNKNOWN, Inode, inode_of
from holdfast.exports.ledger import RECORDS, TRASHED, is_volume, read_record, trash_of
from holdfast.exports.record import Record, State

_NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC


def learn_inodes(root: int, holdfast: int) -> None:
    """Writes into all records which inodes their directories have.

    What cannot be read stays as it is: its volume's own turn says so.
    """
    for folder in RECORDS:
        with suppress(FileNotFoundError), tree.opened(holdfast, [folder]) as records:
            for volume in filter(is_volume, os.listdir(records)):
                if learned := _learned(root, records, folder, volume):
                    before, record = learned
                    _write(records, volume, before, record.dump())
            os.fsync(records)


def _learned(root: int, records: int, folder: str, volume: str) -> tuple[bytes, Record] | None:
    """A record as it is, and with its directory's inode; None where nothing is to be written."""
    with suppress(Unsafe, OSError):
        before, record = tree.read_file(records, volume), read_record(records, folder, volume)
        place = record.target if record.state is State.ARCHIVED else record.directory
        inode = _inode(root, trash_of(volume) if folder == TRASHED else place)
        return None if record.inode == inode else (before, replace(record, inode=inode))
    return None


def _inode(root: int, place: str) -> Inode:
    """The directory's; unknown where there is none, as the backup may have caught it on its way."""
    with suppress(FileNotFoundError), tree.opened(root, place.split("/")) as handle:
        return inode_of(handle)
    return UNKNOWN


def _write(records: int, volume: str, before: bytes, data: bytes) -> None:
    # Of one name, so that nothing is left where this was cut short and repeated.
    draft = ".restored"
    with os.fdopen(os.open(draft, _NEW, 0o600, dir_fd=records), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    if _is_still(records, volume, before):
        os.replace(draft, volume, src_dir_fd=records, dst_dir_fd=records)
    else:
        os.unlink(draft, dir_fd=records)


def _is_still(records: int, volume: str, before: bytes) -> bool:
    with suppress(FileNotFoundError):
        return tree.read_file(records, volume) == before
    return False
