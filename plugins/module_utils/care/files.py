"""Files in folders of which others may know: read if they are plain files, and written whole."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from .errors import Trouble

# A link is not followed, and a pipe is not waited for.
_PLAIN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@contextmanager
def reading(path: Path) -> Iterator[BinaryIO]:
    """A regular file, opened.

    Raises:
        Trouble: it is none.
    """
    try:
        number = os.open(path, _PLAIN)
    except OSError as error:
        raise Trouble(f"{path} is no file of this machine: {error.strerror}.") from None
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise Trouble(f"{path} is no file of this machine, but a folder or a device.")
    with os.fdopen(number, "rb") as file:
        yield file


def users(path: Path) -> str:
    """Who else has a file open, for a sentence: `process 12`, or `a process` where it is gone."""
    own = path.stat()
    pids = [
        link.parts[-3]
        for link in Path("/proc").glob("[0-9]*/fd/*")
        if int(link.parts[-3]) != os.getpid() and _leads_to(link, own)
    ]
    found = sorted({*map(int, pids)})
    return f"process {', '.join(map(str, found))}" if found else "a process"


def _leads_to(link: Path, file: os.stat_result) -> bool:
    try:
        return os.path.samestat(link.stat(), file)
    except OSError:  # it ended, or is another's
        return False


def write(path: Path, parts: Iterable[bytes]) -> None:
    """Write a new file for root alone, on the disk at the end; a former one of this name is gone.

    Raises:
        Trouble: it cannot be written.
    """
    with _whole(path) as file:
        for part in parts:
            view = memoryview(part)
            while view:
                view = view[os.write(file, view) :]


def sync(folder: Path) -> None:
    """Have the names in a folder on the disk."""
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


@contextmanager
def _whole(path: Path) -> Iterator[int]:
    path.unlink(missing_ok=True)
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        yield file
        os.fsync(file)
    except OSError as error:
        raise Trouble(f"{path} cannot be written: {error.strerror or error}.") from error
    finally:
        os.close(file)
