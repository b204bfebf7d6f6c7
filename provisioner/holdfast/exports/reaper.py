"""Emptying the trash, within bounds.

shutil.rmtree was rejected: it crosses into file systems mounted beneath, recurses as deep as
the tree goes, cannot be stopped, and gives up a whole tree for one busy file. What cannot be
removed now (EBUSY: a file that is open on this client) is left for the next round.
"""

from __future__ import annotations

import errno
import itertools
import os
from collections.abc import Callable

from holdfast.exports import tree
from holdfast.exports.ledger import TRASH, Ledger

_DEEPEST = 50  # a handle is held for each level; what lies deeper is moved up first
_LEFT_FOR_LATER = {errno.EBUSY, errno.ENOTEMPTY, errno.EEXIST, errno.EACCES, errno.EPERM}


def reaped(
    kept: Ledger, volume: str, finished: Callable[[str], bool], go_on: Callable[[], bool]
) -> bool:
    """Removes the trash of a volume that is `finished`, and its record; whether that is done.

    What has no record there yet is a deletion that was cut short: the volume's reclaim ends it.
    """
    if not (go_on() and finished(volume)):
        return False
    with tree.opened(kept.handle, [TRASH], make=True) as trash:
        done = _is_removed(trash, volume, go_on)
    if done:
        kept.forget_trashed(volume)
    return done


def _is_removed(trash: int, volume: str, go_on: Callable[[], bool]) -> bool:
    try:
        with tree.opened(trash, [volume]) as folder:
            _Removal(folder, go_on).run()
        os.rmdir(volume, dir_fd=trash)
    except FileNotFoundError:
        return True
    except OSError as error:
        if error.errno not in _LEFT_FOR_LATER:
            raise
        return False
    return True


class _Removal:
    """The removal of what a folder holds: on one file system, bounded in depth, stoppable."""

    def __init__(self, folder: int, go_on: Callable[[], bool]) -> None:
        self._folder = folder
        self._go_on = go_on
        self._device = os.fstat(folder).st_dev
        self._names = os.listdir(folder)
        self._parts = (f"part-{number}" for number in itertools.count())

    def run(self) -> None:
        """Removes as much as can be."""
        for name in self._names:  # `_move_up` adds to it
            self._remove(self._folder, name, 1)

    def _remove(self, parent: int, name: str, depth: int) -> None:
        if not self._go_on():
            return
        try:
            if tree.is_directory(parent, name):
                self._remove_directory(parent, name, depth)
            else:
                os.unlink(name, dir_fd=parent)
        except FileNotFoundError:
            pass
        except OSError as error:
            if error.errno not in _LEFT_FOR_LATER:
                raise

    def _remove_directory(self, parent: int, name: str, depth: int) -> None:
        if depth > _DEEPEST:
            self._move_up(parent, name)
            return
        with tree.opened(parent, [name]) as handle:
            if os.fstat(handle).st_dev != self._device:
                return  # mounted here by the administrator: not ours to empty
            for entry in os.listdir(handle):
                self._remove(handle, entry, depth + 1)
        os.rmdir(name, dir_fd=parent)

    def _move_up(self, parent: int, name: str) -> None:
        free = next(part for part in self._parts if not tree.exists(self._folder, part))
        os.rename(name, free, src_dir_fd=parent, dst_dir_fd=self._folder)
        self._names.append(free)
