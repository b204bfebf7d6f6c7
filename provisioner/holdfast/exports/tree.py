"""Walking directories from a handle of the root, following no symlink.

A path is never handed to the kernel whole: O_NOFOLLOW guards only the last component, and a
tenant can plant a symlink in any directory that is theirs. openat2(2) could do it in one call,
but Python has no binding for it, and a component at a time works on every file system.

An NFS client caches that a name does not exist, for as long as it believes the directory to be
unchanged. Opening a directory has the server asked again (close-to-open consistency), so every
operation opens each directory on its way anew and keeps no handle; and where a wrong "not there"
could cost data, the answer is mkdir(2)'s, which only the server gives.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from holdfast.exports.errors import Unsafe

# Of a directory that is not ready yet: its owner alone may enter it, and the sticky bit, which
# means nothing there, tells it from what a person makes.
HALF_MADE = 0o1700

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
# What rmdir(2) and rename(2) say where something is in the way.
NOT_EMPTY = {errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR}
LONGEST_FILE = 1 << 18  # bytes; a record has a few KiB
_PART = 1 << 14


@contextmanager
def opened(parent: int, names: Sequence[str]) -> Iterator[int]:
    """A handle of the directory `names` beneath `parent`, closed at the end.

    Args:
        parent: handle of a directory.
        names: components of the path; none for `parent` itself.

    Raises:
        FileNotFoundError: a component is missing.
        Unsafe: a component is a symlink or no directory.
    """
    handle = open_path(parent, names)
    try:
        yield handle
    finally:
        os.close(handle)


def open_path(parent: int, names: Sequence[str]) -> int:
    """As `opened`, a handle that the caller closes."""
    handle = parent
    try:
        for name in names:
            handle, above = open_directory(handle, name), handle
            _close_unless(parent, above)
    except BaseException:
        _close_unless(parent, handle)
        raise
    return handle if handle != parent else os.dup(parent)


def _close_unless(kept: int, handle: int) -> None:
    if handle != kept:
        os.close(handle)


def open_directory(parent: int, name: str) -> int:
    """A handle of one directory in `parent`, which the caller closes; raises as `opened` does."""
    try:
        return os.open(entry_name(name), _DIRECTORY, dir_fd=parent)
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.ENOTDIR}:
            raise Unsafe(f"{name!r} is not a directory, or a symlink: it is left alone") from error
        raise


def entry_name(name: str) -> str:
    """The name of one entry of a directory; raises Unsafe for what is a path, or none."""
    if "/" in name or name in {"", ".", ".."}:
        raise Unsafe(f"{name!r} is not the name of one entry of a directory: it is left alone")
    return name


@contextmanager
def above(root: int, path: str) -> Iterator[tuple[int, str]]:
    """A handle of the directory that `path` is in, and its name there; raises as `opened` does."""
    *folders, name = path.split("/")
    with opened(root, folders) as parent:
        yield parent, name


def steps(parent: int, names: Sequence[str]) -> Iterator[int]:
    """Handles of the directories on the way `names` beneath `parent`; raises as `opened` does.

    Each is closed when the next is asked for.
    """
    handle = parent
    try:
        for name in names:
            handle, passed = open_directory(handle, name), handle
            _close_unless(parent, passed)
            yield handle
    finally:
        _close_unless(parent, handle)


def files_beneath(parent: int) -> list[str]:
    """The names of all files beneath a directory, however deep; symlinks are not followed."""
    files, folders = _entries(parent)
    places: list[tuple[str, ...]] = [(folder,) for folder in folders]
    while places:
        place = places.pop()
        with opened(parent, place) as handle:
            found, folders = _entries(handle)
        files += found
        places += ((*place, folder) for folder in folders)
    return files


def _entries(handle: int) -> tuple[list[str], list[str]]:
    """The names in a directory: of what is none, and of directories."""
    with os.scandir(handle) as entries:
        are_folders = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    files = [name for name, is_folder in are_folders if not is_folder]
    return files, [name for name, is_folder in are_folders if is_folder]


def reaches(root: int, path: str) -> bool:
    """Whether there is anything at `path`.

    Only ENOENT says that there is not: after ESTALE or EIO nothing is known.
    """
    try:
        with above(root, path) as (parent, name):
            return exists(parent, name)
    except FileNotFoundError:
        return False


def exists(parent: int, name: str) -> bool:
    """Whether `parent` has an entry of that name, of whatever kind."""
    try:
        os.stat(entry_name(name), dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def is_directory(parent: int, name: str) -> bool:
    """Whether `parent` has a directory of that name; raises FileNotFoundError without an entry."""
    return stat.S_ISDIR(os.stat(entry_name(name), dir_fd=parent, follow_symlinks=False).st_mode)


def is_empty(handle: int) -> bool:
    """Whether a directory has no entry."""
    with os.scandir(handle) as entries:
        return next(entries, None) is None


def is_half_made(handle: int) -> bool:
    """Whether a directory is empty and not ready yet, as ours are at first (`create.py`)."""
    return is_unready(os.fstat(handle).st_mode) and is_empty(handle)


def is_unready(mode: int) -> bool:
    """Whether a mode is that of a directory that is not ready yet, with setgid inherited or not."""
    return stat.S_IMODE(mode) & ~stat.S_ISGID == HALF_MADE


def read_file(parent: int, name: str, what: str) -> bytes:
    """What one of our own files holds.

    Args:
        parent: handle of the directory that it is in.
        name: its name there.
        what: its path, for the error.

    Raises:
        FileNotFoundError: there is none.
        Unsafe: it is no regular file, or longer than `LONGEST_FILE`.
    """
    handle = _open_file(parent, name, what)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise _irregular(what)
        data = _read_all(handle)
    finally:
        os.close(handle)
    if len(data) > LONGEST_FILE:
        raise Unsafe(
            f"{what} has more than {LONGEST_FILE} bytes, which no file of ours has: restore it "
            "from a backup"
        )
    return data


def _read_all(handle: int) -> bytes:
    """What a file holds, or more than `LONGEST_FILE` bytes of it."""
    data = b""
    while len(data) <= LONGEST_FILE and (part := os.read(handle, _PART)):
        data += part
    return data


def _open_file(parent: int, name: str, what: str) -> int:
    # O_NONBLOCK: to open a pipe for reading waits for a writer, for good.
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return os.open(entry_name(name), flags, dir_fd=parent)
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.ENXIO}:  # a symlink, or a socket
            raise _irregular(what) from error
        raise


def _irregular(what: str) -> Unsafe:
    return Unsafe(f"{what} is no regular file: restore it from a backup")


def write_new(parent: int, name: str, data: bytes) -> None:
    """Writes a file that is not there yet, and has it on disk; raises FileExistsError.

    An empty one has nothing to sync. The name itself is durable once `parent` is synced.
    """
    handle = os.open(name, _NEW, 0o600, dir_fd=parent)
    try:
        left = memoryview(data)
        while left:
            left = left[os.write(handle, left) :]
        if data:
            os.fsync(handle)
    finally:
        os.close(handle)
