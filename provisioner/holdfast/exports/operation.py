"""The context of one operation on an export, and the steps that several operations share."""

from __future__ import annotations

import errno
import itertools
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, replace

from holdfast.claims.paths import RESERVED, overlap
from holdfast.exports import fencing, tree
from holdfast.exports.changes import Changes
from holdfast.exports.errors import FULL, TimedOut, Unsafe
from holdfast.exports.inode import Inode, inode_of
from holdfast.exports.ledger import Ledger
from holdfast.exports.record import Record


@dataclass(eq=False, slots=True)
class _Place:
    """A caller's place in the queue for a directory."""

    directory: str
    shared: bool = False

    def excludes(self, other: _Place) -> bool:
        return not (self.shared and other.shared) and overlap(self.directory, other.directory)


class PathLocks:
    """Locks of directories: overlapping ones exclude each other, others do not wait.

    Overlapping ones are granted first come, first served, or a lock above many others would
    starve.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._places: list[_Place] = []  # held or waited for, in order of arrival

    @contextmanager
    def held(self, directory: str, seconds: float, *, shared: bool = False) -> Iterator[None]:
        """Holds the lock of a directory; raises TimedOut after waiting `seconds`.

        Callers that are `shared` do not exclude each other.
        """
        place = self._enqueue(_Place(directory, shared))
        try:
            with self._changed:
                if not self._changed.wait_for(lambda: self._is_first(place), seconds):
                    raise TimedOut(
                        f"an earlier call on {directory!r}, or beneath or above it, has not "
                        "ended: Holdfast will retry"
                    )
            yield
        finally:
            self._leave(place)

    @contextmanager
    def tried(self, directory: str) -> Iterator[bool]:
        """As `held`, without waiting; yields whether the lock is held."""
        place = self._enqueue(_Place(directory))
        with self._changed:
            is_first = self._is_first(place)
        if not is_first:
            self._leave(place)
        try:
            yield is_first
        finally:
            if is_first:
                self._leave(place)

    def _enqueue(self, place: _Place) -> _Place:
        with self._changed:
            self._places.append(place)
        return place

    def _leave(self, place: _Place) -> None:
        with self._changed:
            self._places.remove(place)
            self._changed.notify_all()

    def _is_first(self, place: _Place) -> bool:
        before = itertools.takewhile(lambda other: other is not place, self._places)
        return not any(map(place.excludes, before))


class AbandonedPaths:
    """Abandoned paths, where a late call of an earlier term may still make something.

    Each is kept for `seconds`, the time within which such a call is expected; at most `most`.
    """

    def __init__(self, seconds: float = 180.0, most: int = 10_000) -> None:
        self._seconds = seconds
        self._held: deque[tuple[float, str]] = deque(maxlen=most)
        self._using = threading.Lock()

    def add(self, *directories: str) -> None:
        """Adds paths; empty ones are ignored."""
        now = time.monotonic()
        with self._using:
            self._held.extend((now, directory) for directory in directories if directory)

    def all(self) -> list[str]:
        """The paths, without duplicates and expired ones."""
        oldest = time.monotonic() - self._seconds
        with self._using:
            return list(dict.fromkeys(one for when, one in self._held if when >= oldest))

    def includes(self, path: str) -> bool:
        """Whether a path is abandoned or above one that is."""
        return any(f"{one}/".startswith(f"{path}/") for one in self.all())


@dataclass(frozen=True, slots=True)
class Operation:
    """The context of one operation.

    Attributes:
        root, term: handles of the export's root and of the term's folder.
        ledger: the records.
        changes: makes all changes.
        cluster: uid of the cluster; empty if unknown.
        takes_over: uids of clusters that are gone, whose records count as this cluster's.
        locks: locks of volumes' directories.
        parents: locks of the directories above them, to make one.
        pruning: locks to remove one of those; shared by all that make something beneath.
        abandoned: paths where a late call may still make something.
        patience: gives the seconds that it may still wait for locks.
    """

    root: int
    term: int
    ledger: Ledger
    changes: Changes
    cluster: str
    takes_over: tuple[str, ...]
    locks: PathLocks
    parents: PathLocks
    pruning: PathLocks
    abandoned: AbandonedPaths
    patience: Callable[[], float]

    @property
    def clusters(self) -> tuple[str, ...]:
        """The clusters whose records this one may change."""
        return self.cluster, *self.takes_over

    def without_waiting(self) -> Operation:
        """The same, but waits for no lock: a call that hangs on one volume delays no other."""
        return replace(self, patience=lambda: 0.0)

    def locked(self, directory: str) -> AbstractContextManager[None]:
        """Holds the lock of a directory; raises TimedOut if another call holds it for too long."""
        return self.locks.held(directory, self.patience())

    def inode_at(self, directory: str) -> Inode | None:
        """The inode of a directory; None if the path does not exist.

        Raises:
            Unsafe: the path is not a directory.
        """
        try:
            with tree.above(self.root, directory) as (parent, name):
                return _inode(parent, name)
        except FileNotFoundError:
            return None

    def moving(self, record: Record) -> Inode | None:
        """The inode of a record's directory in the term's folder; None if it is not there.

        Raises:
            Unsafe: another directory has its name there; or as `in_term`.
        """
        found = self.in_term(record.volume)
        if found is None or (record.inode.number and record.inode.may_be(found)):
            return found
        if record.inode.number:
            raise Unsafe(
                f"{path_in_term(record.volume)} is not the directory that was created for volume "
                f"{record.volume}: it is left alone; move it to where it belongs, or, if the "
                "export was restored from a backup, run `holdfast exports accept`"
            )
        if self._is_in_use(record.directory):  # the record, of version 1, fits both
            raise Unsafe(
                f"cannot tell which is the directory of volume {record.volume}, "
                f"{record.directory!r} or {path_in_term(record.volume)}: move the other one to "
                "where it belongs"
            )
        return found

    def _is_in_use(self, directory: str) -> bool:
        """Whether something is at a path besides a placeholder."""
        with suppress(FileNotFoundError), tree.above(self.root, directory) as (parent, name):
            return tree.exists(parent, name) and not is_placeholder(parent, name)
        return False

    def in_term(self, volume: str) -> Inode | None:
        """The inode of what has a volume's name in the term's folder; None if nothing has it.

        Raises:
            Unsafe: there is a marker, for several or stuck directories (`empty_term_folders.py`).
        """
        try:
            return _inode(self.term, fencing.MOVING + volume)
        except FileNotFoundError:
            return None
        except Unsafe as error:
            raise Unsafe(
                f"cannot move what earlier terms left of volume {volume} in "
                f"{RESERVED}/{fencing.TERMS}: see the leader's log"
            ) from error

    def take_out(self, directory: str, volume: str, expected: Inode) -> None:
        """Moves a directory into the term's folder.

        Its inode is checked after the move: only there can no one else replace it.

        Raises:
            Unsafe: it does not have the expected inode; it was moved back.
        """
        with tree.above(self.root, directory) as (parent, name):
            if not tree.is_directory(parent, name):
                raise Unsafe(tree.not_a_directory(directory))
            self.changes.rename(parent, name, self.term, fencing.MOVING + volume)
            try:
                found = self.in_term(volume)
                if found is not None and not found.may_be(expected):
                    raise Unsafe(f"{directory!r} was replaced meanwhile: it is left alone")
            except BaseException:
                self.changes.rename_back(fencing.MOVING + volume, parent, name)
                raise

    def removed_if_empty(self, volume: str) -> bool:
        """Removes a directory from the term's folder; False if it is not empty."""
        try:
            self.changes.rmdir(self.term, fencing.MOVING + volume)
        except OSError as error:
            if error.errno not in tree.NOT_EMPTY:
                raise
            return False
        return True

    def put_down(self, volume: str, parent: int, name: str) -> None:
        """Moves a directory out of the term's folder to a reserved name."""
        self.changes.rename(self.term, fencing.MOVING + volume, parent, name)

    def reserve(self, parent: int, name: str, *, again: bool) -> bool:
        """Makes a placeholder that `put_down` replaces; False if the name is in use.

        Only mkdir(2) can tell: over NFS, renameat2(2) with RENAME_NOREPLACE gives EINVAL. On a
        full export no placeholder is made, but most servers look the name up before they allocate
        space: it is free then, unless it is found.

        Args:
            parent: handle of the directory.
            name: the name in it.
            again: accept an existing placeholder: it is ours, of an earlier attempt or of the same
                call that was sent twice.
        """
        try:
            self.changes.mkdir(parent, name, tree.HALF_MADE)
        except OSError as error:
            if error.errno not in {errno.EEXIST, *FULL}:
                raise
            if error.errno == errno.EEXIST or tree.exists(parent, name):
                return again and is_placeholder(parent, name)
        return True

    def is_own(self, handle: int) -> bool:
        """Whether a directory was made by a mkdir(2) that reported EEXIST.

        A call whose answer is lost is sent again; a server that restarted meanwhile does not know
        that it has carried it out. Our directories have the owner of the term's folder, however
        the server maps users, and are empty with a mode that nothing else uses. Tenants can write
        only beneath volumes' directories, where none is made. A planted one holds no data, so
        using it does no harm.
        """
        return tree.is_half_made(handle) and os.fstat(handle).st_uid == os.fstat(self.term).st_uid

    def clear(self, parent: int, path: str) -> bool:
        """Removes the placeholder at a path, in `parent`; False if there is none (any more)."""
        if not is_placeholder(parent, path.rpartition("/")[2]):
            return False
        try:
            # Another leader may just have made a volume's directory of it, empty as it is.
            self.changes.remove_folder(parent, path, tree.is_half_made)
        except OSError as error:
            if error.errno not in tree.NOT_EMPTY:
                raise
            return False
        return True

    def intend(self, volume: str, directory: str) -> None:
        """Writes an intent: a directory is about to be made for a volume."""
        self.changes.symlink(directory, self.term, fencing.INTENT + volume)

    def intent(self, volume: str) -> str:
        """The directory in a volume's intent; "" if there is none."""
        with suppress(FileNotFoundError):
            return os.readlink(fencing.INTENT + volume, dir_fd=self.term)
        return ""

    def drop_intent(self, volume: str) -> None:
        """Removes a volume's intent."""
        self.changes.unlink(self.term, fencing.INTENT + volume)


def path_in_term(volume: str) -> str:
    """The path of a directory in the term's folder, for messages."""
    return f"{RESERVED}/{fencing.TERMS}/…/{fencing.MOVING}{volume}"


def _inode(parent: int, name: str) -> Inode:
    handle = tree.open_directory(parent, name)
    try:
        return inode_of(handle)
    finally:
        os.close(handle)


def is_placeholder(parent: int, name: str) -> bool:
    """Whether a name is an empty directory with mode `HALF_MADE`: ours and unused."""
    try:
        handle = tree.open_directory(parent, name)
    except (Unsafe, FileNotFoundError, PermissionError):
        return False
    try:
        return tree.is_half_made(handle)
    finally:
        os.close(handle)
