"""Faults of single system calls of the export's code, by any thread of the process."""

from __future__ import annotations

import errno
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from random import Random
from typing import Any

import pytest

from holdfast.exports import handles
from holdfast.exports.interface import Grant
from tests.unit.exports.faults import CHANGES, Crash

_READS = ("open", "fsync", "stat", "fstat", "listdir", "scandir", "readlink")
_NUMBERS = (
    *(errno.EIO, errno.ESTALE, errno.ENOSPC, errno.EROFS, errno.EACCES),
    errno.ETIMEDOUT,
)

_GROWS = ("mkdir", "symlink", "link", "open", "write")  # calls that may need room
_RANDOM = re.compile(r"[0-9a-f]{8,}(-[0-9a-f]+)*")


class Kind(Enum):
    """What goes wrong at a call."""

    ERROR = "an error, and nothing is done"
    LOST = "an error, though it is done"
    CRASH = "the process ends before it"
    CRASH_AFTER = "the process ends after it"
    LATE = "the process ends, and the call is carried out later"
    BESIDE = "something else happens before it"


@dataclass(slots=True)
class Armed:
    """A fault that waits: `calls` more calls go well; reads count unless `only_changes`."""

    kind: Kind
    calls: int
    number: int
    only_changes: bool
    beside: Callable[[], object]

    def counts(self, name: str) -> bool:
        return name in CHANGES or (name in _READS and not self.only_changes)


@dataclass(slots=True)
class LateCall:
    """A change that a former leader has sent; `handles` are open until it is carried out."""

    told: str
    call: Callable[[], object]
    handles: list[int]

    def carry_out(self) -> None:
        try:
            with suppress(OSError):
                self.call()
        finally:
            for handle in self.handles:
                os.close(handle)


@dataclass
class Faults:
    """At most one fault waits at a time.

    Attributes:
        is_dead: the process has ended: no call of it has any effect.
        late: calls that are still to be carried out.
        struck: the last fault that happened, for the log.
        is_full: the export has no room.
    """

    is_dead: bool = False
    late: list[LateCall] = field(default_factory=list)
    struck: str = ""
    armed: Armed | None = None
    is_full: bool = False
    _changes_left: int | None = None  # until the time of a grant is up

    def arm(self, random: Random, kind: Kind, beside: Callable[[], object] = lambda: None) -> None:
        """Has a fault happen at one of the next calls."""
        only_changes = kind not in {Kind.ERROR, Kind.BESIDE} or random.random() < 0.6
        calls = random.randint(0, 40 if only_changes else 150)
        self.armed = Armed(kind, calls, random.choice(_NUMBERS), only_changes, beside)

    def expire(self, random: Random) -> None:
        """Has the time of a grant be up before one of the next changes."""
        self._changes_left = random.randint(0, 30)

    def calm(self) -> None:
        """Nothing waits any more, and the process lives."""
        self.armed, self.is_dead, self._changes_left = None, False, None

    def told(self) -> str:
        """The last fault that happened; once."""
        struck, self.struck = self.struck, ""
        return struck

    @contextmanager
    def injected(self) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            for name in {*CHANGES, *_READS, *_GROWS}:
                patch.setattr(os, name, self._around(name, getattr(os, name)))
            patch.setattr(handles, "_check", self._checking(handles._check))
            yield

    def _checking(self, check: Callable[..., None]) -> Callable[..., None]:
        def checked(term: int, grant: Grant, may_change: Callable[[], object]) -> None:
            if self._is_time_up():
                object.__setattr__(grant, "until", 0.0)
            check(term, grant, may_change)

        return checked

    def _is_time_up(self) -> bool:
        if self._changes_left is None:
            return False
        self._changes_left -= 1
        if self._changes_left >= 0:
            return False
        self._changes_left, self.struck = None, "the time of a grant is up"
        return True

    def _around(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            if not _is_of_export(sys._getframe(1).f_globals):
                return call(*args, **kwargs)
            if self.is_dead and name in CHANGES:
                raise Crash
            if self.is_full and _needs_room(name, args, kwargs):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            armed = self.armed
            if armed is None or not armed.counts(name):
                return call(*args, **kwargs)
            armed.calls -= 1
            if armed.calls >= 0:
                return call(*args, **kwargs)
            return self._strike(armed, name, call, args, kwargs)

        return wrapped

    def _strike(
        self,
        armed: Armed,
        name: str,
        call: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        self.armed, self.struck = None, f"at {_told(name, args)}: {armed.kind.value}"
        if armed.kind is Kind.BESIDE:
            armed.beside()
            return call(*args, **kwargs)
        if armed.kind in {Kind.LOST, Kind.CRASH_AFTER}:
            call(*args, **kwargs)
        if armed.kind is Kind.LATE:
            self.late.append(_kept(name, call, args, kwargs))
        if armed.kind in {Kind.ERROR, Kind.LOST}:
            raise OSError(armed.number, os.strerror(armed.number))
        self.is_dead = True
        raise Crash


def _is_of_export(caller: dict[str, Any]) -> bool:
    return str(caller.get("__name__", "")).startswith("holdfast.exports")


def _needs_room(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether a call makes or extends something; servers look a name up before they allocate."""
    if name not in _GROWS or (name == "open" and not args[1] & os.O_CREAT):
        return False
    if name == "write":
        return True
    place, folder = (
        args[name in {"symlink", "link"}],
        kwargs.get("dst_dir_fd", kwargs.get("dir_fd")),
    )
    try:
        os.stat(place, dir_fd=folder, follow_symlinks=False)
    except OSError:
        return True
    return False


def _told(name: str, args: tuple[Any, ...]) -> str:
    """A call without what differs from run to run: handles, and parts of names."""
    names = [_RANDOM.sub("…", one) for one in args if isinstance(one, str)]
    return f"{name}({', '.join(names)})"


def _kept(
    name: str, call: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> LateCall:
    """A call as it was sent: its handles stay open when the process has ended."""
    handles: list[int] = []

    def dup(handle: int) -> int:
        handles.append(os.dup(handle))
        return handles[-1]

    told = _told(name, args)
    if name in {"fchmod", "fchown"}:
        args = (dup(args[0]), *args[1:])
    kept = {key: dup(one) if key.endswith("dir_fd") else one for key, one in kwargs.items()}
    return LateCall(told, partial(call, *args, **kept), handles)
