"""Why entries of the trash cannot be removed, in words that say where to look."""

from __future__ import annotations

import errno
import os

from holdfast.exports import errors

MOUNT = "a mount beneath it"

_LONGEST = 200  # characters of a path; an event's message has 1024 at most
_SQUASHED = "root_squash on the server"
_IN_USE = "something still writes to it: stop what uses it"
# Where removing is refused for other reasons than making, which `errors.hint` is about.
_HINTS = {
    errno.EPERM: f"look for an immutable file (lsattr) or {_SQUASHED}",
    errno.EACCES: f"look for {_SQUASHED}, or remove it there",
    errno.ENOTEMPTY: _IN_USE,
    errno.EEXIST: _IN_USE,
}


class Blocked:
    """The reasons, each with the first entry that it keeps from being removed."""

    def __init__(self) -> None:
        self._first: dict[str, tuple[str, str]] = {}

    def __bool__(self) -> bool:
        return bool(self._first)

    def note(self, error: OSError, place: str) -> None:
        """Notes an error of an entry; `place` is relative to the deleted directory."""
        number = error.errno or 0
        code = errno.errorcode.get(number, str(error.errno))
        hint = _HINTS.get(number) or errors.hint(number)
        self._add(code, place, ": ".join(filter(None, (os.strerror(number), hint))))

    def note_mount(self, place: str) -> None:
        """Notes that another file system is mounted at an entry."""
        self._add(MOUNT, place, f"{MOUNT}: unmount it on the server")

    def _add(self, reason: str, place: str, why: str) -> None:
        self._first.setdefault(reason, (place, why))

    @property
    def reasons(self) -> tuple[str, ...]:
        """`EACCES`, `EIO`, …, sorted."""
        return tuple(sorted(self._first))

    @property
    def details(self) -> tuple[str, ...]:
        """For each of the reasons, the entry and what to do."""
        return tuple(_detail(*self._first[reason]) for reason in self.reasons)


def _detail(place: str, why: str) -> str:
    return f"{_shown(place)}: {why}" if place else why


def _shown(place: str) -> str:
    """The end of a path, quoted; what cannot be printed is escaped."""
    return repr(place if len(place) <= _LONGEST else f"…{place[-_LONGEST:]}")
