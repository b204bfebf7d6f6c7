"""The records of one export, found by volume or by directory without reading the others.

The layout is drawn in `record.py`. A ledger works on a handle of `.holdfast` and does not
lock: whoever changes records holds the export's lock.
"""

from __future__ import annotations

import os
from contextlib import suppress

from holdfast.claims.errors import Refused
from holdfast.claims.paths import RESERVED, components
from holdfast.exports import tree
from holdfast.exports.errors import Unsafe
from holdfast.exports.record import Record

CREATING = "creating"
VOLUMES = "volumes"
TRASHED = "trashed"
DIRECTORIES = "directories"
TRASH = "trash"
# In the order in which a record moves on, so that who looks for one does not miss it.
RECORDS = (CREATING, VOLUMES, TRASHED)
FOLDERS = (*RECORDS, DIRECTORIES, TRASH)


def trash_of(volume: str) -> str:
    """Where a volume's directory lies once it is deleted, relative to the export's root."""
    return f"{RESERVED}/{TRASH}/{volume}"


class Ledger:
    """The records beneath one handle of `.holdfast`, for the length of one operation."""

    def __init__(self, handle: int) -> None:
        self.handle = handle
        self._folders: dict[str, int] = {}  # handles of those in use, each opened once
        self._changed: list[int] = []

    def close(self) -> None:
        """Closes what was opened beneath `handle`."""
        for handle in (*self._folders.values(), *self._changed):
            os.close(handle)

    def sync_later(self, handle: int) -> None:
        """Has `sync` make what was changed in a directory durable."""
        self._changed.append(os.dup(handle))

    def sync(self) -> None:
        """Makes durable what this operation changed; ends it, and needs no lock.

        Names reach the disk in the order in which they were changed: ext4 and XFS keep it in
        their logs, an NFS server has each of them on disk before it answers. So one commit
        stands for all, and for those of other operations at the same time.
        """
        for handle in self._changed:
            os.fsync(handle)

    def _folder(self, name: str) -> int:
        if name not in self._folders:
            self._folders[name] = tree.open_directory(self.handle, name)
        return self._folders[name]

    def _made_folder(self, name: str) -> int:
        with suppress(FileNotFoundError):
            return self._folder(name)
        tree.make_directory(self.handle, name, 0o700)
        return self._folder(name)

    def find(self, volume: str) -> Record | None:
        """The record of a volume, where it has come to; raises Unsafe where it cannot be read."""
        found = [record for folder in RECORDS if (record := self._read(folder, volume))]
        return found[-1] if found else None

    def creating(self, volume: str) -> Record | None:
        """The record of a volume that the API server may not know."""
        return self._read(CREATING, volume)

    def _read(self, folder: str, volume: str) -> Record | None:
        _check_name(volume)
        try:
            record = Record.parse(tree.read_file(self._folder(folder), volume), volume)
        except FileNotFoundError:
            return None
        return record.trashed(trash_of(volume)) if folder == TRASHED else record

    def names(self, folder: str) -> list[str]:
        """The volumes with a record in one of the folders `RECORDS`."""
        return tree.names_in(self._folder(folder))

    def enter(self, record: Record) -> None:
        """Writes the record of a volume in the making, and whose its directory is."""
        folder = self._made_folder(CREATING)
        tree.replace_file(folder, record.volume, record.dump())
        self.sync_later(folder)
        self.mark(record.directory, record.volume)

    def write(self, record: Record) -> None:
        """Writes the record of a volume that the API server knows."""
        tree.write_file(self._made_folder(VOLUMES), record.volume, record.dump())

    def confirm(self, volume: str) -> None:
        """Moves a record from `creating` to `volumes`; nothing where it has moved already.

        A crash may undo that: whoever works here next asks the API server about each record in
        `creating`, and confirms it anew.

        A replica that was held up in the middle of its work, and leads no more, can still write
        one into `creating` beside a later one: that is only dropped.
        """
        if self.has_moved_on(volume):
            self._unlink(CREATING, volume)
        else:
            self._move(volume, CREATING, VOLUMES)

    def has_moved_on(self, volume: str) -> bool:
        """Whether a record stands where only those come to that the API server knew."""
        return any(self._read(folder, volume) for folder in (VOLUMES, TRASHED))

    def discard(self, record: Record) -> None:
        """Moves the record of a volume to those of the trash; its mark goes last."""
        self._move(record.volume, VOLUMES, TRASHED)
        self.sync_later(self._made_folder(TRASHED))
        self.unmark(record.directory, record.volume)

    def _move(self, volume: str, source: str, target: str) -> None:
        new = self._made_folder(target)
        with suppress(FileNotFoundError):
            os.replace(volume, volume, src_dir_fd=self._folder(source), dst_dir_fd=new)

    def forget(self, record: Record) -> None:
        """Removes a record, after its marks: what was cut short is seen, and ends, with it."""
        for path in filter(None, (record.directory, record.target)):
            self.unmark(path, record.volume)
        for folder in (CREATING, VOLUMES):
            self._unlink(folder, record.volume)

    def forget_trashed(self, volume: str) -> None:
        """Removes the record of a directory that is not in the trash any more."""
        self._unlink(TRASHED, volume)

    def _unlink(self, folder: str, volume: str) -> None:
        handle = self._folder(folder)
        with suppress(FileNotFoundError):
            os.unlink(volume, dir_fd=handle)
            os.fsync(handle)

    def mark(self, directory: str, volume: str) -> None:
        """Notes that a directory is a volume's."""
        folders = self._made_folder(DIRECTORIES)
        with tree.opened(folders, _place(directory), make=True) as handle:
            flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            os.close(os.open(volume, flags, 0o600, dir_fd=handle))
            self.sync_later(handle)

    def unmark(self, directory: str, volume: str) -> None:
        """Takes such a note back, and the folders that it leaves empty."""
        place, handle = _place(directory), self._folder(DIRECTORIES)
        with suppress(FileNotFoundError), tree.opened(handle, place) as marks:
            os.unlink(volume, dir_fd=marks)
        tree.prune(handle, place)

    def others(self, directory: str, volume: str) -> list[Record]:
        """The records of other volumes among the overlapping."""
        return [record for record in self.overlapping(directory) if record.volume != volume]

    def overlapping(self, directory: str) -> list[Record]:
        """The records of a directory, of those above it, and of those beneath it."""
        place, volumes = _place(directory), list[str]()
        with suppress(FileNotFoundError):
            for depth, handle in enumerate(tree.steps(self._folder(DIRECTORIES), place), 1):
                if depth == len(place):
                    volumes += tree.files_beneath(handle)
                elif depth % 2:
                    volumes += [name for name in os.listdir(handle) if name != RESERVED]
        return list(filter(None, map(self.find, dict.fromkeys(volumes))))


def _place(directory: str) -> list[str]:
    """The folder of a directory's marks; those beneath it are kept apart, as they may be many."""
    top, *rest = components(directory)
    return [top, *(part for name in rest for part in (RESERVED, name))]


def _check_name(volume: str) -> None:
    """Raises Unsafe for what cannot be the name of a volume's file."""
    with suppress(Refused):
        if components(volume) == (volume,):
            return
    raise Unsafe(f"{volume!r} is no volume's name")
