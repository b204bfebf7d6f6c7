"""Empties the trash, bounded in entries, time, depth and memory.

Entries are removed as they are read, so that memory does not grow with a directory. An entry that
cannot be removed is skipped and its error noted. Each turn continues where the last one ended, or
entries behind many that cannot be removed would never be reached.

shutil.rmtree was rejected: it crosses into file systems mounted beneath, recurses without a limit,
cannot be stopped, and gives up the whole tree for one busy file.
"""

from __future__ import annotations

import os
import time
import uuid
from contextlib import suppress

from holdfast.claims.constants import RETAIN
from holdfast.exports import misfiled_records, record_origin, recover_directory, tree, undo
from holdfast.exports.blocked_entries import Blocked
from holdfast.exports.changes import Changes
from holdfast.exports.errors import TimedOut, Unsafe
from holdfast.exports.inode import inode_of
from holdfast.exports.interface import Reaped
from holdfast.exports.ledger import TRASH, TRASHED, Ledger, trash_of
from holdfast.exports.operation import Operation
from holdfast.exports.record import Record, State

_DEEPEST = 50  # levels, one open handle each; deeper directories are moved up first
_TRIES = 50  # for each entry of the limit: entries that fail must not use up the turn's time
_NOT_OURS = (
    "not this volume's directory; if it was restored from a backup, run `holdfast exports accept`"
)


class Reaper:
    """Empties the trash of one export, one volume's turn at a time."""

    def __init__(self) -> None:
        self._left: dict[str, int] = {}  # by volume: entries that its next turn skips

    def reap(self, op: Operation, volume: str, entries: int, seconds: float) -> Reaped:
        """Removes entries of a deleted volume's trash, and its record with the last.

        A directory that was retained in the trash is moved back instead. The policy alone may be
        from before the deletion. Nothing is removed that is another cluster's or not in the trash.

        Args:
            op: the operation.
            volume: the name of the deleted PersistentVolume.
            entries: how many are removed at most.
            seconds: no removal begins after this time, which ends well before the deadline.

        Raises:
            Unsafe: the record cannot be parsed; or as `recover.recover`.
            TimedOut: another call holds the lock of the trash or of the directory.
        """
        with op.locked(trash_of(volume)):  # it may be recovered
            record = op.ledger.find(volume)
            if record and (refusal := record_origin.refusal(op, record)):
                return Reaped(done=False, blocked=(refusal,))
            record = misfiled_records.find(op, volume)
            if record is None or record.state in {State.ARCHIVED, State.RETAINED}:
                return Reaped(done=True)
            if record.state is not State.TRASHED:
                return Reaped(done=False)
            if record.retained_in_trash:
                recover_directory.recover_locked(op, record, RETAIN)
                return Reaped(done=True)
            removals = op.changes.non_durable()
            reaped = self._take_turn(op.ledger, record, removals, entries, seconds)
            if reaped.done:
                undo.remove_late(op, record.directory)
            return reaped

    def _take_turn(
        self, ledger: Ledger, record: Record, removals: Changes, entries: int, seconds: float
    ) -> Reaped:
        skip = self._left.pop(record.volume, 0)
        removal = _Removal(removals, entries, seconds, skip)
        try:
            return _reap(ledger, record, removals, removal)
        except TimedOut:  # one call took the rest of the time
            return removal.reaped(_age(ledger, record))
        finally:
            if removal.is_used_up and removal.left:
                self._left[record.volume] = removal.left


def _reap(ledger: Ledger, record: Record, removals: Changes, removal: _Removal) -> Reaped:
    trash = ledger.folder(TRASH)
    try:
        with tree.opened(trash, [record.volume]) as folder:
            if not record.inode.may_be(inode_of(folder)):
                return Reaped(done=False, age=_age(ledger, record), blocked=(_NOT_OURS,))
            removal.empty(folder)
        if removal.is_used_up:
            return removal.reaped(_age(ledger, record))
        removals.rmdir(trash, record.volume)
        removal.removed += 1
    except FileNotFoundError:
        pass
    except Unsafe:
        return Reaped(done=False, age=_age(ledger, record), blocked=(_NOT_OURS,))
    except OSError as error:
        removal.note(error)
        return removal.reaped(_age(ledger, record))
    os.fsync(trash)  # a power cut must not restore data without a record
    ledger.forget_trashed(record.volume)
    return Reaped(True, removal.removed)


def _age(ledger: Ledger, record: Record) -> float:
    """Seconds since a record was moved to `trashed`, as rename(2) sets the file's ctime."""
    with suppress(FileNotFoundError):
        status = os.stat(record.volume, dir_fd=ledger.folder(TRASHED), follow_symlinks=False)
        return max(0.0, time.time() - status.st_ctime)
    return 0.0


class _Removal:
    """Removes a folder's content: on one file system, bounded in depth, entries and time."""

    def __init__(self, changes: Changes, entries: int, seconds: float, skip: int) -> None:
        """`skip`: how many entries are skipped first: those that the last turn could not remove."""
        self.removed = 0
        self.left = 0  # entries of this pass that were skipped or could not be removed
        self._skip = skip
        self._changes = changes
        self._entries = entries
        self._tries = entries * _TRIES
        self._until = time.monotonic() + seconds
        self._blocked = Blocked()
        self._folders: list[str] = []  # names of the folders that this pass is in

    def reaped(self, age: float) -> Reaped:
        """The result while something is left."""
        return Reaped(False, self.removed, age, self._blocked.reasons, self._blocked.details)

    @property
    def is_used_up(self) -> bool:
        """Whether the limit of entries, tries or time is reached."""
        is_late = time.monotonic() >= self._until
        return self.removed >= self._entries or self._tries <= 0 or is_late

    def note(self, error: OSError) -> None:
        """Notes why the folder itself is left, unless only because of its entries."""
        if error.errno not in tree.NOT_EMPTY or not self._blocked:
            self._blocked.note(error, "")

    def empty(self, folder: int) -> None:
        """Removes as much as possible.

        It repeats while entries were removed or skipped, as removing may hide entries from the
        listing.
        """
        device, before = os.fstat(folder).st_dev, -1
        while not self.is_used_up and before != self.removed:
            before, self.left = (-1 if self._skip else self.removed), 0
            self._pass(folder, folder, device, 1)
            self._skip = 0

    def _pass(self, top: int, folder: int, device: int, depth: int) -> None:
        with os.scandir(folder) as entries:
            for entry in entries:
                if self.is_used_up:
                    return
                try:
                    if not self._is_skipped(entry):
                        self._remove(top, folder, entry.name, device, depth)
                except (FileNotFoundError, Unsafe):
                    continue  # it was removed or replaced meanwhile
                except OSError as error:
                    self._blocked.note(error, self._place(entry.name))
                    self.left += 1

    def _is_skipped(self, entry: os.DirEntry[str]) -> bool:
        """Whether a file is skipped; a directory counts, but its content is tried."""
        if self._skip == 0:
            return False
        self._skip -= 1
        if entry.is_dir(follow_symlinks=False):
            return False
        self.left += 1
        return True

    def _remove(self, top: int, parent: int, name: str, device: int, depth: int) -> None:
        self._tries -= 1
        if not tree.is_directory(parent, name):
            self._changes.unlink(parent, name)
        elif depth > _DEEPEST:
            self._move_up(top, parent, name)
        elif not self._emptied(top, parent, name, device, depth) or self.is_used_up:
            self.left += 1
            return
        else:
            self._changes.rmdir(parent, name)
        self.removed += 1

    def _emptied(self, top: int, parent: int, name: str, device: int, depth: int) -> bool:
        with tree.opened(parent, [name]) as handle:
            if os.fstat(handle).st_dev != device:
                self._blocked.note_mount(self._place(name))  # never emptied
                return False
            self._folders.append(name)
            try:
                self._pass(top, handle, device, depth + 1)
            finally:
                self._folders.pop()
            return tree.is_empty(handle)

    def _place(self, name: str) -> str:
        return "/".join((*self._folders, name))

    def _move_up(self, top: int, parent: int, name: str) -> None:
        # A random name: a search for a free one could use up the time.
        self._changes.rename(parent, name, top, f"part-{uuid.uuid4().hex}")
