"""What is on the export: records, and directories without one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from holdfast.claims.paths import RESERVED
from holdfast.exports import ledger
from holdfast.exports.record import Record


def records(root: Path) -> list[Record]:
    """All records, in whichever folder."""
    return [
        Record.parse((root / RESERVED / folder / name).read_bytes(), name, folder)
        for folder in ledger.RECORDS
        for name in in_folder(root, folder)
    ]


def in_folder(root: Path, folder: str) -> list[str]:
    """The names in a folder of `.holdfast`, without drafts."""
    places = (root / RESERVED / folder).iterdir()
    return sorted(place.name for place in places if not place.name.startswith("."))


def left_in_terms(root: Path) -> list[str]:
    """Intents, and directories that are still being moved."""
    terms = root / RESERVED / ledger.FOLDERS[0]
    return sorted(str(one.relative_to(root)) for one in terms.rglob("[+-]*"))


def unrecorded(root: Path) -> Iterator[str]:
    """The innermost directories that no record names."""
    known = {record.target or record.directory for record in records(root)}
    for folder, folders, _ in os.walk(root):
        place = os.path.relpath(folder, root)
        if place == ".":
            folders.remove(RESERVED)
        elif place in known:
            folders.clear()
        elif not folders:
            yield place


def places_of(root: Path, name: str) -> list[str]:
    """The folders that have a file of this name."""
    return [os.path.relpath(folder, root) for folder, _, files in os.walk(root) if name in files]
