"""Parents of volumes' directories: made when missing, removed with the last volume in them.

A parent is removed only if Holdfast made it and it is empty.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from holdfast.claims.paths import parents_of
from holdfast.exports import other_exports, removed_folders, tree
from holdfast.exports.errors import Unsafe
from holdfast.exports.operation import Operation, is_placeholder

_MODE = 0o755


@contextmanager
def made_above(op: Operation, directory: str, *, is_new: bool = False) -> Iterator[tuple[int, str]]:
    """As `tree.above`, and makes missing parents.

    None of them is removed meanwhile by this process: a parent that looks unused would take with it
    what is made in it. The caller has marked the directory before, or its mark is still there.

    The directory of a new volume (`is_new`) is refused within another export; one that only comes
    back to its place is not.
    """
    with op.pruning.held(directory, op.patience(), shared=True):
        yield from _made_above(op, directory, is_new=is_new)


def _made_above(op: Operation, directory: str, *, is_new: bool) -> Iterator[tuple[int, str]]:
    *folders, name = directory.split("/")
    handle = os.dup(op.root)
    try:
        for depth, folder in enumerate(folders, 1):
            path = "/".join(folders[:depth])
            if not tree.exists(handle, folder):
                _make(op, handle, path)
            handle, above = tree.open_directory(handle, folder), handle
            os.close(above)
            if is_new:
                other_exports.refuse_new(op, handle, path, directory)
            _finish(op, handle, path)
        yield handle, name
    finally:
        os.close(handle)


def _make(op: Operation, above: int, path: str) -> None:
    with op.parents.held(path, op.patience()):
        for entry, _ in removed_folders.found(op.term, path):
            with suppress(FileNotFoundError):  # the sweep has put it back
                put_back(op, above, entry, path)
        known = op.ledger.is_made(path)
        op.ledger.mark_made(path)
        try:
            op.changes.mkdir(above, path.rpartition("/")[2], tree.HALF_MADE)
        except FileExistsError:
            if not known and not _is_own(op, above, path):
                op.ledger.unmark_made(path)


def _is_own(op: Operation, above: int, path: str) -> bool:
    """Whether mkdir(2) found a parent that it has just made; see `Operation.is_own`.

    A directory that is being made for a volume looks the same, but has a mark.
    """
    name = path.rpartition("/")[2]
    with suppress(FileNotFoundError, Unsafe), tree.opened(above, [name]) as handle:
        return op.is_own(handle) and not op.ledger.owners(path)
    return False


def _finish(op: Operation, handle: int, path: str) -> None:
    """Sets a parent's mode, independent of the umask; also of one that a crash left half-made.

    An inherited setgid bit stays: it decides the group of what is made beneath.
    """
    mode = os.fstat(handle).st_mode
    if not tree.is_unready(mode):
        return
    if not op.ledger.is_made(path):
        if not (op.abandoned.includes(path) and tree.is_empty(handle)):
            return  # not made by Holdfast
        op.ledger.mark_made(path)
    op.changes.set_owner(handle, None, None, _MODE | (mode & stat.S_ISGID))


def prune(op: Operation, directory: str) -> None:
    """Removes a directory's parents that Holdfast made and that are empty now.

    Parents that do not exist (a crash came before they were made) are skipped.
    """
    for parent in parents_of(directory):
        if not _pruned(op, parent):
            return


def _pruned(op: Operation, parent: str) -> bool:
    """Removes a parent; False if it stays."""
    # Also without the lock: a create that hangs in this parent holds up nobody.
    if op.ledger.is_unused(parent):
        with op.pruning.held(parent, op.patience()):
            if op.ledger.is_unused(parent):
                if not _removed(op, parent):
                    return False
                op.ledger.unmark_made(parent)
                return True
    return not _exists(op, parent)


def put_back(op: Operation, above: int, entry: str, path: str) -> bool:
    """Puts a folder that was being removed back to its path, or removes it if it is unused.

    Returns whether it was put back.

    Raises:
        FileNotFoundError: another call has done it.
        Unsafe: something else is at its path.
    """
    name = path.rpartition("/")[2]
    is_volumes = bool(op.ledger.marked_at(path))
    if not (is_volumes and not is_placeholder(op.term, entry)):
        with suppress(OSError):
            op.changes.rmdir(op.term, entry)
            return False
    is_free = not is_volumes or op.reserve(above, name, again=True)
    try:
        if is_free:
            op.changes.rename(op.term, entry, above, name)  # replaces what is empty
            return True
    except OSError as error:
        if error.errno not in tree.NOT_EMPTY:
            raise
    raise Unsafe(
        f"{path!r} was created again meanwhile: move what is in the folder to where it belongs"
    )


def remove_late(op: Operation, directory: str) -> None:
    """Removes a directory's parents if they are placeholders that a late call made."""
    for parent in parents_of(directory):
        with op.pruning.held(parent, op.patience()):
            if op.ledger.is_made(parent) or op.ledger.is_in_use(parent):
                return
            with suppress(FileNotFoundError, Unsafe), tree.above(op.root, parent) as (above, _):
                op.clear(above, parent)


def _exists(op: Operation, parent: str) -> bool:
    """Whether a path exists; False if a component is a symlink."""
    try:
        return tree.reaches(op.root, parent)
    except Unsafe:
        return False


def _removed(op: Operation, parent: str) -> bool:
    try:
        with suppress(FileNotFoundError, Unsafe), tree.above(op.root, parent) as (above, name):
            if not _is_empty(above, name):
                return False
            op.changes.remove_folder(above, parent)
    except OSError as error:
        if error.errno not in tree.NOT_EMPTY:
            raise
        return False
    return True


def _is_empty(above: int, name: str) -> bool:
    with tree.opened(above, [name]) as handle:
        return tree.is_empty(handle)
