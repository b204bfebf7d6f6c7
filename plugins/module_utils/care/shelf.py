"""A folder of snapshots: one is added as a whole, and of its own the newest are kept.

What was put in is noted by name and checksum. Only what is as noted is removed: a snapshot that
somebody put beside, or in place of one of these, stays. The notes are on a disk of this machine,
where root alone writes: those on an export would be everybody's who may write it.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from .errors import Trouble
from .files import sync, write
from .notes import Notes
from .snapshot_file import check, checksum


@dataclass(frozen=True, slots=True)
class Shelf:
    """What one cluster has in a folder; that of another one, of former days too, it does not see.

    Attributes:
        folder: of the snapshots
        member: of etcd, in the names of files
        keep: how many are kept
        cluster: which one, as module etcd tells it
        noted_in: the folder of the notes, where they are not beside the snapshots
    """

    folder: Path
    member: str
    keep: int
    cluster: str
    noted_in: Path | None = None

    @property
    def _notes(self) -> Notes:
        return Notes((self.noted_in or self.folder) / f"{self._name}.json")

    @property
    def _unfinished(self) -> Path:
        return self.folder / f"{self._name}.unfinished"

    @property
    def _name(self) -> str:
        return f".etcd-{self.member}-{self.cluster}"

    def add(self, parts: Iterable[bytes], now: datetime) -> Path:
        """Write a snapshot, and see that it is one; its file.

        Raises:
            Trouble: it is none; nothing is left of it then.
        """
        path = self.folder / f"etcd-{self.member}-{now:%Y%m%dT%H%M%SZ}.db"
        taken = self.taken()
        if path.name not in taken and os.path.lexists(path):
            raise Trouble(f"{path} is there, and this timer has not made it; move it away.")
        try:
            write(self._unfinished, parts)
            taken.pop(path.name, None)  # the last in the note is the newest
            self._notes.write({**taken, path.name: check(self._unfinished)})
            self._unfinished.replace(path)
            sync(self.folder)
        finally:
            self._unfinished.unlink(missing_ok=True)
        return path

    def noted(self) -> dict[str, str]:
        """The names and checksums of those that were added, the last at the end."""
        form = re.compile(rf"etcd-{re.escape(self.member)}-[0-9]{{8}}T[0-9]{{6}}Z\.db")
        return {name: of for name, of in self._notes.read().items() if form.fullmatch(name)}

    def taken(self) -> dict[str, str]:
        """Those of them that are there still, and as they were."""
        return {n: of for n, of in self.noted().items() if checksum(self.folder / n) == of}

    def newest(self) -> datetime | None:
        """When the one that was added last was taken; None if there is none."""
        names = [*self.taken()]
        time = names[-1].rpartition("-")[2] if names else ""
        return datetime.strptime(time, "%Y%m%dT%H%M%SZ.db").replace(tzinfo=UTC) if time else None

    def prune(self) -> list[str]:
        """Remove all of its own but those that were added last; their names."""
        taken = self.taken()
        old = [*taken][: -self.keep]
        for name in old:
            (self.folder / name).unlink()
        self._notes.write({name: of for name, of in taken.items() if name not in old})
        return old


def make_private(folder: Path) -> None:
    """Make the folder where there is none, for root alone: a snapshot has all Secrets in it.

    Raises:
        Trouble: it cannot be made, or others may write in it.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Trouble(f"The folder {folder} cannot be made: {error.strerror}.") from error
    if not is_private(folder):
        raise Trouble(
            f"Others than root may write in {folder}, and so choose what is removed and restored; "
            f"chown root {folder} && chmod go-w {folder}, or name another folder."
        )


def is_private(folder: Path) -> bool:
    """Whether nobody but root writes in a folder."""
    found = folder.stat()
    is_own = found.st_uid in {0, os.geteuid()}
    return is_own and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
