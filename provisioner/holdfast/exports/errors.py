"""Errors of exports; each message says what to do.

ExportError
├── ExportUnavailable  the whole export cannot be used: all volumes wait
│   └── WrongExport    another export is mounted here than the expected one
├── Fenced             a later term has begun: no change is allowed any more
├── Failed             the file system refused one operation: only its volume is affected
│   └── TimedOut       the operation exceeded its deadline and makes no further change
└── Unsafe             the export does not match the record, or data of others is at risk
    └── DirectoryGone  nothing is at the path of a volume that has a record

Scope: EIO or ESTALE of the export's root, or of Holdfast's own folders in it, means that the whole
export is unavailable. The same error of any other path affects only that volume.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from holdfast.claims.errors import Refused

FULL = {errno.ENOSPC, errno.EDQUOT}

_HINTS = {
    errno.EIO: "the NFS server or its disk reports an error: check the server's log",
    errno.ESTALE: "the file was replaced on the server, or another file system is exported: check "
    "what the server exports",
    errno.EACCES: "chown the export's root to the user that this process runs as, or export it "
    "with no_root_squash",
    errno.EPERM: "the server squashes root: export it with no_root_squash, or request no uid and "
    "gid",
    errno.EROFS: "export it with rw, and mount it without ro",
    errno.ENOSPC: "the export is full: remove data or archives",
    errno.EDQUOT: "the export's quota is exhausted: raise it, or remove data or archives",
    errno.EXDEV: "it is on another file system than the export's root: unmount that, or move it "
    "into the export",
    errno.EBUSY: "it is in use on the server: stop what uses it, or unmount it",
}

_UNREACHABLE = {
    errno.EIO: "the NFS server answers with an I/O error",
    errno.ESTALE: "stale file handle: the server exports another file system than before",
    errno.ETIMEDOUT: "the NFS server does not answer",
    errno.ENODEV: "the file system is gone",
    errno.ENOTCONN: "the file system is gone",
}


class ExportError(Exception):
    """Base of all errors of this package; `message` is human-readable and says what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ExportUnavailable(ExportError):
    """The export cannot be used: the state of its directories is unknown.

    Attributes:
        stale: its file handle is stale: it must be mounted again.
    """

    def __init__(self, message: str, *, stale: bool = False) -> None:
        super().__init__(message)
        self.stale = stale


class WrongExport(ExportUnavailable):
    """Another export is mounted here than the expected one."""


class Fenced(ExportError):
    """A later term has begun: the caller is no longer the leader."""


class Failed(ExportError):
    """The file system refused an operation."""


class TimedOut(Failed):
    """A call exceeded its deadline; whether it took effect is unknown."""


class Unsafe(ExportError):
    """The operation could touch data that is not its volume's; it was refused."""


class DirectoryGone(Unsafe):
    """Nothing is at the path of a volume that has a record."""


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Turns an OSError into Failed, and an invalid path into Unsafe; `what` starts the message."""
    try:
        yield
    except OSError as error:
        raise Failed(f"{what}: {reason(error)}") from error
    except (Refused, UnicodeError) as refused:
        raise Unsafe(f"{what}: {refused}") from refused


@contextmanager
def of_the_export(what: str) -> Iterator[None]:
    """As `explained`, for the export's root and Holdfast's folders: see `export_error`."""
    try:
        yield
    except OSError as error:
        raise export_error(what, error) from error
    except (Refused, UnicodeError) as refused:
        raise Unsafe(f"{what}: {refused}") from refused


def export_error(what: str, error: OSError) -> ExportError:
    """ExportUnavailable or Failed for an OSError of the export's root or Holdfast's folders."""
    number = error.errno or 0
    if number in _UNREACHABLE:
        return ExportUnavailable(f"{what}: {_UNREACHABLE[number]}", stale=number == errno.ESTALE)
    return Failed(f"{what}: {reason(error)}")


def reason(error: OSError) -> str:
    """An OSError's description, with what to do if that is known."""
    number = error.errno or 0
    return "; ".join(filter(None, (os.strerror(number), hint(number))))


def hint(number: int) -> str:
    """What to do about an errno where something is made or read; empty if that is not known."""
    return _HINTS.get(number, "")
