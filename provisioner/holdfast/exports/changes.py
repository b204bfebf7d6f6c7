"""Every change that one operation makes on the file system: fenced, and durable at its end.

The rest of the package changes nothing by itself. Before each single change the operation asks
whether it may still be made; each folder in which a name changed is synced before the operation
returns. On NFS that sync costs nothing: a server has each change on its disk before it answers.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from contextlib import suppress
from typing import Self

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_drafts = itertools.count()


class Changes:
    """The changes of one operation."""

    def __init__(self, may_change: Callable[[], object], *, durable: bool = True) -> None:
        """`may_change` raises once no change may be made any more.

        What is not `durable` may come back after a power cut: the reaper removes it again.
        """
        self._may_change = may_change
        self._durable = durable
        self._dirty: dict[tuple[int, int], int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for handle in self._dirty.values():
            os.close(handle)

    def unlasting(self) -> Changes:
        """Changes under the same conditions that need not be durable."""
        return Changes(self._may_change, durable=False)

    def sync(self) -> None:
        """Makes durable what was changed.

        Names reach the disk in the order in which they were changed: ext4 and XFS keep it in
        their logs, an NFS server has each of them on disk before it answers.
        """
        for handle in self._dirty.values():
            os.fsync(handle)

    def mkdir(self, parent: int, name: str, mode: int) -> None:
        """Makes a directory; raises FileExistsError where there is anything of that name."""
        self._may_change()
        os.mkdir(name, mode, dir_fd=parent)
        self._changed(parent)

    def symlink(self, target: str, parent: int, name: str) -> None:
        """Makes a symlink, in place of one of that name."""
        self.unlink(parent, name)
        self._may_change()
        os.symlink(target, name, dir_fd=parent)
        self._changed(parent)

    def rename(self, parent: int, name: str, target_parent: int, target: str) -> None:
        """Renames; an empty directory in the way is replaced, anything else refused."""
        self._may_change()
        os.rename(name, target, src_dir_fd=parent, dst_dir_fd=target_parent)
        self._changed(parent)
        self._changed(target_parent)

    def touch(self, drafts: int, parent: int, name: str) -> None:
        """Makes an empty file, in place of one of that name; `drafts` as for `write`."""
        self._may_change()
        draft = _draft()
        os.close(os.open(draft, _NEW, 0o600, dir_fd=drafts))
        self.rename(drafts, draft, parent, name)

    def unlink(self, parent: int, name: str) -> None:
        """Removes a file; none of that name is as well."""
        self._may_change()
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=parent)
        self._changed(parent)

    def rmdir(self, parent: int, name: str) -> None:
        """Removes an empty directory; raises OSError (ENOTEMPTY, EEXIST) for any other."""
        self._may_change()
        os.rmdir(name, dir_fd=parent)
        self._changed(parent)

    def set_owner(self, handle: int, uid: int | None, gid: int | None, mode: int) -> None:
        """Gives a directory its owner, then its mode: chown(2) clears setuid and setgid."""
        if uid is not None or gid is not None:
            self._may_change()
            os.fchown(handle, -1 if uid is None else uid, -1 if gid is None else gid)
        self._may_change()
        os.fchmod(handle, mode)
        self._changed(handle)

    def write(self, drafts: int, parent: int, name: str, data: bytes) -> None:
        """Writes a file whole or not at all, in place of one of that name.

        The draft lies in `drafts`, a folder of the term: once a later term has removed that, the
        rename fails on the server, also for a call that is already on its way.
        """
        self._may_change()
        draft = _draft()
        handle = os.open(draft, _NEW, 0o600, dir_fd=drafts)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(handle)
            self.rename(drafts, draft, parent, name)
        except BaseException:
            with suppress(OSError):
                os.unlink(draft, dir_fd=drafts)
            raise

    def _changed(self, folder: int) -> None:
        if not self._durable:
            return
        status = os.fstat(folder)
        key = (status.st_dev, status.st_ino)
        if key not in self._dirty:
            self._dirty[key] = os.dup(folder)


def _draft() -> str:
    """A name for a file that is not whole yet; a term's folder is one process's alone."""
    return f".draft-{next(_drafts)}"
