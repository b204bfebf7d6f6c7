"""Makes the n-th call to the operating system within an operation go wrong."""

from __future__ import annotations

import errno
import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Any

import pytest

CHANGES = ("mkdir", "rename", "replace", "unlink", "rmdir", "symlink", "link", "fchmod", "fchown")
# All that the layer calls and that a file system can refuse; close(2) frees its handle anyway.
CALLS = (
    *CHANGES,
    *("open", "dup", "fsync", "stat", "fstat", "listdir", "scandir", "readlink", "read", "write"),
    "statvfs",
)


class Crash(BaseException):
    """The end of the process, as near as a test can come: no call has any effect from here on."""


class Fault(Enum):
    """What happens at the n-th call."""

    CRASH = "the process ends"
    LOST = "EIO or ESTALE, nothing done"
    LOST_THOUGH_DONE = "EIO, though it was done"
    SENT_TWICE = "done, and answered as one that was sent once more, by a server that restarted"
    FULL = "ENOSPC, nothing done"


# What such a server says to the second of two equal calls; one that is not here succeeds again.
_TWICE = {
    **dict.fromkeys(("mkdir", "symlink", "link"), errno.EEXIST),
    **dict.fromkeys(("rename", "replace", "unlink", "rmdir"), errno.ENOENT),
}


@dataclass
class Injected:
    """How far an operation has come.

    Only an error can be one of a call that changes nothing: a crash there is one at the next
    change, it needs no room, and whether it was done makes no difference.
    """

    at: int
    fault: Fault
    calls: int = 0

    @property
    def struck(self) -> bool:
        """Whether the call was reached."""
        return self.calls >= self.at

    @property
    def number(self) -> int:
        """The error: each of the two that a lost server gives, in turn."""
        if self.fault is Fault.FULL:
            return errno.ENOSPC
        return errno.ESTALE if self.fault is Fault.LOST and self.at % 2 else errno.EIO

    def _may_strike(self, name: str, args: tuple[Any, ...]) -> bool:
        if self.fault is Fault.SENT_TWICE:
            return name in _TWICE
        return self.fault is Fault.LOST or name == "fsync" or is_change(name, args)

    def around(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            if not self._may_strike(name, args):
                return call(*args, **kwargs)
            self.calls += 1
            if self.fault is Fault.CRASH and self.struck:
                raise Crash
            if self.calls != self.at:
                return call(*args, **kwargs)
            if self.fault in {Fault.LOST_THOUGH_DONE, Fault.SENT_TWICE}:
                _close(call(*args, **kwargs))
            number = _TWICE[name] if self.fault is Fault.SENT_TWICE else self.number
            raise OSError(number, os.strerror(number))

        return wrapped


def each_call(first: int = 1) -> Iterator[int]:
    """The numbers of the calls at which to strike, without end: all of them.

    Every fifth where a mutant is tried, which hundreds of such tests are run for: what these kill,
    all of them kill. Five is odd, as both errors of LOST are to occur.
    """
    return itertools.count(first, 5 if "MUTANTS_PLAN" in os.environ else 1)


@contextmanager
def injected(fault: Fault, at: int) -> Iterator[Injected]:
    """Injects a fault at the `at`-th call within."""
    state = Injected(at, fault)
    with pytest.MonkeyPatch.context() as patch:
        for name in CALLS:
            patch.setattr(os, name, state.around(name, getattr(os, name)))
        yield state


def is_change(name: str, args: tuple[Any, ...]) -> bool:
    """Whether a call changes what is on the file system."""
    return name in CHANGES or (name == "open" and bool(args[1] & os.O_CREAT))


def _close(result: Any) -> None:
    if isinstance(result, int):
        os.close(result)
    elif hasattr(result, "close"):  # of scandir
        result.close()


def refuse_to_open(patch: pytest.MonkeyPatch, name: str, number: int = errno.EACCES) -> None:
    """As a server that squashes root does with another user's folder."""
    real = os.open

    def refuse(path: str, *args: int, **more: int) -> int:
        if path == name:
            raise OSError(number, os.strerror(number))
        return real(path, *args, **more)

    patch.setattr(os, "open", refuse)


class FullFileSystem:
    """Refuses with ENOSPC what needs room, until something that took room is removed.

    As a real one does: renames and empty files need none.
    """

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.room = 0
        for name in ("mkdir", "symlink", "write"):
            patch.setattr(os, name, self._taking(getattr(os, name)))
        patch.setattr(os, "rmdir", self._giving(os.rmdir))
        patch.setattr(os, "unlink", self._giving(os.unlink))

    def _taking(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            if not self.room:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self.room -= 1
            return call(*args, **kwargs)

        return wrapped

    def _giving(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            size = os.stat(*args, **kwargs, follow_symlinks=False).st_size
            result = call(*args, **kwargs)
            self.room += bool(size)
            return result

        return wrapped
