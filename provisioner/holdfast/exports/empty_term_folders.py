"""Ends the terms before this one: moves the entries of their folders here, removes the folders.

If a leader's name changed for a while, two terms may each have left a directory of one volume.
Which is the right one cannot be told, so both are kept as `-VOLUME~NUMBER`, and `-VOLUME` becomes
a marker, a dangling symlink. Operations that would move or remove the volume's directory find the
marker and refuse. Several intents of one volume are ended in turn.

If an entry cannot be moved (a bad block), its folder is set aside: renamed, so that no path leads
into it, and marked, so that `is_ended`, checked before each change, reports the term as ended. A
late call that passed this check and holds the folder's handle can still take effect, which it
could not in a removed folder. A directory that it moves into the folder is moved back by the
sweep. A record's draft that could not be removed can still replace that record. The volume of the
stuck entry has to wait: it gets a marker too.
"""

from __future__ import annotations

import errno
import itertools
import os
import stat
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass

from holdfast.exports import removed_folders, tree
from holdfast.exports.changes import Changes
from holdfast.exports.errors import Unsafe
from holdfast.exports.ledger import is_volume
from holdfast.exports.removed_folders import DRAFT
from holdfast.exports.term_folders import AGAIN, FILLER, MISPLACED, SET_ASIDE, is_set_aside

INTENT = "+"
MOVING = "-"

# Locks the volume of an entry against other operations without waiting; yields whether it did.
TryLock = Callable[[str], AbstractContextManager[bool]]

_MODE_ASIDE = 0o1700  # only folders that are set aside have the sticky bit
_ATTEMPTS = 100  # late calls of a former leader can refill the folder in between


def volumes_with(term: int, prefix: str) -> tuple[str, ...]:
    """The volumes with an entry of this prefix (`INTENT` or `MOVING`) in a term's folder."""
    names = (name for name in sorted(os.listdir(term)) if name.startswith(prefix))
    return tuple(filter(is_volume, (name.removeprefix(prefix) for name in names)))


def strays(term: int) -> list[str]:
    """The names in a term's folder that Holdfast does not make."""
    return [name for name in sorted(os.listdir(term)) if not _is_known(name)]


def _is_known(name: str) -> bool:
    if name.startswith((INTENT, MOVING)):
        return is_volume(name[1:].partition(AGAIN)[0])
    return name == FILLER or name.startswith((DRAFT, tree.REMOVED_IN_USE))


@contextmanager
def without_lock(_: str) -> Iterator[bool]:
    """A `TryLock` for a term that begins: no other operation is running yet."""
    yield True


def end(
    terms: int, name: str, own: int, changes: Changes, try_lock: TryLock = without_lock
) -> set[str]:
    """Ends an earlier term: moves its entries to `own`, then removes its folder.

    Returns the entries that cannot be moved; the folder is set aside then.
    """
    for _ in range(_ATTEMPTS):
        try:
            with tree.opened(terms, [name]) as folder:
                earlier = _EndedTerm(terms, name, folder, own, changes)
                # Twice: an error may be transient.
                if earlier.carry_over(try_lock) and (stuck := earlier.carry_over(try_lock)):
                    earlier.set_aside()
                    return stuck
            changes.rmdir(terms, name)
        except FileNotFoundError:
            return set()
        except OSError as error:
            if error.errno not in tree.NOT_EMPTY:
                raise
        else:
            return set()
    raise Unsafe(f"the folder of term {name} cannot be emptied: end the process that writes to it")


def is_ended(folder: int) -> bool:
    """Whether the folder of a term was removed or set aside."""
    try:
        status = os.fstat(folder)
    except OSError as error:
        if error.errno != errno.ESTALE:  # an NFS server's answer for a removed folder
            raise
        return True
    return status.st_nlink == 0 or bool(status.st_mode & stat.S_ISVTX)


def restore_plain_names(
    own: int,
    prefix: str,
    changes: Changes,
    stuck: Collection[str] = (),
    try_lock: TryLock = without_lock,
) -> None:
    """Renames each volume's only numbered entry back to its plain name."""
    names = {name for name in os.listdir(own) if name.startswith(prefix)}
    for plain in {name.partition(AGAIN)[0] for name in names} - set(stuck):
        others = sorted(name for name in names if name.startswith(plain + AGAIN))
        if prefix == MOVING and len(others) > 1:
            continue
        with try_lock(plain) as is_free:
            if is_free and (plain not in names or _is_cleared(own, plain, changes)):
                for other in others[:1]:
                    _rename_or_mark(own, other, plain, changes)


def _is_cleared(own: int, plain: str, changes: Changes) -> bool:
    """Removes a marker; False if the entry is not a marker or cannot be removed."""
    with suppress(OSError):
        if _is_marker(own, plain):
            changes.unlink(own, plain)
            return True
    return False


def _rename_or_mark(own: int, other: str, plain: str, changes: Changes) -> None:
    try:
        changes.rename(own, other, own, plain)
    except OSError:
        if plain.startswith(MOVING):
            changes.symlink(AGAIN, own, plain)


def unresolved(terms: int, own: int) -> Iterator[str]:
    """What an administrator has to resolve, a sentence each; `terms` is a leader's folder."""
    again = [name for name in os.listdir(own) if name.startswith(MOVING) and AGAIN in name]
    volumes = {name.partition(AGAIN)[0].removeprefix(MOVING) for name in again}
    for volume in sorted(filter(is_volume, volumes)):
        yield (
            f"earlier terms left several directories of volume {volume}, in .holdfast/terms/…/"
            f"{MOVING}{volume}{AGAIN}NUMBER: move all but the right one elsewhere"
        )
    for name in sorted(tree.folders(terms)):
        if is_set_aside(name):
            yield (
                f"cannot move what an earlier term left in .holdfast/terms/…/{tree.shown(name)}: "
                "Holdfast will retry; check the NFS server's log"
            )
        if name.startswith(MISPLACED):
            place = f".holdfast/terms/…/{tree.shown(name)}"
            yield f"unknown folder {place}: move it to where it belongs"


@dataclass(frozen=True, slots=True)
class _EndedTerm:
    """The folder of an earlier term, to be emptied.

    Attributes:
        terms: handle of the leader's folder, which contains it.
        name: its name there.
        folder: its handle.
        own: handle of the current term's folder.
        changes: makes the changes.
    """

    terms: int
    name: str
    folder: int
    own: int
    changes: Changes

    def carry_over(self, try_lock: TryLock) -> set[str]:
        """Moves or removes all entries; returns the plain names of those that are stuck."""
        stuck = set[str]()
        for name in os.listdir(self.folder):
            plain = name.partition(AGAIN)[0]
            with try_lock(plain) as is_free:
                if is_free and self._clear_entry(name):
                    continue
                stuck.add(plain)
                if is_free and name.startswith(MOVING):
                    # Without a marker the directory would seem gone.
                    _put_marker(self.own, plain, self.changes)
        return stuck

    def set_aside(self) -> None:
        """Marks the folder as ended and renames it, so that no path leads into it."""
        if not is_set_aside(self.name):
            self.changes.set_owner(self.folder, None, None, _MODE_ASIDE)
            aside = SET_ASIDE + self.name
            if tree.exists(self.terms, aside):  # a stray
                aside = _next_name(self.terms, aside)
            self.changes.rename(self.terms, self.name, self.terms, aside)

    def _clear_entry(self, name: str) -> bool:
        """Moves or removes an entry; False if it is stuck."""
        try:
            if name == FILLER:
                self.changes.unlink(self.folder, name)
            elif name.startswith(DRAFT):
                self._remove_draft(name)
            else:
                _carry(self.folder, name, self.own, self.changes)
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return True

    def _remove_draft(self, name: str) -> None:
        if removed_folders.path_of(name) and tree.is_directory(self.folder, name):
            self.changes.rename(self.folder, name, self.own, name)  # `restore_removed_folders.py`
            return
        if not tree.is_directory(self.folder, name):
            self.changes.unlink(self.folder, name)
            return
        try:
            self.changes.rmdir(self.folder, name)
        except OSError as error:
            if error.errno not in tree.NOT_EMPTY:
                raise
            # A version that did not note its path removed it while it was being filled.
            place = f"{MISPLACED}{self.name.removeprefix(SET_ASIDE)}{name}"
            self.changes.rename(self.folder, name, self.terms, place)


def _carry(earlier: int, name: str, own: int, changes: Changes) -> None:
    plain = name.partition(AGAIN)[0]
    if name == plain and not tree.exists(own, name):
        changes.rename(earlier, name, own, name)
    elif name.startswith(MOVING):
        _carry_directory(earlier, name, own, changes)
    elif name.startswith(INTENT) and _is_same_link(earlier, name, own, plain):
        changes.unlink(earlier, name)
    else:
        changes.rename(earlier, name, own, _next_name(own, plain))


def _carry_directory(earlier: int, name: str, own: int, changes: Changes) -> None:
    """Moves one of a volume's directories; puts the marker first, so that a crash loses none."""
    plain = name.partition(AGAIN)[0]
    _put_marker(own, plain, changes)
    if _is_marker(earlier, name):
        changes.unlink(earlier, name)
    else:
        changes.rename(earlier, name, own, _next_name(own, plain))


def _put_marker(own: int, plain: str, changes: Changes) -> None:
    if tree.exists(own, plain):
        if _is_marker(own, plain):
            return
        changes.rename(own, plain, own, _next_name(own, plain))
    changes.symlink(AGAIN, own, plain)


def _next_name(own: int, plain: str) -> str:
    names = (f"{plain}{AGAIN}{number}" for number in itertools.count(1))
    return next(name for name in names if not tree.exists(own, name))


def _is_marker(folder: int, name: str) -> bool:
    """Whether an entry is a marker; raises FileNotFoundError if it does not exist."""
    status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    if not name.startswith(MOVING) or not stat.S_ISLNK(status.st_mode):
        return False
    return os.readlink(name, dir_fd=folder) == AGAIN


def _is_same_link(earlier: int, name: str, own: int, plain: str) -> bool:
    with suppress(FileNotFoundError):
        return os.readlink(name, dir_fd=earlier) == os.readlink(plain, dir_fd=own)
    return False
