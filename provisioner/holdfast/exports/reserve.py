"""A reserve of space, so that a full export can be freed by deleting volumes.

Deleting takes only renames, but some volumes must be recorded first: those that another
provisioner made, and those that were handed to another claim or switched to the policy Delete. And
a term needs a folder, if there was no room to make it in advance (`term_folders.py`).

The reserve, `.holdfast/reserve/`, is a folder of files that are removed for that and written again
by a later sweep. They give back blocks and inodes. It is kept while the directory stays, as for all
volumes that share one but the last. A crash in between, or a tenant that takes the space first,
leaves the export as full as it was before: the volume or the term is retried, and an administrator
can still make room.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from holdfast.exports import tree
from holdfast.exports.changes import Changes
from holdfast.exports.errors import FULL, Unsafe, reason
from holdfast.exports.operation import Operation

T = TypeVar("T")

RESERVE = "reserve"

# Each component of a path needs up to two folders (`record.py`), so inodes are kept as well as
# space. On a full XFS 64 KiB are too few to make one file, 256 KiB enough: 1 MiB to be safe.
_NAMES = tuple(f"{number:02}" for number in range(16))
_PART = 4  # files: 256 KiB
_LARGEST = 1 << 16  # bytes of a file
_SMALLEST = 1 << 12
_SHARE = 256  # each file's part of the export: small exports have a small reserve
# Not zeros, which some file systems do not store.
_TEXT = b"Holdfast keeps this space, to free a full export\n"


def prepare(op: Operation) -> None:
    """Makes the reserve, or what is missing of it, as far as the export has room.

    Raises:
        OSError: There was no room for all of it, or the export fails.
    """
    if not tree.exists(op.ledger.handle, RESERVE):
        op.changes.make_folder(op.ledger.handle, RESERVE)
    with tree.opened(op.ledger.handle, [RESERVE]) as folder:
        if missing := set(_NAMES) - set(os.listdir(folder)):
            data = _filling(os.statvfs(folder))
            for name in sorted(missing):
                op.changes.write(folder, name, data)


def used_if_full(op: Operation, call: Callable[[], T], *, frees: Callable[[], bool]) -> T:
    """Calls `call`, which can be repeated; if the export is full, once more without the reserve.

    Only if the volume's end `frees` its directory: the reserve is used up, and the space is needed
    to make it again.
    """
    try:
        return call()
    except OSError as error:
        if not (error.errno in FULL and frees() and _release(op.ledger.handle, op.changes)):
            raise
    return call()


def used_to_begin(holdfast: int, changes: Changes, call: Callable[[], T]) -> T:
    """Calls `call`, which begins a term; while the export is full, again without a part of it.

    A part is enough, if no tenant takes it first, and the next term may need one too.
    """
    while True:
        try:
            return call()
        except OSError as error:
            if not (error.errno in FULL and _release(holdfast, changes, _PART)):
                raise


def _release(holdfast: int, changes: Changes, most: int = len(_NAMES)) -> int:
    """Removes at most so many files of the reserve; returns how many."""
    removed = 0
    with suppress(OSError, Unsafe), tree.opened(holdfast, [RESERVE]) as folder:
        for name in sorted(set(_NAMES) & set(os.listdir(folder))):
            if removed < most:
                with suppress(OSError):  # a stray
                    changes.unlink(folder, name)
                    removed += 1
    return removed


def why_unusable(holdfast: int) -> str:
    """Why the reserve cannot be used; "" if it can, or if there is none yet."""
    try:
        with tree.opened(holdfast, [RESERVE]) as folder:
            os.listdir(folder)
    except FileNotFoundError:
        pass
    except (OSError, Unsafe) as error:
        return reason(error) if isinstance(error, OSError) else error.message
    return ""


def strays(holdfast: int) -> list[str]:
    """The names in the reserve that are not its files."""
    with (
        suppress(OSError, Unsafe),
        tree.opened(holdfast, [RESERVE]) as folder,
        os.scandir(folder) as entries,
    ):
        return sorted(entry.name for entry in entries if not _is_known(entry))
    return []


def _is_known(entry: os.DirEntry[str]) -> bool:
    is_file = entry.is_file(follow_symlinks=False)
    return (is_file and entry.name in _NAMES) or entry.name.startswith(tree.REMOVED_IN_USE)


def _filling(status: os.statvfs_result) -> bytes:
    size = status.f_blocks * status.f_frsize // _SHARE
    size = min(max(size, _SMALLEST), _LARGEST)
    return (_TEXT * (size // len(_TEXT) + 1))[:size]
