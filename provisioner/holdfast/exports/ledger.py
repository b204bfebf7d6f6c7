"""The ledger: an export's records, indexed by volume and by directory.

`record.py` shows the layout. A ledger works on a handle of `.holdfast` for one operation. It does
not lock: the caller must hold the lock of a record's directory to create, reclaim or remove the
record. To confirm a volume, or to update its record, changes that record alone, by an atomic
rename, and needs none: the controller makes one call about a volume at a time.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace

from holdfast.claims.parameters import Action
from holdfast.claims.paths import RESERVED, components
from holdfast.exports import tree
from holdfast.exports.changes import Changes
from holdfast.exports.errors import Unsafe, of_the_export
from holdfast.exports.record import Record, State

CREATING = "creating"
VOLUMES = "volumes"
TRASHED = "trashed"
DIRECTORIES = "directories"
TRASH = "trash"
# In the order in which a record moves, so that a search does not miss one that moves meanwhile.
RECORDS = (CREATING, VOLUMES, TRASHED)
FOLDERS = (*RECORDS, DIRECTORIES, TRASH)

_MADE = ".made"
# By its mark, what a released volume demands for a directory that others still share.
_DEMANDS = {f".{action}": action for action in (Action.ARCHIVE, Action.RETAIN)}
_VOLUME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")  # RFC 1123 subdomain
_ATTEMPTS = 100  # another operation may prune the folders of a mark meanwhile


def is_volume(name: str) -> bool:
    """Whether a name is valid for a PersistentVolume.

    The folders may hold other files: of file managers, editors, the NFS client (`.nfs…`).
    """
    return _VOLUME.fullmatch(name) is not None


def read_record(records: int, folder: str, volume: str) -> Record:
    """Reads the record of a volume in one of `RECORDS`; `records` is that folder's handle.

    Raises:
        FileNotFoundError: there is no record.
        Unsafe: the file is not regular or not a record of this volume.
    """
    data = tree.read_file(records, volume, f"{RESERVED}/{folder}/{volume}")
    return Record.parse(data, volume, folder)


def trash_of(volume: str) -> str:
    """The path of a volume's directory in the trash, relative to the export's root."""
    return f"{RESERVED}/{TRASH}/{volume}"


def mark_of(directory: str, volume: str) -> str:
    """The path of a volume's mark on a directory, relative to the export's root."""
    return "/".join((RESERVED, DIRECTORIES, *_place(directory), volume))


class Ledger:
    """The records beneath a handle of `.holdfast`; read-only if `changes` is None."""

    def __init__(self, handle: int, changes: Changes | None, export_id: str) -> None:
        self.handle = handle
        self.export_id = export_id
        self._changing = changes
        self._folders: dict[str, int] = {}  # open handles by name

    def close(self) -> None:
        """Closes the handles of folders."""
        for handle in self._folders.values():
            os.close(handle)

    @property
    def _changes(self) -> Changes:
        if self._changing is None:
            raise Unsafe("bug: a read-only ledger was asked to change a record")
        return self._changing

    def folder(self, name: str) -> int:
        """A handle of one of `FOLDERS`, which the ledger closes."""
        if name not in self._folders:
            with of_the_export(f"cannot open {RESERVED}/{name}"):
                self._folders[name] = self._opened(name)
        return self._folders[name]

    def _opened(self, name: str) -> int:
        try:
            return tree.open_directory(self.handle, name)
        except FileNotFoundError:
            if self._changing is None:
                raise
        with suppress(FileExistsError):  # the folder was removed by hand
            self._changes.mkdir(self.handle, name, 0o700)
        return tree.open_directory(self.handle, name)

    def find(self, volume: str) -> Record | None:
        """The record of a volume; None if there is none.

        Raises:
            Unsafe: the record cannot be parsed, or is of another volume or export.
        """
        found = [record for folder in RECORDS if (record := self._read(folder, volume))]
        return found[-1] if found else None

    def creating(self, volume: str) -> Record | None:
        """The record of a volume that the API server may not know."""
        return self._read(CREATING, volume)

    def _read(self, folder: str, volume: str) -> Record | None:
        _check_name(volume)
        try:
            record = read_record(self.folder(folder), folder, volume)
        except FileNotFoundError:
            return None
        if record.export not in {"", self.export_id}:
            raise Unsafe(
                f"the record of volume {volume} is of export {record.export}, this is "
                f"{self.export_id}: remove it, or restore .holdfast of this export"
            )
        is_trashed = folder == TRASHED and record.state is State.LIVE
        return record.trashed(trash_of(volume)) if is_trashed else record

    def names(self, folder: str) -> list[str]:
        """The volumes with a file in one of `FOLDERS`."""
        with of_the_export(f"cannot list {RESERVED}/{folder}"):
            return list(filter(is_volume, os.listdir(self.folder(folder))))

    def write_creating(self, record: Record) -> None:
        """Writes a record to `creating`."""
        self._write(CREATING, record)

    def write(self, record: Record) -> None:
        """Writes a record to `volumes`."""
        self._write(VOLUMES, record)

    def write_trashed(self, record: Record) -> None:
        """Writes a record to `trashed`; only its place there says that it is TRASHED."""
        self._write(TRASHED, replace(record, state=State.LIVE, target=""))

    def _write(self, folder: str, record: Record) -> None:
        data = replace(record, export=self.export_id).dump()
        self._changes.write(self.folder(folder), record.volume, data)

    def confirm(self, volume: str) -> None:
        """Moves a record from `creating` to `volumes`, unless it has moved already.

        A crash may undo the move: the next term checks each record in `creating` against the API
        server, and confirms it again.
        """
        if self.has_moved_on(volume):
            self._changes.remove(self.folder(CREATING), volume)
        else:
            self._move(volume, CREATING, VOLUMES)

    def reopen(self, record: Record) -> None:
        """Moves a record from `volumes` back to `creating`: its volume is to be made after all.

        After a crash in between, the one in `volumes` still counts.
        """
        self.write_creating(record)
        self._changes.remove(self.folder(VOLUMES), record.volume)

    def has_moved_on(self, volume: str) -> bool:
        """Whether a record is in `volumes` or `trashed`: the API server has known the volume."""
        return any(self._read(folder, volume) for folder in (VOLUMES, TRASHED))

    def discard(self, record: Record) -> None:
        """Moves a record to `trashed`; the caller removes its mark afterwards."""
        self._move(record.volume, VOLUMES, TRASHED)

    def refile(self, record: Record) -> None:
        """Moves a record back from `trashed` to `volumes` (`misfiled_records.py`)."""
        self._move(record.volume, TRASHED, VOLUMES)

    def _move(self, volume: str, source: str, target: str) -> None:
        # Not through the term's folder, where `find` would miss the record. A late call can move
        # only the same volume's later record; that one is refiled (`misfiled_records.py`).
        with suppress(FileNotFoundError):
            self._changes.rename(self.folder(source), volume, self.folder(target), volume)

    def forget(self, record: Record) -> None:
        """Removes a record, after its marks: if a crash comes between, it is repeated."""
        for path in filter(None, (record.directory, record.target)):
            self.unmark(path, record.volume)
        for folder in (CREATING, VOLUMES):
            self._changes.remove(self.folder(folder), record.volume)

    def forget_trashed(self, volume: str) -> None:
        """Removes a record from `trashed`, once its directory is removed."""
        self._changes.remove(self.folder(TRASHED), volume)

    def mark(self, directory: str, volume: str) -> None:
        """Marks a directory as a volume's."""
        self._add_mark(_place(directory), volume)

    def mark_made(self, parent: str) -> None:
        """Marks a parent of volumes' directories as made by Holdfast."""
        self._add_mark(_place(parent), _MADE)

    def unmark(self, directory: str, volume: str) -> None:
        """Removes a volume's mark, with the last the demands, and the folders that become empty."""
        self._remove_mark(_place(directory), volume)
        self.drop_demands(directory, volume)

    def demand(self, directory: str, action: Action) -> None:
        """Marks a shared directory with the action of a volume that is released before others."""
        self._add_mark(_place(directory), f".{action}")

    def demands(self, directory: str) -> list[Action]:
        """The actions that released volumes demanded, besides DELETE."""
        with suppress(FileNotFoundError), self._opened_marks(directory) as marks:
            return [action for name, action in _DEMANDS.items() if tree.exists(marks, name)]
        return []

    def drop_demands(self, directory: str, volume: str) -> None:
        """Removes a directory's demands, unless another volume than this has it too."""
        with suppress(FileNotFoundError), self._opened_marks(directory) as marks:
            names = [name for name in _DEMANDS if tree.exists(marks, name)]
            if not names or any(one != volume for one in filter(is_volume, os.listdir(marks))):
                return
            for name in names:
                self._changes.remove(marks, name)
        self.prune(directory)

    def _opened_marks(self, directory: str) -> AbstractContextManager[int]:
        return tree.opened(self.folder(DIRECTORIES), _place(directory))

    def unmark_made(self, parent: str) -> None:
        """Removes a parent's mark, and the folders that become empty."""
        self._remove_mark(_place(parent), _MADE)

    def is_made(self, parent: str) -> bool:
        """Whether a parent is marked as made by Holdfast."""
        return tree.reaches(self.folder(DIRECTORIES), "/".join((*_place(parent), _MADE)))

    def is_unused(self, parent: str) -> bool:
        """Whether Holdfast made a parent that no volume's directory is in any more."""
        folder = self.folder(DIRECTORIES)
        with suppress(FileNotFoundError), tree.opened(folder, _place(parent)) as marks:
            names = os.listdir(marks)
            return _MADE in names and RESERVED not in names and not any(map(is_volume, names))
        return False

    def is_in_use(self, parent: str) -> bool:
        """Whether a directory, or one above or beneath it, has a volume's mark.

        Marks beneath are not listed: their folder exists exactly as long as there are any.
        """
        if self.owners(parent):
            return True
        return tree.reaches(self.folder(DIRECTORIES), "/".join((*_place(parent), RESERVED)))

    def _add_mark(self, place: list[str], name: str) -> None:
        for attempt in range(_ATTEMPTS):
            try:
                with self._made(place) as marks:
                    self._changes.touch(marks, name)
            except FileNotFoundError:  # another operation has pruned a folder
                if attempt == _ATTEMPTS - 1:
                    raise
            else:
                return

    @contextmanager
    def _made(self, place: list[str]) -> Iterator[int]:
        handle = os.dup(self.folder(DIRECTORIES))
        try:
            for name in place:
                if not tree.exists(handle, name):
                    self._changes.make_folder(handle, name)
                handle, above = tree.open_directory(handle, name), handle
                os.close(above)
            yield handle
        finally:
            os.close(handle)

    def _remove_mark(self, place: list[str], name: str) -> None:
        folder = self.folder(DIRECTORIES)
        with suppress(FileNotFoundError), tree.opened(folder, place) as marks:
            self._changes.remove(marks, name)
        self._prune(place)

    def prune(self, directory: str) -> None:
        """Removes empty folders for a directory's marks that a late call may have made."""
        self._prune(_place(directory))

    def _prune(self, place: list[str]) -> None:
        """Removes the empty folders of a path, innermost first."""
        folder = self.folder(DIRECTORIES)
        try:
            for depth in range(len(place), 0, -1):
                with suppress(FileNotFoundError), tree.opened(folder, place[: depth - 1]) as outer:
                    self._changes.rmdir(outer, place[depth - 1])
        except OSError as error:
            if error.errno not in tree.NOT_EMPTY:
                raise

    def others(self, directory: str, volume: str) -> Iterator[Record]:
        """As `overlapping`, without this volume's record."""
        marked = [other for other in self.marked(directory) if other != volume]
        return filter(None, map(self.find, marked))

    def has_others(self, directory: str, volume: str) -> bool:
        """Whether there are `others`."""
        return next(self.others(directory, volume), None) is not None

    def overlapping(self, directory: str) -> Iterator[Record]:
        """The records of a directory and of those above and beneath it.

        Each is read when its turn comes: thousands may share the directory.
        """
        return filter(None, map(self.find, self.marked(directory)))

    def is_anothers(self, directory: str, volume: str) -> bool:
        """Whether another volume, of any cluster, has a mark that overlaps a directory.

        A mark is written before its directory and record.
        """
        return any(name != volume for name in self.marked(directory))

    def marked(self, directory: str) -> list[str]:
        """The volumes with a mark on a directory, above it, or beneath it."""
        return self._marks(directory, tree.files_beneath)

    def marked_at(self, directory: str) -> list[str]:
        """The volumes with a mark on a directory itself."""
        with suppress(FileNotFoundError), self._opened_marks(directory) as marks:
            return list(filter(is_volume, os.listdir(marks)))
        return []

    def is_marked(self, directory: str, volume: str) -> bool:
        """Whether a directory itself has a volume's mark."""
        return tree.reaches(self.folder(DIRECTORIES), "/".join((*_place(directory), volume)))

    def owners(self, directory: str) -> list[str]:
        """The volumes with a mark on a directory or above it."""
        return self._marks(directory, os.listdir)

    def _marks(self, directory: str, in_last: Callable[[int], list[str]]) -> list[str]:
        place, names = _place(directory), list[str]()
        with suppress(FileNotFoundError):
            for depth, handle in enumerate(tree.steps(self.folder(DIRECTORIES), place), 1):
                if depth % 2:
                    names += in_last(handle) if depth == len(place) else os.listdir(handle)
        return list(dict.fromkeys(filter(is_volume, names)))


def _place(directory: str) -> list[str]:
    """The path of a directory's marks; those beneath it are in a subfolder, as they may be many."""
    top, *rest = components(directory)
    return [top, *(part for name in rest for part in (RESERVED, name))]


def _check_name(volume: str) -> None:
    """Raises Unsafe if a name is not valid for a PersistentVolume."""
    if not is_volume(volume):
        raise Unsafe(f"{volume!r} is not a valid name of a volume")
