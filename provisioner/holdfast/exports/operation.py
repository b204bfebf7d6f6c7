"""What one operation on an export works with, and the steps that several operations share."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from holdfast.claims.paths import overlap
from holdfast.exports import terms, tree
from holdfast.exports.changes import Changes
from holdfast.exports.errors import Unsafe
from holdfast.exports.inode import Inode, inode_of
from holdfast.exports.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Operation:
    """Handles of the export's root and of the term's folder, the records, and the changes."""

    root: int
    term: int
    ledger: Ledger
    changes: Changes
    cluster: str

    def inode_at(self, directory: str) -> Inode | None:
        """The directory at a path; None where there is nothing, Unsafe for what is none."""
        try:
            with tree.above(self.root, directory) as (parent, name):
                return _inode(parent, name)
        except FileNotFoundError:
            return None

    def moving(self, volume: str) -> Inode | None:
        """The directory of a volume that is on its way out; None where there is none."""
        with suppress(FileNotFoundError):
            return _inode(self.term, terms.MOVING + volume)
        return None

    def take_out(self, directory: str, volume: str, expected: Inode) -> None:
        """Moves a directory into the term's folder.

        It is looked at once more there, where nobody else can change what the name leads to.

        Raises:
            Unsafe: it is not the one that was expected; it is back where it was.
        """
        with tree.above(self.root, directory) as (parent, name):
            if not tree.is_directory(parent, name):
                raise Unsafe(f"{directory!r} is no directory, or a symlink: it is left alone")
            self.changes.rename(parent, name, self.term, terms.MOVING + volume)
            found = self.moving(volume)
            if found is not None and not found.may_be(expected):
                self.changes.rename(self.term, terms.MOVING + volume, parent, name)
                raise Unsafe(f"{directory!r} was replaced meanwhile: it is left alone")

    def put_down(self, volume: str, parent: int, name: str) -> None:
        """Moves a directory out of the term's folder to a name that was reserved for it."""
        self.changes.rename(self.term, terms.MOVING + volume, parent, name)

    def reserve(self, parent: int, name: str, *, again: bool) -> bool:
        """Makes a placeholder that `put_down` replaces; False where something else is there.

        mkdir(2) is the only way to know: over NFS, rename(2) cannot be asked to fail where the
        target exists (renameat2(2) with RENAME_NOREPLACE gives EINVAL there). `again`: an
        earlier attempt may have left the placeholder.
        """
        try:
            self.changes.mkdir(parent, name, 0)
        except FileExistsError:
            return again and is_placeholder(parent, name)
        return True

    def intend(self, volume: str, directory: str) -> None:
        """Notes that a directory is about to be made."""
        self.changes.symlink(directory, self.term, terms.INTENT + volume)

    def intent(self, volume: str) -> str:
        """The directory that was about to be made for a volume; empty where none was."""
        with suppress(FileNotFoundError):
            return os.readlink(terms.INTENT + volume, dir_fd=self.term)
        return ""

    def drop_intent(self, volume: str) -> None:
        """Takes that note back."""
        self.changes.unlink(self.term, terms.INTENT + volume)


def _inode(parent: int, name: str) -> Inode:
    handle = tree.open_directory(parent, name)
    try:
        return inode_of(handle)
    finally:
        os.close(handle)


def is_placeholder(parent: int, name: str) -> bool:
    """Whether there is an empty directory that nobody may enter: ours, not yet in use."""
    try:
        handle = tree.open_directory(parent, name)
    except (Unsafe, FileNotFoundError, PermissionError):
        return False
    try:
        return tree.is_half_made(handle)
    finally:
        os.close(handle)


class PathLocks:
    """Locks of directories: two that overlap are never held at once, others do not wait."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._held: list[str] = []

    @contextmanager
    def held(self, directory: str) -> Iterator[None]:
        """Waits until no other overlapping directory is held."""
        with self._changed:
            self._changed.wait_for(lambda: not self._overlaps(directory))
            self._held.append(directory)
        try:
            yield
        finally:
            self._release(directory)

    @contextmanager
    def tried(self, directory: str) -> Iterator[bool]:
        """As `held`, but does not wait: gives whether it is held now."""
        with self._changed:
            free = not self._overlaps(directory)
            if free:
                self._held.append(directory)
        try:
            yield free
        finally:
            if free:
                self._release(directory)

    def _release(self, directory: str) -> None:
        with self._changed:
            self._held.remove(directory)
            self._changed.notify_all()

    def _overlaps(self, directory: str) -> bool:
        return any(overlap(directory, other) for other in self._held)


def parents_of(directory: str) -> Iterable[str]:
    """The directories above one, from the innermost outwards."""
    names = directory.split("/")
    return ("/".join(names[:depth]) for depth in range(len(names) - 1, 0, -1))
