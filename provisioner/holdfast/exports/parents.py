"""The directories above volumes' directories: made where they are missing, removed when done with.

Only what Holdfast made is removed, only when it is empty, and with the last volume in it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from holdfast.exports import tree
from holdfast.exports.operation import Operation, parents_of

_MODE = 0o755

# Held for the two changes that make a parent or remove it, with their note, never for more.
_changing = threading.Lock()


@contextmanager
def made_above(op: Operation, directory: str) -> Iterator[tuple[int, str]]:
    """As `tree.above`, with what is missing made."""
    *folders, name = directory.split("/")
    handle = os.dup(op.root)
    try:
        for depth, folder in enumerate(folders, 1):
            if not tree.exists(handle, folder):
                _make(op, handle, "/".join(folders[:depth]))
            handle, above = tree.open_directory(handle, folder), handle
            os.close(above)
        yield handle, name
    finally:
        os.close(handle)


def _make(op: Operation, above: int, path: str) -> None:
    with _changing:
        op.ledger.mark_made(path)
        try:
            op.changes.mkdir(above, path.rpartition("/")[2], 0o700)
        except FileExistsError:
            op.ledger.unmark_made(path)
            return
    # The mode is set by itself because the umask bites what mkdir(2) is given.
    with tree.opened(above, [path.rpartition("/")[2]]) as handle:
        op.changes.set_owner(handle, None, None, _MODE)


def prune(op: Operation, directory: str) -> None:
    """Removes the parents of a directory that Holdfast made and that are empty now."""
    for parent in parents_of(directory):
        with _changing:
            if not (op.ledger.is_done_with(parent) and _removed(op, parent)):
                return
            op.ledger.unmark_made(parent)


def _removed(op: Operation, parent: str) -> bool:
    try:
        with suppress(FileNotFoundError), tree.above(op.root, parent) as (above, name):
            op.changes.rmdir(above, name)
    except OSError as error:
        if error.errno not in tree.NOT_EMPTY:
            raise
        return False
    return True
