"""All changes that one operation makes to the file system: fenced, and durable when it returns.

No other module of the package changes the file system during an operation. Each single change is
preceded by a check that the term has not ended, and each folder with a changed name is synced
before the operation returns. On NFS that sync is free: a server answers when a change is on disk.

The term can end between the check and the change. So each change that could harm a later term is
a rename through this term's folder (`fencing.py`), which is removed when the term ends: a file is
drafted there before it is put in place, and moved there before it is removed.
"""

from __future__ import annotations

import errno
import itertools
import os
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Self

from holdfast.exports import removed_folders, tree
from holdfast.exports.removed_folders import DRAFT
from holdfast.exports.tree import entry_name

_PROCESS = uuid.uuid4().hex[:8]
_drafts = itertools.count()


class Changes:
    """The changes of one operation."""

    def __init__(
        self, may_change: Callable[[], object], term: int = -1, *, durable: bool = True
    ) -> None:
        """Without `durable`, a power cut may undo the changes.

        Args:
            may_change: called before each change; raises if no change is allowed any more.
            term: handle of the term's folder.
            durable: whether `sync` syncs the changed folders.
        """
        self._may_change = may_change
        self._term = term
        self._durable = durable
        self._dirty: dict[tuple[int, int], int] = {}
        self._is_term_dirty = False  # the most frequent folder, without a fstat(2) each time

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for handle in self._dirty.values():
            os.close(handle)

    def non_durable(self) -> Changes:
        """Changes with the same fence that need not be durable."""
        return Changes(self._may_change, self._term, durable=False)

    def sync(self) -> None:
        """Makes all changes durable.

        They reach the disk in order: ext4 and XFS keep it in their logs, and an NFS server answers
        when a change is on disk.
        """
        if self._is_term_dirty:
            os.fsync(self._term)
        for handle in self._dirty.values():
            os.fsync(handle)

    def check(self) -> None:
        """Raises if no change is allowed any more, as before each change."""
        self._may_change()

    def mkdir(self, parent: int, name: str, mode: int) -> None:
        """Makes a directory; raises FileExistsError if the name exists."""
        self._may_change()
        os.mkdir(entry_name(name), mode, dir_fd=parent)
        self._changed(parent)

    def symlink(self, target: str, parent: int, name: str) -> None:
        """Makes a symlink, or replaces one."""
        try:
            self._symlink(target, parent, name)
        except FileExistsError:
            self.unlink(parent, name)
            self._symlink(target, parent, name)

    def _symlink(self, target: str, parent: int, name: str) -> None:
        self._may_change()
        os.symlink(target, entry_name(name), dir_fd=parent)
        self._changed(parent)

    def rename(self, parent: int, name: str, target_parent: int, target: str) -> None:
        """Renames a directory or file.

        Raises:
            OSError: (ENOTEMPTY, EEXIST, ENOTDIR) the target is in the way of a directory. An
                empty directory is replaced.
        """
        self._may_change()
        os.rename(entry_name(name), entry_name(target), src_dir_fd=parent, dst_dir_fd=target_parent)
        self._changed(parent)
        self._changed(target_parent)

    def unlink(self, parent: int, name: str) -> None:
        """Removes a file, if it exists."""
        self._may_change()
        with suppress(FileNotFoundError):
            os.unlink(entry_name(name), dir_fd=parent)
        self._changed(parent)

    def rmdir(self, parent: int, name: str) -> None:
        """Removes an empty directory; raises OSError (ENOTEMPTY, EEXIST) if it is not empty."""
        self._may_change()
        os.rmdir(entry_name(name), dir_fd=parent)
        self._changed(parent)

    def set_owner(self, handle: int, uid: int | None, gid: int | None, mode: int) -> None:
        """Sets a directory's owner, then its mode, as chown(2) clears setuid and setgid."""
        if uid is not None or gid is not None:
            self._may_change()
            os.fchown(handle, -1 if uid is None else uid, -1 if gid is None else gid)
        self._may_change()
        os.fchmod(handle, mode)
        self._changed(handle)

    def touch(self, parent: int, name: str) -> None:
        """Makes an empty file, or replaces one, through the term's folder."""
        self.write(parent, name, b"")

    def write(self, parent: int, name: str, data: bytes) -> None:
        """Writes a file atomically, or replaces one.

        It is drafted in the term's folder: once a later term has removed that folder, the rename
        fails on the server, even if the call was already on its way.
        """
        self._may_change()
        draft = _draft()
        try:
            tree.write_new(self._term, draft, data)
            self.rename(self._term, draft, parent, name)
        except BaseException:
            self._drop(draft)
            raise

    def _drop(self, draft: str) -> None:
        """Removes a draft if possible, also when the call's time is up.

        The term that would remove it with its folder may last for months, and a full export needs
        the space.
        """
        with suppress(OSError):
            os.unlink(draft, dir_fd=self._term)

    def remove(self, parent: int, name: str) -> None:
        """As `unlink`, through the term's folder."""
        draft = _draft()
        try:
            self.rename(parent, name, self._term, draft)
        except FileNotFoundError:  # no such file, or the term has ended
            self._may_change()
            return
        try:
            self.unlink(self._term, draft)
        except BaseException:
            self._drop(draft)
            raise

    def make_folder(self, parent: int, name: str) -> None:
        """Makes a folder in `.holdfast` through the term's folder; keeps a non-empty one."""
        draft = _draft()
        try:
            self.mkdir(self._term, draft, 0o700)
            self.rename(self._term, draft, parent, name)
        except BaseException as error:
            with suppress(OSError):
                os.rmdir(draft, dir_fd=self._term)
            if not (isinstance(error, OSError) and error.errno in tree.NOT_EMPTY):
                raise

    def remove_folder(
        self, parent: int, path: str, is_unused: Callable[[int], bool] = tree.is_empty
    ) -> None:
        """As `rmdir`, through the term's folder; see `removed_folders.py`.

        Args:
            parent: handle of the folder above.
            path: the folder's path beneath the root.
            is_unused: whether the folder, by its handle, may still be removed, once nobody finds
                it at its path.
        """
        name, draft = path.rpartition("/")[2], removed_folders.name_of(path, _unique())
        if not draft:
            self.rmdir(parent, name)
            return
        self.rename(parent, name, self._term, draft)
        try:
            self._rmdir_if(is_unused, draft)
        except FileNotFoundError:  # the sweep, or the next term, was first
            self._may_change()
        except BaseException:
            self.rename_back(draft, parent, name)
            raise

    def _rmdir_if(self, is_unused: Callable[[int], bool], draft: str) -> None:
        with tree.opened(self._term, [draft]) as handle:
            if not is_unused(handle):
                raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY), draft)
        self.rmdir(self._term, draft)

    def rename_back(self, entry: str, parent: int, name: str) -> None:
        """Renames an entry of the term's folder back to where it was, if possible.

        Without a check that changes are allowed: what was moved by mistake goes back also when the
        call's time is up. It harms no later term, which takes the entry out of this folder.
        """
        with suppress(OSError):
            os.rename(entry, name, src_dir_fd=self._term, dst_dir_fd=parent)
            self._changed(self._term)
            self._changed(parent)

    def _changed(self, folder: int) -> None:
        if not self._durable:
            return
        if folder == self._term:
            self._is_term_dirty = True
            return
        status = os.fstat(folder)
        key = (status.st_dev, status.st_ino)
        if key not in self._dirty:
            self._dirty[key] = os.dup(folder)


def _draft() -> str:
    """A unique name in the term's folder."""
    return DRAFT + _unique()


def _unique() -> str:
    return f"{_PROCESS}-{next(_drafts)}"
