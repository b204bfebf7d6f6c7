"""Walking and changing directories from a handle of the root, following no symlink.

A path is never handed to the kernel whole: O_NOFOLLOW guards only the last component, and a
tenant can plant a symlink in any directory that is theirs. openat2(2) could do it in one call,
but Python has no binding for it, and a component at a time works on every file system.
"""

from __future__ import annotations

import errno
import os
import stat
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

from holdfast.exports.errors import Unsafe

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_PARENT_MODE = 0o755
_DRAFT = ".new"
_OURS = uuid.uuid4().hex[:8]  # another replica may be writing the same file
_OLD_SECONDS = 3600.0


@contextmanager
def opened(parent: int, names: Sequence[str], *, make: bool = False) -> Iterator[int]:
    """A handle of the directory `names` beneath `parent`, closed at the end.

    Args:
        parent: handle of a directory.
        names: components of the path; none for `parent` itself.
        make: make what is missing, with mode 0755.

    Raises:
        FileNotFoundError: a component is missing and is not to be made.
        Unsafe: a component is a symlink or no directory.
    """
    handle = os.dup(parent)
    try:
        for name in names:
            if make:
                with suppress(FileExistsError):
                    os.mkdir(name, _PARENT_MODE, dir_fd=handle)
            handle, above = open_directory(handle, name), handle
            os.close(above)
        yield handle
    finally:
        os.close(handle)


def open_directory(parent: int, name: str) -> int:
    """A handle of one directory in `parent`, which the caller closes; raises as `opened` does."""
    try:
        return os.open(name, _DIRECTORY, dir_fd=parent)
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.ENOTDIR}:
            raise Unsafe(f"{name!r} is not a directory, or a symlink: it is left alone") from error
        raise


def steps(parent: int, names: Sequence[str]) -> Iterator[int]:
    """Handles of the directories on the way `names` beneath `parent`; raises as `opened` does.

    Each is closed when the next is asked for.
    """
    handle = os.dup(parent)
    try:
        for name in names:
            handle, passed = open_directory(handle, name), handle
            os.close(passed)
            yield handle
    finally:
        os.close(handle)


def prune(parent: int, names: Sequence[str]) -> None:
    """Removes the directories on the way `names` that are empty, from the innermost outwards."""
    try:
        for depth in range(len(names), 0, -1):
            with suppress(FileNotFoundError), opened(parent, names[: depth - 1]) as handle:
                os.rmdir(names[depth - 1], dir_fd=handle)
    except OSError as error:
        if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
            raise


def files_beneath(parent: int) -> list[str]:
    """The names of all files beneath a directory, however deep; symlinks are not followed."""
    files, places = list[str](), [tuple[str, ...]()]
    while places:
        place = places.pop()
        with opened(parent, place) as handle, os.scandir(handle) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    places.append((*place, entry.name))
                else:
                    files.append(entry.name)
    return files


@contextmanager
def above(root: int, path: str, *, make: bool = False) -> Iterator[tuple[int, str]]:
    """A handle of the directory that `path` is in, and its name there; raises as `opened` does."""
    *folders, name = path.split("/")
    with opened(root, folders, make=make) as parent:
        yield parent, name


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
        os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def is_directory(parent: int, name: str) -> bool:
    """Whether `parent` has a directory of that name; raises FileNotFoundError without an entry."""
    return stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode)


def make_directory(
    parent: int,
    name: str,
    mode: int,
    uid: int | None = None,
    gid: int | None = None,
    *,
    sync: Callable[[int], object] | None = None,
) -> None:
    """Makes a directory, or finds it there, and gives it mode and owner.

    It is durable on return, or when `sync` sees to it: that gets its handle and its parent's.

    The mode is set by itself because the umask bites what mkdir(2) is given, and after the
    owner because chown(2) clears setuid and setgid.
    """
    sync = sync or os.fsync
    with suppress(FileExistsError):
        os.mkdir(name, 0o700, dir_fd=parent)
    handle = open_directory(parent, name)
    try:
        if uid is not None or gid is not None:
            os.fchown(handle, -1 if uid is None else uid, -1 if gid is None else gid)
        os.fchmod(handle, mode)
        sync(handle)
    finally:
        os.close(handle)
    sync(parent)


def write_file(parent: int, name: str, data: bytes) -> None:
    """Writes a file whole or not at all, in place of one of that name; durable on return."""
    replace_file(parent, name, data)
    os.fsync(parent)


def replace_file(parent: int, name: str, data: bytes) -> None:
    """As `write_file`, but until `parent` is synced a crash can bring the former file back."""
    draft = draft_of(f"{name[:190]}.{_OURS}")
    try:
        _write(parent, draft, data)
        os.replace(draft, name, src_dir_fd=parent, dst_dir_fd=parent)
    except OSError:
        with suppress(OSError):
            os.unlink(draft, dir_fd=parent)
        raise


def _write(parent: int, name: str, data: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    handle = os.open(name, flags, 0o600, dir_fd=parent)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(handle)


def read_file(parent: int, name: str) -> bytes:
    """What a file holds; raises FileNotFoundError."""
    handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
    with os.fdopen(handle, "rb") as file:
        return file.read()


def names_in(parent: int) -> list[str]:
    """The entries of a directory, without drafts."""
    return [name for name in os.listdir(parent) if not _is_draft(name)]


def remove_old_drafts(parent: int) -> None:
    """Removes what crashes left; younger drafts may be another replica's work in hand."""
    for name in filter(_is_draft, os.listdir(parent)):
        with suppress(FileNotFoundError):
            if os.stat(name, dir_fd=parent).st_mtime < time.time() - _OLD_SECONDS:
                os.unlink(name, dir_fd=parent)


def draft_of(name: str) -> str:
    """What a file is called before it is whole."""
    return f".{name[:200]}{_DRAFT}"


def _is_draft(name: str) -> bool:
    return name.startswith(".") and name.endswith(_DRAFT)
