"""etcd's data directory: another member takes the place of the one in it, which is kept beside."""

from __future__ import annotations

import fcntl
import os
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from .errors import Trouble
from .files import users


@dataclass(frozen=True, slots=True)
class DataDirectory:
    """The directory, as etcd's manifest names it."""

    path: Path

    @property
    def member(self) -> Path:
        """What etcd uses."""
        return self.path / "member"

    @property
    def made(self) -> Path:
        """Where another one is made, until it takes its place."""
        return self.path / ".holdfast-restored"

    def exchange(self) -> str:
        """Put in place what was made; what has become of the former, for a person."""
        kept = self.path / f"member.before-{datetime.now(tz=UTC):%Y%m%dT%H%M%S.%fZ}"
        had = self.member.exists()
        if had:
            self.member.rename(kept)
        (self.made / "member").rename(self.member)
        shutil.rmtree(self.made, ignore_errors=True)
        os.sync()
        return f"kept the former data in {kept}" if had else self._without_former()

    def put_back(self) -> str:
        """The command for where the former data is set aside and none is in its place."""
        kept = self._kept()
        return f"mv {kept[-1]} {self.member} && " if kept and not self.member.exists() else ""

    def undo(self) -> str:
        """The commands that put the former data in place of the present; empty if there is none."""
        kept, bad = self._kept(), f"{self.member}.failed"
        return f"mv {self.member} {bad} && mv {kept[-1]} {self.member}" if kept else ""

    def refuse_open(self) -> None:
        """See that no etcd has the database open, whoever started it: it holds a lock.

        Raises:
            Trouble: one has.
        """
        database = self.member / "snap/db"
        if not database.exists():
            return
        with database.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise Trouble(
                    f"{users(database).capitalize()} has {database} open still; end it."
                ) from None

    def _kept(self) -> list[Path]:
        """All former data, of each run, the last at the end."""
        return sorted(self.path.glob("member.before-*"))

    def _without_former(self) -> str:
        kept = self._kept()
        return f"found what an earlier run kept in {kept[-1]}" if kept else "found no former data"
