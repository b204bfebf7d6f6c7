"""A file system that reuses inode numbers, and has no birth times: ext4 over an older NFS client.

Emulated, so that a run does not depend on the machine's file systems.
"""

from __future__ import annotations

import heapq
import os
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from holdfast.exports import inode


class _Numbers:
    """The numbers of directories: each new one gets the lowest that is free."""

    def __init__(self) -> None:
        self._of: dict[int, int] = {}  # by true number
        self._free: list[int] = []

    def of(self, true: int) -> int:
        if true not in self._of:
            self._of[true] = heapq.heappop(self._free) if self._free else len(self._of) + 1
        return self._of[true]

    def free(self, true: int) -> None:
        if true in self._of:
            heapq.heappush(self._free, self._of.pop(true))


@contextmanager
def reused_inodes() -> Iterator[None]:
    """Within, directories have such numbers."""
    numbers, rmdir = _Numbers(), os.rmdir

    def removed(name: str, **kwargs: Any) -> None:
        true = os.stat(name, follow_symlinks=False, **kwargs).st_ino  # noqa: PTH116 - of a handle
        rmdir(name, **kwargs)
        numbers.free(true)

    def numbered(handle: int) -> SimpleNamespace:
        return SimpleNamespace(st_ino=numbers.of(os.fstat(handle).st_ino))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "rmdir", removed)
        patch.setattr(inode, "_birth", lambda _: 0)
        patch.setattr(inode, "os", SimpleNamespace(fstat=numbered))
        yield
