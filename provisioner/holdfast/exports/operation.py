"""What one operation on an export works with, and the steps that several operations share."""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

from holdfast.claims.paths import RESERVED, overlap
from holdfast.exports import terms, tree
from holdfast.exports.changes import Changes
from holdfast.exports.errors import FULL, TimedOut, Unsafe
from holdfast.exports.inode import Inode, inode_of
from holdfast.exports.ledger import Ledger


@dataclass(eq=False, slots=True)
class _Place:
    """A directory that one holds or waits for."""

    directory: str


class PathLocks:
    """Locks of directories: two that overlap are never held at once, others do not wait.

    Those that overlap get theirs in the order in which they came, or one above many others would
    wait for as long as there is any beneath it.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._places: list[_Place] = []  # held or waited for, in the order of their coming

    @contextmanager
    def held(self, directory: str, seconds: float) -> Iterator[None]:
        """Waits until no other overlapping directory is held; raises TimedOut."""
        place = self._enqueue(directory)
        try:
            with self._changed:
                if not self._changed.wait_for(lambda: self._is_first(place), seconds):
                    raise TimedOut(
                        f"an earlier call about {directory!r}, or beneath or above it, has not "
                        "ended: it is tried again"
                    )
            yield
        finally:
            self._leave(place)

    @contextmanager
    def tried(self, directory: str) -> Iterator[bool]:
        """As `held`, but does not wait: gives whether it is held now."""
        place = self._enqueue(directory)
        with self._changed:
            is_first = self._is_first(place)
        if not is_first:
            self._leave(place)
        try:
            yield is_first
        finally:
            if is_first:
                self._leave(place)

    def _enqueue(self, directory: str) -> _Place:
        place = _Place(directory)
        with self._changed:
            self._places.append(place)
        return place

    def _leave(self, place: _Place) -> None:
        with self._changed:
            self._places.remove(place)
            self._changed.notify_all()

    def _is_first(self, place: _Place) -> bool:
        before = itertools.takewhile(lambda other: other is not place, self._places)
        return not any(overlap(place.directory, other.directory) for other in before)


class AbandonedPaths:
    """Directories that were given up, and where a late call of an earlier term may make something.

    Each is remembered for as long as such a call can be expected to be on its way.
    """

    def __init__(self, seconds: float = 180.0, most: int = 10_000) -> None:
        self._seconds = seconds
        self._held: deque[tuple[float, str]] = deque(maxlen=most)
        self._using = threading.Lock()

    def add(self, *directories: str) -> None:
        """Remembers directories from now on; those that are empty are none."""
        now = time.monotonic()
        with self._using:
            self._held.extend((now, directory) for directory in directories if directory)

    def all(self) -> list[str]:
        """What is remembered."""
        oldest = time.monotonic() - self._seconds
        with self._using:
            return list(dict.fromkeys(one for when, one in self._held if when >= oldest))

    def includes(self, path: str) -> bool:
        """Whether a path is one of them, or above one."""
        return any(f"{one}/".startswith(f"{path}/") for one in self.all())


@dataclass(frozen=True, slots=True)
class Operation:
    """What one operation works with.

    Attributes:
        root, term: handles of the export's root and of the term's folder.
        ledger: the records.
        changes: by which alone anything is changed.
        cluster: whose operation it is.
        parents: locks of the directories above volumes' directories.
        abandoned: directories where a late call may still make something.
        patience: the seconds for which it may wait for another, as of now.
    """

    root: int
    term: int
    ledger: Ledger
    changes: Changes
    cluster: str
    parents: PathLocks
    abandoned: AbandonedPaths
    patience: Callable[[], float]

    def without_waiting(self) -> Operation:
        """The same, where a call about one volume that hangs must not hold up the others."""
        return replace(self, patience=lambda: 0.0)

    def inode_at(self, directory: str) -> Inode | None:
        """The directory at a path; None where there is nothing, Unsafe for what is none."""
        try:
            with tree.above(self.root, directory) as (parent, name):
                return _inode(parent, name)
        except FileNotFoundError:
            return None

    def moving(self, volume: str) -> Inode | None:
        """The directory of a volume that is on its way out; None where there is none.

        Raises:
            Unsafe: that cannot be told, or there are several (`ended_terms.py`).
        """
        try:
            return _inode(self.term, terms.MOVING + volume)
        except FileNotFoundError:
            return None
        except Unsafe as error:
            raise Unsafe(
                f"what earlier terms left of volume {volume} in {RESERVED}/{terms.TERMS} cannot be "
                "dealt with: the log of the leader says why"
            ) from error

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
        target exists (renameat2(2) with RENAME_NOREPLACE gives EINVAL there). `again`: one
        that is there is ours, of an earlier attempt or of the same call that was sent twice.

        On a full export there is none, nor anything else: the name is looked up before room is
        looked for.
        """
        try:
            self.changes.mkdir(parent, name, tree.HALF_MADE)
        except FileExistsError:
            return again and is_placeholder(parent, name)
        except OSError as error:
            if error.errno not in FULL:
                raise
        return True

    def is_own(self, handle: int) -> bool:
        """Whether a directory that mkdir(2) says was there is one that it has made, as it looks.

        A call whose answer is lost is sent again, and a server that restarted meanwhile does not
        know that it has carried it out. What this process makes belongs to whom the term's folder
        does, whatever the server maps users to, and nobody else gives a directory that mode and
        leaves it empty. Tenants can write only beneath volumes' directories, where none is made;
        one that was planted all the same holds no data, and taking it harms nobody.
        """
        return tree.is_half_made(handle) and os.fstat(handle).st_uid == os.fstat(self.term).st_uid

    def clear(self, parent: int, name: str) -> bool:
        """Removes a placeholder; False where there is none."""
        if not is_placeholder(parent, name):
            return False
        self.changes.remove_folder(parent, name)
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
    """Whether there is an empty directory that is not ready: ours, and in nobody's use."""
    try:
        handle = tree.open_directory(parent, name)
    except (Unsafe, FileNotFoundError, PermissionError):
        return False
    try:
        return tree.is_half_made(handle)
    finally:
        os.close(handle)


def parents_of(directory: str) -> Iterable[str]:
    """The directories above one, from the innermost outwards."""
    names = directory.split("/")
    return ("/".join(names[:depth]) for depth in range(len(names) - 1, 0, -1))
