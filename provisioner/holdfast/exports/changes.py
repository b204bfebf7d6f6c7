"""Every change that one operation makes on the file system: fenced, and durable at its end.

The rest of the package changes nothing by itself. Before each single change the operation asks
whether it may still be made; each folder in which a name changed is synced before the operation
returns. On NFS that sync costs nothing: a server has each change on its disk before it answers.

The answer can be out of date by the time the change reaches the server. So whatever could harm a
later term goes through the folder of this one (`terms.py`), which is gone by then: what is written
comes from there, what is removed goes there first.
"""

from __future__ import annotations

import itertools
import os
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Self

from holdfast.exports import tree
from holdfast.exports.tree import entry_name

DRAFT = ".draft-"

_PROCESS = uuid.uuid4().hex[:8]
_drafts = itertools.count()


class Changes:
    """The changes of one operation."""

    def __init__(
        self, may_change: Callable[[], object], term: int = -1, *, durable: bool = True
    ) -> None:
        """What is not `durable` may come back after a power cut.

        Args:
            may_change: raises once no change may be made any more.
            term: handle of the term's folder.
            durable: whether folders that were changed are synced.
        """
        self._may_change = may_change
        self._term = term
        self._durable = durable
        self._dirty: dict[tuple[int, int], int] = {}
        self._is_term_dirty = False  # the folder that changes most is not looked up each time

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for handle in self._dirty.values():
            os.close(handle)

    def non_durable(self) -> Changes:
        """Changes under the same conditions that need not be durable."""
        return Changes(self._may_change, self._term, durable=False)

    def sync(self) -> None:
        """Makes durable what was changed.

        Names reach the disk in the order in which they were changed: ext4 and XFS keep it in
        their logs, an NFS server has each of them on disk before it answers.
        """
        if self._is_term_dirty:
            os.fsync(self._term)
        for handle in self._dirty.values():
            os.fsync(handle)

    def mkdir(self, parent: int, name: str, mode: int) -> None:
        """Makes a directory; raises FileExistsError where there is anything of that name."""
        self._may_change()
        os.mkdir(entry_name(name), mode, dir_fd=parent)
        self._changed(parent)

    def symlink(self, target: str, parent: int, name: str) -> None:
        """Makes a symlink, in place of one of that name."""
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
        """Renames; an empty directory in the way is replaced, anything else refused."""
        self._may_change()
        os.rename(entry_name(name), entry_name(target), src_dir_fd=parent, dst_dir_fd=target_parent)
        self._changed(parent)
        self._changed(target_parent)

    def unlink(self, parent: int, name: str) -> None:
        """Removes a file; none of that name is as well."""
        self._may_change()
        with suppress(FileNotFoundError):
            os.unlink(entry_name(name), dir_fd=parent)
        self._changed(parent)

    def rmdir(self, parent: int, name: str) -> None:
        """Removes an empty directory; raises OSError (ENOTEMPTY, EEXIST) for any other."""
        self._may_change()
        os.rmdir(entry_name(name), dir_fd=parent)
        self._changed(parent)

    def set_owner(self, handle: int, uid: int | None, gid: int | None, mode: int) -> None:
        """Gives a directory its owner, then its mode: chown(2) clears setuid and setgid."""
        if uid is not None or gid is not None:
            self._may_change()
            os.fchown(handle, -1 if uid is None else uid, -1 if gid is None else gid)
        self._may_change()
        os.fchmod(handle, mode)
        self._changed(handle)

    def touch(self, parent: int, name: str) -> None:
        """Makes an empty file, in place of one of that name, by way of the term's folder."""
        self.write(parent, name, b"")

    def write(self, parent: int, name: str, data: bytes) -> None:
        """Writes a file whole or not at all, in place of one of that name.

        It is drafted in the term's folder: once a later term has removed that, the rename fails
        on the server, also for a call that is already on its way.
        """
        self._may_change()
        draft = _draft()
        try:
            tree.write_new(self._term, draft, data)
            self.rename(self._term, draft, parent, name)
        except OSError:  # an export that is full needs the room; the next term removes any other
            with suppress(OSError):
                os.unlink(draft, dir_fd=self._term)
            raise

    def remove(self, parent: int, name: str) -> None:
        """As `unlink`, by way of the term's folder."""
        draft = _draft()
        try:
            self.rename(parent, name, self._term, draft)
        except FileNotFoundError:  # there is no such file, or no such term any more
            self._may_change()
            return
        self.unlink(self._term, draft)

    def make_folder(self, parent: int, name: str) -> None:
        """Makes a folder of our own by way of the term's; anything else of that name stays."""
        draft = _draft()
        self.mkdir(self._term, draft, 0o700)
        try:
            self.rename(self._term, draft, parent, name)
        except OSError as error:
            with suppress(OSError):
                os.rmdir(draft, dir_fd=self._term)
            if error.errno not in tree.NOT_EMPTY:
                raise

    def remove_folder(self, parent: int, name: str) -> None:
        """As `rmdir`, by way of the term's folder."""
        draft = _draft()
        self.rename(parent, name, self._term, draft)
        try:
            self.rmdir(self._term, draft)
        except OSError:
            self.rename(self._term, draft, parent, name)
            raise

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
    """A name that nobody else uses in the term's folder."""
    return f"{DRAFT}{_PROCESS}-{next(_drafts)}"
