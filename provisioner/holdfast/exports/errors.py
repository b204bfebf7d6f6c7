"""What can go wrong on an export, in words that say what to do.

ExportError
├── ExportUnavailable      the export as a whole cannot be used: every volume has to wait
│   └── WrongExport  another export is mounted here than the one that is meant
├── Fenced           no change may be made any more: a later term has begun
├── Failed           the file system refused this one operation: only its volume is concerned
│   └── TimedOut     it did not end in time, and changes nothing more from then on
├── Unsafe           what is there is not what the record says: nothing was touched
└── DirectoryTaken   the directory belongs to other volumes (`record.py`)

How far an error reaches: only the export's root and Holdfast's own folders in it speak for the
export. EIO or ESTALE of anything beneath concerns that volume alone.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from holdfast.claims.errors import Refused

FULL = {errno.ENOSPC, errno.EDQUOT}

_HINTS = {
    errno.EIO: "the NFS server or its disk reports an error: look into the server's log",
    errno.ESTALE: "the server does not know the file any more: it was replaced on the server, or "
    "another file system is exported",
    errno.EACCES: "let the export's root belong to the user that this runs as, or export it with "
    "no_root_squash",
    errno.EPERM: "the server squashes root: export it with no_root_squash, or ask for no uid and "
    "gid",
    errno.EROFS: "export it with rw, and mount it without ro",
    errno.ENOSPC: "the export is full: remove data or archives",
    errno.EDQUOT: "the quota of the export is used up: raise it, or remove data or archives",
    errno.EXDEV: "it is on another file system than the export's root, and cannot be renamed",
    errno.EBUSY: "it is in use on the server",
}

_UNREACHABLE = {
    errno.EIO: "the NFS server does not answer as it should",
    errno.ESTALE: "its file handle is stale: the server exports another file system than it did",
    errno.ETIMEDOUT: "the NFS server does not answer",
    errno.ENODEV: "the file system is gone",
    errno.ENOTCONN: "the file system is gone",
}


class ExportError(Exception):
    """Base of what this package raises; `message` is a sentence for a person."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ExportUnavailable(ExportError):
    """The export cannot be used: nothing can be said about any directory.

    Attributes:
        stale: its handle is stale, which only a new mount mends.
    """

    def __init__(self, message: str, *, stale: bool = False) -> None:
        super().__init__(message)
        self.stale = stale


class WrongExport(ExportUnavailable):
    """What is mounted here is not the export that is meant."""


class Fenced(ExportError):
    """A later term has begun: who asked for the change leads no more."""


class Failed(ExportError):
    """The file system refused an operation."""


class TimedOut(Failed):
    """A call did not end in time; whether it took effect is not known."""


class Unsafe(ExportError):
    """Carrying on could touch data of others."""


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Turns an OSError within into Failed, which says `what` could not be done, and why.

    A path that no rule of naming gives, were it to come this far, is Unsafe.
    """
    try:
        yield
    except OSError as error:
        raise Failed(f"{what}: {reason(error)}") from error
    except (Refused, UnicodeError) as refused:
        raise Unsafe(f"{what}: {refused}") from refused


@contextmanager
def of_the_export(what: str) -> Iterator[None]:
    """As `explained`, for what speaks for the export as a whole: its root and our folders."""
    try:
        yield
    except OSError as error:
        raise export_error(what, error) from error
    except (Refused, UnicodeError) as refused:
        raise Unsafe(f"{what}: {refused}") from refused


def export_error(what: str, error: OSError) -> ExportError:
    """The error for what the export's root or one of our folders answered."""
    number = error.errno or 0
    if number in _UNREACHABLE:
        return ExportUnavailable(f"{what}: {_UNREACHABLE[number]}", stale=number == errno.ESTALE)
    return Failed(f"{what}: {reason(error)}")


def reason(error: OSError) -> str:
    """An operating system's error in words, with what to do about it where that is known."""
    number = error.errno or 0
    text = os.strerror(number)
    return f"{text}; {_HINTS[number]}" if number in _HINTS else text
