"""Ending earlier terms: what is still in their folders is carried over, then these are removed.

Of one volume, two terms may have left a directory each, where a leader's name was another for a
while. Nobody can tell which is the volume's: both are kept, as `-VOLUME~NUMBER`, and `-VOLUME` is
a symlink that leads nowhere. Every operation that would move or remove the volume's directory
finds that, and refuses. Of intents each is ended in turn.

What cannot be moved, as on a bad block, keeps its folder, and this is renamed away: no path leads
into it any more, and what is asked before each change (`is_ended`) says that the term is over. A
call that had passed that question, and holds the folder's handle, can still take effect, which
one into a removed folder cannot: what it moves into the folder is carried over by the sweep, and
a live volume's directory is back then; a record's draft that could not be removed either can
still take the place of that record. The volume of what cannot be moved has to wait: `-VOLUME` is
such a symlink.
"""

from __future__ import annotations

import errno
import itertools
import os
import stat
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass

from holdfast.exports import tree
from holdfast.exports.changes import DRAFT, Changes
from holdfast.exports.errors import Unsafe

FILLER = ".term"  # in each term's folder, so that none is empty
INTENT = "+"
MOVING = "-"

# Has all other operations on the volume of an entry wait; gives whether that could be had.
TryLock = Callable[[str], AbstractContextManager[bool]]

_ASIDE = ".ended-"
_MISPLACED = ".left-"
_MODE_ASIDE = 0o1700  # no other folder of a term has the sticky bit
_NUMBERED = "~"  # in no Kubernetes object's name
_ATTEMPTS = 100  # with each of which a former leader's last calls would have to come in between


def volumes_with(term: int, prefix: str) -> tuple[str, ...]:
    """The volumes with an entry of one kind in a term's folder."""
    names = sorted(os.listdir(term))
    plain = (name for name in names if _NUMBERED not in name)
    return tuple(name.removeprefix(prefix) for name in plain if name.startswith(prefix))


@contextmanager
def without_lock(_: str) -> Iterator[bool]:
    """For a term that begins: there is no operation yet that could be about the same volume."""
    yield True


def end(
    terms: int, name: str, own: int, changes: Changes, try_lock: TryLock = without_lock
) -> set[str]:
    """Ends an earlier term by removing its folder; what is in it is carried over first.

    Gives the entries that are stuck there.
    """
    for _ in range(_ATTEMPTS):
        try:
            with tree.opened(terms, [name]) as folder:
                earlier = _EndedTerm(terms, name, folder, own, changes)
                # Twice, for an error may pass.
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


def is_set_aside(name: str) -> bool:
    """Whether a folder is that of a term that was ended and could not be emptied."""
    return name.startswith(_ASIDE)


def is_ended(folder: int) -> bool:
    """Whether the folder of a term was removed or set aside."""
    try:
        status = os.fstat(folder)
    except OSError as error:
        if error.errno != errno.ESTALE:  # what an NFS server says of what was removed
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
    """Gives a volume's only entry its plain name again, as where the others were dealt with."""
    names = {name for name in os.listdir(own) if name.startswith(prefix)}
    for plain in {name.partition(_NUMBERED)[0] for name in names} - set(stuck):
        others = sorted(name for name in names if name.startswith(plain + _NUMBERED))
        if prefix == MOVING and len(others) > 1:
            continue
        with try_lock(plain) as is_free:
            if is_free and (plain not in names or _is_cleared(own, plain, changes)):
                for other in others[:1]:
                    _rename_or_mark(own, other, plain, changes)


def _is_cleared(own: int, plain: str, changes: Changes) -> bool:
    """Removes a marker; False where there is something else, or where that fails."""
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
            changes.symlink(_NUMBERED, own, plain)


def unresolved(terms: int, own: int) -> Iterator[str]:
    """What a person has to look at, a sentence for each; `terms` is a leader's folder."""
    again = [name for name in os.listdir(own) if name.startswith(MOVING) and _NUMBERED in name]
    for volume in sorted({name.partition(_NUMBERED)[0].removeprefix(MOVING) for name in again}):
        yield (
            f"earlier terms left several directories of volume {volume}, in .holdfast/terms/…/"
            f"{MOVING}{volume}{_NUMBERED}NUMBER: move all but the right one to elsewhere"
        )
    for name in sorted(os.listdir(terms)):
        if is_set_aside(name):
            yield (
                f"what an earlier term left in .holdfast/terms/…/{name} cannot be moved, which is "
                "tried again: look into the server's log"
            )
        if name.startswith(_MISPLACED):
            yield f"nobody knows where .holdfast/terms/…/{name} belongs: move it to there"


@dataclass(frozen=True, slots=True)
class _EndedTerm:
    """The folder of an earlier term while it is emptied.

    `terms` is the folder that it is in, `own` that of the term which begins.
    """

    terms: int
    name: str
    folder: int
    own: int
    changes: Changes

    def carry_over(self, try_lock: TryLock) -> set[str]:
        """Empties it as far as it can be; the plain names of what is stuck."""
        stuck = set[str]()
        for name in os.listdir(self.folder):
            plain = name.partition(_NUMBERED)[0]
            with try_lock(plain) as is_free:
                if is_free and self._clear_entry(name):
                    continue
                stuck.add(plain)
                if is_free and name.startswith(MOVING):
                    _put_marker(
                        self.own, plain, self.changes
                    )  # nobody is to call the directory gone
        return stuck

    def set_aside(self) -> None:
        """Has no path lead into it any more."""
        if not is_set_aside(self.name):
            self.changes.set_owner(self.folder, None, None, _MODE_ASIDE)
            self.changes.rename(self.terms, self.name, self.terms, _ASIDE + self.name)

    def _clear_entry(self, name: str) -> bool:
        """Takes an entry out; False where it is stuck."""
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
        if not tree.is_directory(self.folder, name):
            self.changes.unlink(self.folder, name)
            return
        try:
            self.changes.rmdir(self.folder, name)
        except OSError as error:
            if error.errno not in tree.NOT_EMPTY:
                raise
            # A folder on its way out was filled on the way (`Changes.remove_folder`).
            place = f"{_MISPLACED}{self.name.removeprefix(_ASIDE)}{name}"
            self.changes.rename(self.folder, name, self.terms, place)


def _carry(earlier: int, name: str, own: int, changes: Changes) -> None:
    plain = name.partition(_NUMBERED)[0]
    if name == plain and not tree.exists(own, name):
        changes.rename(earlier, name, own, name)
    elif name.startswith(MOVING):
        _carry_directory(earlier, name, own, changes)
    elif name.startswith(INTENT) and _is_same_link(earlier, name, own, plain):
        changes.unlink(earlier, name)
    else:
        changes.rename(earlier, name, own, _next_name(own, plain))


def _carry_directory(earlier: int, name: str, own: int, changes: Changes) -> None:
    """Carries over one of several; a marker in its place comes first, then nothing is lost."""
    plain = name.partition(_NUMBERED)[0]
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
    changes.symlink(_NUMBERED, own, plain)


def _next_name(own: int, plain: str) -> str:
    names = (f"{plain}{_NUMBERED}{number}" for number in itertools.count(1))
    return next(name for name in names if not tree.exists(own, name))


def _is_marker(folder: int, name: str) -> bool:
    """Whether an entry stands for others; raises FileNotFoundError where there is none."""
    status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    return name.startswith(MOVING) and stat.S_ISLNK(status.st_mode)


def _is_same_link(earlier: int, name: str, own: int, plain: str) -> bool:
    with suppress(FileNotFoundError):
        return os.readlink(name, dir_fd=earlier) == os.readlink(plain, dir_fd=own)
    return False
