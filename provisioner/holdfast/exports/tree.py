"""Walks paths from a handle of the root, one component at a time, following no symlink.

The kernel never gets a whole path: O_NOFOLLOW protects only the last component, and tenants can
make symlinks in their directories. openat2(2) could resolve a path in one call, but Python has no
binding for it; walking by component works on every file system.

An NFS client caches that a name does not exist while it believes the directory to be unchanged.
Opening a directory revalidates it (close-to-open consistency), so every operation opens each
directory anew and keeps no handle. Where a wrong "does not exist" could cost data, mkdir(2)
decides, which only the server answers.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from holdfast.exports.errors import Unsafe

# Mode of a directory that is not ready yet: only its owner may enter it, and the sticky bit, which
# has no effect here, tells it from directories that others make.
HALF_MADE = 0o1700

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
# Errors of rmdir(2) and rename(2) when something is in the way.
NOT_EMPTY = {errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR}
REMOVED_IN_USE = ".nfs"  # prefix of what an NFS client keeps of a removed file that is open
LONGEST_FILE = 1 << 18  # bytes; a record has a few KiB
_PART = 1 << 14


@contextmanager
def opened(parent: int, names: Sequence[str]) -> Iterator[int]:
    """Opens the directory `names` beneath `parent`; closes the handle at the end.

    Args:
        parent: handle of a directory.
        names: components of the path; none for `parent` itself.

    Raises:
        FileNotFoundError: a component is missing.
        Unsafe: a component is a symlink or not a directory.
    """
    handle = open_path(parent, names)
    try:
        yield handle
    finally:
        os.close(handle)


def open_path(parent: int, names: Sequence[str]) -> int:
    """As `opened`, but the caller closes the handle."""
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


def not_a_directory(name: str) -> str:
    """The sentence for what cannot be used as a directory."""
    return (
        f"{name!r} is a symlink or a file, and no directory: it is left alone; move it away, or "
        "name another directory"
    )


def open_directory(parent: int, name: str) -> int:
    """Opens one directory in `parent`; the caller closes the handle. Raises as `opened` does."""
    try:
        return os.open(entry_name(name), _DIRECTORY, dir_fd=parent)
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.ENOTDIR}:
            raise Unsafe(not_a_directory(name)) from error
        raise


def entry_name(name: str) -> str:
    """Returns a single component; raises Unsafe for a path, "", "." and ".."."""
    if "/" in name or name in {"", ".", ".."}:
        raise Unsafe(f"{name!r} is not the name of a directory entry: it is left alone")
    return name


def shown(name: str) -> str:
    """A name for a message: half characters, for bytes that are not UTF-8, cannot be encoded."""
    return name if name.isprintable() else repr(name)


@contextmanager
def above(root: int, path: str) -> Iterator[tuple[int, str]]:
    """Opens the parent of `path`; yields its handle and the last component. Raises as `opened`."""
    *folders, name = path.split("/")
    with opened(root, folders) as parent:
        yield parent, name


def steps(parent: int, names: Sequence[str]) -> Iterator[int]:
    """Yields a handle of each directory along `names` beneath `parent`; raises as `opened` does.

    A handle is closed when the next one is requested.
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
    """The names of all files beneath a directory, at any depth; follows no symlinks."""
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
    """The names of a directory's entries: of files, and of directories."""
    with os.scandir(handle) as entries:
        are_folders = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    files = [name for name, is_folder in are_folders if not is_folder]
    return files, [name for name, is_folder in are_folders if is_folder]


def folders(handle: int) -> list[str]:
    """The names of the folders in a folder, unsorted; files and symlinks are skipped."""
    with os.scandir(handle) as entries:
        return [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]


def reaches(root: int, path: str) -> bool:
    """Whether `path` exists. Only ENOENT means no; ESTALE, EIO and others are raised."""
    try:
        with above(root, path) as (parent, name):
            return exists(parent, name)
    except FileNotFoundError:
        return False


def exists(parent: int, name: str) -> bool:
    """Whether `parent` has an entry of this name, of any type."""
    try:
        os.stat(entry_name(name), dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def is_directory(parent: int, name: str) -> bool:
    """Whether an entry is a directory; raises FileNotFoundError if it does not exist."""
    return stat.S_ISDIR(os.stat(entry_name(name), dir_fd=parent, follow_symlinks=False).st_mode)


def is_empty(handle: int) -> bool:
    """Whether a directory has no entries."""
    with os.scandir(handle) as entries:
        return next(entries, None) is None


def is_half_made(handle: int) -> bool:
    """Whether a directory is empty and has mode `HALF_MADE`, as ours at first (`create.py`)."""
    return is_unready(os.fstat(handle).st_mode) and is_empty(handle)


def is_unready(mode: int) -> bool:
    """Whether a mode is `HALF_MADE`, with or without an inherited setgid bit."""
    return stat.S_IMODE(mode) & ~stat.S_ISGID == HALF_MADE


def read_file(parent: int, name: str, what: str) -> bytes:
    """Reads one of Holdfast's files.

    Args:
        parent: handle of its directory.
        name: its name there.
        what: its path, for the error.

    Raises:
        FileNotFoundError: it does not exist.
        Unsafe: it is not a regular file, or longer than `LONGEST_FILE`.
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
            f"{what} has more than {LONGEST_FILE} bytes, too many for a file of Holdfast: restore "
            "it from a backup"
        )
    return data


def _read_all(handle: int) -> bytes:
    """A file's content; of a longer one, just over `LONGEST_FILE` bytes."""
    data = b""
    while len(data) <= LONGEST_FILE and (part := os.read(handle, _PART)):
        data += part
    return data


def _open_file(parent: int, name: str, what: str) -> int:
    # O_NONBLOCK: opening a FIFO for reading would wait for a writer.
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return os.open(entry_name(name), flags, dir_fd=parent)
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.ENXIO}:  # a symlink, or a socket
            raise _irregular(what) from error
        raise


def _irregular(what: str) -> Unsafe:
    return Unsafe(f"{what} is not a regular file: restore it from a backup")


def write_new(parent: int, name: str, data: bytes) -> None:
    """Writes and syncs a new file; raises FileExistsError if the name exists.

    An empty file needs no sync. The name is durable once `parent` is synced.
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
