"""A folder of snapshots: one is added as a whole, and of its own the newest are kept.

What was put in is noted by name and checksum. Only what is as noted is removed: a snapshot that
somebody put beside, or in place of one of these, stays.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from .errors import Trouble
from .snapshot_file import check, checksum


@dataclass(frozen=True, slots=True)
class Shelf:
    """Attributes: the folder; the member of etcd, in the names of files; how many are kept."""

    folder: Path
    member: str
    keep: int

    @property
    def _notes(self) -> Path:
        return self.folder / f".etcd-{self.member}.json"

    @property
    def _unfinished(self) -> Path:
        return self.folder / f".etcd-{self.member}.unfinished"

    def add(self, parts: Iterable[bytes], now: datetime) -> Path:
        """Write a snapshot, and see that it is one; its file.

        Raises:
            Trouble: it is none; nothing is left of it then.
        """
        path = self.folder / f"etcd-{self.member}-{now:%Y%m%dT%H%M%SZ}.db"
        try:
            _write(self._unfinished, parts)
            self._note({**self.taken(), path.name: check(self._unfinished)})
            self._unfinished.replace(path)
            _sync(self.folder)
        finally:
            self._unfinished.unlink(missing_ok=True)
        return path

    def taken(self) -> dict[str, str]:
        """The names and checksums of those that were added and are still as they were."""
        noted = json.loads(self._notes.read_text()) if self._notes.exists() else {}
        return {name: of for name, of in noted.items() if checksum(self.folder / name) == of}

    def prune(self) -> list[str]:
        """Remove all of its own but the newest; their names."""
        taken = self.taken()
        old = sorted(taken)[: -self.keep]
        for name in old:
            (self.folder / name).unlink()
        self._note({name: of for name, of in taken.items() if name not in old})
        return old

    def _note(self, taken: dict[str, str]) -> None:
        new = self._notes.with_suffix(".new")
        _write(new, [json.dumps(taken, indent=2).encode()])
        new.replace(self._notes)


def newest(folder: Path) -> datetime | None:
    """When the newest was added, of whichever member; None if there is none."""
    members = (path.name for path in folder.glob(".etcd-*.json"))
    names = [
        name
        for note in members
        for name in Shelf(folder, note.removeprefix(".etcd-").removesuffix(".json"), 1).taken()
    ]
    times = (name.rpartition("-")[2].removesuffix(".db") for name in names)
    return max(
        (datetime.strptime(time, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC) for time in times),
        default=None,
    )


def make_private(folder: Path) -> None:
    """Make the folder where there is none, for root alone: a snapshot has all Secrets in it.

    Raises:
        Trouble: it cannot be made.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Trouble(f"The folder {folder} cannot be made: {error.strerror}.") from error


def _write(path: Path, parts: Iterable[bytes]) -> None:
    with _whole(path) as file:
        for part in parts:
            view = memoryview(part)
            while view:
                view = view[os.write(file, view) :]


@contextmanager
def _whole(path: Path) -> Iterator[int]:
    """A new file for root alone, on the disk at the end."""
    path.unlink(missing_ok=True)
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        yield file
        os.fsync(file)
    except OSError as error:
        raise Trouble(f"{path} cannot be written: {error.strerror or error}.") from error
    finally:
        os.close(file)


def _sync(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
