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
from holdfast.exports.ledger import RECORDS, TRASHED, trash_of
from holdfast.exports.record import Record, State

_NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC


def learn_inodes(root: int, holdfast: int) -> None:
    """Writes into all records which inodes their directories have.

    What is no record stays as it is: its volume's own turn says so.
    """
    for folder in RECORDS:
        with suppress(FileNotFoundError), tree.opened(holdfast, [folder]) as records:
            for volume in os.listdir(records):
                if not volume.startswith("."):
                    with suppress(Unsafe, FileNotFoundError):
                        _learn(root, records, folder, volume)
            os.fsync(records)


def _learn(root: int, records: int, folder: str, volume: str) -> None:
    before = tree.read_file(records, volume)
    record = Record.parse(before, volume)
    place = record.target if record.state is State.ARCHIVED else record.directory
    found = replace(record, inode=_inode(root, trash_of(volume) if folder == TRASHED else place))
    if found != record:
        _write(records, volume, before, found.dump())


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
