"""What can go wrong on an export, in words that say what to do.

ExportError
├── Unavailable   the export as a whole does not answer: wait, all volumes are concerned
├── Failed        this one operation was refused by the file system
├── Unsafe        what is there is not what the record says: nothing was touched
└── Taken         the directory belongs to other volumes
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from holdfast.claims.errors import Refused

if TYPE_CHECKING:
    from holdfast.exports.record import Record

_GONE = {
    errno.EIO: "the NFS server does not answer as it should",
    errno.ESTALE: "its file handle is stale: the server exports another file system than it did",
    errno.ETIMEDOUT: "the NFS server does not answer",
    errno.ENODEV: "the file system is gone",
    errno.ENOTCONN: "the file system is gone",
}

FULL = {errno.ENOSPC, errno.EDQUOT}

_HINTS = {
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


class ExportError(Exception):
    """Base of what this package raises; `message` is a sentence for a person."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Unavailable(ExportError):
    """The export does not answer: nothing can be said about any directory.

    Attributes:
        stale: its handle is stale, which only a new mount mends.
    """

    def __init__(self, message: str, *, stale: bool = False) -> None:
        super().__init__(message)
        self.stale = stale


class Failed(ExportError):
    """The file system refused an operation."""


class Unsafe(ExportError):
    """Carrying on could touch data of others."""


class Taken(ExportError):
    """The directory, one above it or one beneath it belongs to `records`."""

    def __init__(self, directory: str, records: Sequence[Record]) -> None:
        owners = ", ".join(f"{record.volume} of claim {record.claim}" for record in records)
        super().__init__(f"directory {directory!r} belongs to volume {owners}")
        self.records = tuple(records)


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Turns an OSError within into an ExportError that says `what` could not be done, and why.

    A path that no rule of naming gives, were it to come this far, is Unsafe.
    """
    try:
        yield
    except OSError as error:
        raise explain(what, error) from error
    except Refused as refused:
        raise Unsafe(f"{what}: {refused.message}") from refused


def explain(what: str, error: OSError) -> ExportError:
    """The ExportError for an OSError."""
    number = error.errno or 0
    if number in _GONE:
        return Unavailable(f"{what}: {_GONE[number]}", stale=number == errno.ESTALE)
    text = f"{what}: {os.strerror(number)}"
    return Failed(f"{text}; {_HINTS[number]}" if number in _HINTS else text)
