"""Records what is changed on a file system, and what of it a power cut could still take back."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

Inode = tuple[int, int]


@dataclass
class Recorder:
    """What is not on the disk yet, each with the call that changed it; and what broke a rule."""

    folders: dict[Inode, str] = field(default_factory=dict)
    files: dict[Inode, int] = field(default_factory=dict)  # bytes that are on the disk
    broken: list[str] = field(default_factory=list)
    changes: int = 0

    def changed(self, handle: int, call: str) -> None:
        self.changes += 1
        if not _folder(handle).startswith("trash/"):
            self.folders[_inode(handle)] = call

    def opened(self, handle: int, name: str, flags: int, place: dict[str, int]) -> None:
        if flags & os.O_CREAT:
            self.files[_inode(handle)] = 0
            self.changed(place["dir_fd"], f"open {name}")

    def renamed(self, name: str, target: str, place: dict[str, int]) -> None:
        status = os.stat(target, dir_fd=place["dst_dir_fd"], follow_symlinks=False)
        inode = (status.st_dev, status.st_ino)
        if stat.S_ISREG(status.st_mode) and status.st_size > self.files.get(inode, status.st_size):
            self.broken.append(f"{name} is not on the disk when it becomes {target}")
        if _folder(place["src_dir_fd"]) == "trashed" and f"rmdir {name}" in self.folders.values():
            self.broken.append(f"the record of {name} goes while its data may come back")
        self.changed(place["src_dir_fd"], f"rename {name} away")
        self.changed(place["dst_dir_fd"], f"rename {name} to {target}")

    def synced(self, handle: int) -> None:
        inode = _inode(handle)
        self.folders.pop(inode, None)
        if inode in self.files:
            self.files[inode] = os.fstat(handle).st_size


@contextmanager
def recorded(state: Recorder) -> Iterator[None]:
    """Records every change that is made by way of `os` within; each has its effect."""

    def around(name: str, note: Callable[..., None]) -> None:
        call = getattr(os, name)

        def wrapped(*args: Any, **kwargs: Any) -> Any:
            result = call(*args, **kwargs)
            note(result, *args, **kwargs)
            return result

        patch.setattr(os, name, wrapped)

    with pytest.MonkeyPatch.context() as patch:
        around("open", lambda handle, name, flags, *_, **at: state.opened(handle, name, flags, at))
        for name in ("mkdir", "unlink", "rmdir"):
            around(
                name, lambda _, what, *__, c=name, **at: state.changed(at["dir_fd"], f"{c} {what}")
            )
        around("symlink", lambda _, __, what, **at: state.changed(at["dir_fd"], f"link {what}"))
        for name in ("rename", "replace", "link"):
            around(name, lambda _, what, to, **at: state.renamed(what, to, at))
        for name in ("fchmod", "fchown"):
            around(name, lambda _, handle, *__, c=name: state.changed(handle, c))
        around("fsync", lambda _, handle: state.synced(handle))
        yield


def _inode(handle: int) -> Inode:
    status = os.fstat(handle)
    return status.st_dev, status.st_ino


def _folder(handle: int) -> str:
    """A folder's path beneath `.holdfast`; what lies in one volume's trash need not be durable.

    After a power cut it is removed again, as long as the volume's record says so.
    """
    return str(Path(f"/proc/self/fd/{handle}").readlink()).partition("/.holdfast/")[2]
