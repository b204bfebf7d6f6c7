"""Reads all records of the mounted export, whatever its id; changes nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from holdfast.exports import tree
from holdfast.exports.errors import Unsafe, WrongExport, of_the_export
from holdfast.exports.handles import Handles
from holdfast.exports.ledger import CREATING, RECORDS, TRASHED, is_volume, read_record, trash_of
from holdfast.exports.record import Record, State


@dataclass(frozen=True, slots=True)
class Held:
    """A record's file.

    Attributes:
        record: None if it cannot be read.
        why: why it cannot be read.
        is_creating: the API server may not know the volume yet.
    """

    record: Record | None
    why: str = ""
    is_creating: bool = False


def records_on(root: Path) -> dict[str, Held]:
    """The records by volume; none without `.holdfast`. Raises ExportError."""
    found = dict[str, Held]()
    handles = Handles(root, lambda: None)
    what = "cannot read the records"
    with of_the_export(what), suppress(WrongExport), handles.holdfast() as (_, holdfast):
        for folder in RECORDS:
            with suppress(FileNotFoundError), tree.opened(holdfast, [folder]) as records:
                found.update(_read(records, folder))
    return found


def _read(records: int, folder: str) -> Iterator[tuple[str, Held]]:
    for volume in filter(is_volume, os.listdir(records)):
        with suppress(FileNotFoundError):  # moved meanwhile: the next folder has it
            yield volume, _held(records, folder, volume)


def _held(records: int, folder: str, volume: str) -> Held:
    try:
        record = read_record(records, folder, volume)
    except Unsafe as error:
        return Held(None, error.message)
    is_trashed = folder == TRASHED and record.state is State.LIVE
    shown = record.trashed(trash_of(volume)) if is_trashed else record
    return Held(shown, is_creating=folder == CREATING)
