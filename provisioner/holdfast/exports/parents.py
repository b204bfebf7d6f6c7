"""The directories above volumes' directories: made where they are missing, removed when done with.

Only what Holdfast made is removed, only when it is empty, and with the last volume in it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from holdfast.exports import tree
from holdfast.exports.errors import Unsafe
from holdfast.exports.operation import Operation, parents_of

_MODE = 0o755


@contextmanager
def made_above(op: Operation, directory: str) -> Iterator[tuple[int, str]]:
    """As `tree.above`, with what is missing made."""
    *folders, name = directory.split("/")
    handle = os.dup(op.root)
    try:
        for depth, folder in enumerate(folders, 1):
            path = "/".join(folders[:depth])
            if not tree.exists(handle, folder):
                _make(op, handle, path)
            handle, above = tree.open_directory(handle, folder), handle
            os.close(above)
            _finish(op, handle, path)
        yield handle, name
    finally:
        os.close(handle)


def _make(op: Operation, above: int, path: str) -> None:
    with op.parents.held(path, op.patience()):
        known = op.ledger.is_made(path)
        op.ledger.mark_made(path)
        try:
            op.changes.mkdir(above, path.rpartition("/")[2], tree.HALF_MADE)
        except FileExistsError:
            if not known and not _is_own(op, above, path):
                op.ledger.unmark_made(path)


def _is_own(op: Operation, above: int, path: str) -> bool:
    """Whether what mkdir(2) found is a parent that it has just made; see `Operation.is_own`.

    A directory that is made for a volume looks the same, and has its mark.
    """
    name = path.rpartition("/")[2]
    with suppress(FileNotFoundError, Unsafe), tree.opened(above, [name]) as handle:
        return op.is_own(handle) and not op.ledger.owners(path)
    return False


def _finish(op: Operation, handle: int, path: str) -> None:
    """Gives a parent its mode, which the umask would bite; also one that a crash left without.

    Setgid stays where it was inherited: the group of what is made beneath depends on it.
    """
    mode = os.fstat(handle).st_mode
    if not tree.is_unready(mode):
        return
    if not op.ledger.is_made(path):
        if not (op.abandoned.includes(path) and tree.is_empty(handle)):
            return  # somebody's own
        op.ledger.mark_made(path)
    op.changes.set_owner(handle, None, None, _MODE | (mode & stat.S_ISGID))


def prune(op: Operation, directory: str) -> None:
    """Removes the parents of a directory that Holdfast made and that are empty now.

    Those that were not made yet when a crash came are passed over.
    """
    for parent in parents_of(directory):
        with op.parents.held(parent, op.patience()):
            if op.ledger.is_unused(parent):
                if not _removed(op, parent):
                    return
                op.ledger.unmark_made(parent)
            elif _exists(op, parent):
                return


def remove_late(op: Operation, directory: str) -> None:
    """Removes the parents of a directory that a late call has made."""
    for parent in parents_of(directory):
        with op.parents.held(parent, op.patience()):
            if op.ledger.is_made(parent) or op.ledger.is_in_use(parent):
                return
            with suppress(FileNotFoundError, Unsafe), tree.above(op.root, parent) as (above, name):
                op.clear(above, name)


def _exists(op: Operation, parent: str) -> bool:
    """Whether there is anything at a path; what is beyond a symlink is not there."""
    try:
        return tree.reaches(op.root, parent)
    except Unsafe:
        return False


def _removed(op: Operation, parent: str) -> bool:
    try:
        with suppress(FileNotFoundError, Unsafe), tree.above(op.root, parent) as (above, name):
            if not _is_empty(above, name):
                return False
            # By way of the term's folder: the path may be a live volume's before a late call comes.
            op.changes.remove_folder(above, name)
    except OSError as error:
        if error.errno not in tree.NOT_EMPTY:
            raise
        return False
    return True


def _is_empty(above: int, name: str) -> bool:
    with tree.opened(above, [name]) as handle:
        return tree.is_empty(handle)
