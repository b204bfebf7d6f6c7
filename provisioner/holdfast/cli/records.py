"""Reads all records of the mounted export, whatever its id; changes nothing."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from holdfast.exports import tree
from holdfast.exports.errors import Unsafe, WrongExport, of_the_export
from holdfast.exports.handles import Handles
from holdfast.exports.ledger import CREATING, RECORDS, TRASHED, is_volume, read_record, trash_of
from holdfast.exports.record import Record, State
from holdfast.exports.restored_from_backup import is_another


@dataclass(frozen=True, slots=True)
class Held:
    """A record's file.

    Attributes:
        record: None if it cannot be read.
        why: why it cannot be read.
        is_creating: the API server may not know the volume yet.
        is_another: its directory is not the one in the record, as after a restore.
    """

    record: Record | None
    why: str = ""
    is_creating: bool = False
    is_another: bool = False


def records_on(root: Path, volumes: Collection[str] | None = None) -> dict[str, Held]:
    """The records by volume, or those of some volumes; none without `.holdfast`.

    Each is compared with its directory right after it is read. Raises ExportError.
    """
    found = dict[str, Held]()
    handles = Handles(root, lambda: None)
    what = "cannot read the records"
    with of_the_export(what), suppress(WrongExport), handles.holdfast() as (top, holdfast):
        for folder in RECORDS:
            with suppress(FileNotFoundError), tree.opened(holdfast, [folder]) as records:
                names = _names(records) if volumes is None else volumes
                found.update(_Folder(top, holdfast, records, folder).read(names))
    return found


def _names(records: int) -> Iterable[str]:
    return filter(is_volume, os.listdir(records))


@dataclass(frozen=True, slots=True)
class _Folder:
    """One of `RECORDS`, with handles of the export's root, `.holdfast` and the folder."""

    root: int
    holdfast: int
    handle: int
    name: str

    def read(self, volumes: Iterable[str]) -> Iterator[tuple[str, Held]]:
        for volume in volumes:
            with suppress(FileNotFoundError):  # moved meanwhile: the next folder has it
                yield volume, self._held(volume)

    def _held(self, volume: str) -> Held:
        try:
            record = read_record(self.handle, self.name, volume)
        except Unsafe as error:
            return Held(None, error.message)
        is_trashed = self.name == TRASHED and record.state is State.LIVE
        shown = record.trashed(trash_of(volume)) if is_trashed else record
        other = is_another(self.root, self.holdfast, self.name, record)
        return Held(shown, is_creating=self.name == CREATING, is_another=other)
