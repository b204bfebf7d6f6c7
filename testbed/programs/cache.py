"""What was made once, kept between runs: programs, and what the lab's machines are made of.

An entry is there whole or not at all: it is written under another name in the same folder,
synced, and renamed. Makers take turns by a lock that the kernel drops when its holder dies, so
that no lock file has to be removed by hand.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Final

from testbed.errors import ProgramError

_PARTIAL: Final = ".partial"
LOCK_DEADLINE: Final = 3600.0  # seconds; four cold builds on one slow core


class Cache:
    """The entries under one key.

    Args:
        key: names what they were made from.
        area: the part of the cache that they belong to.

    Attributes:
        root: of that area, for what several keys share.
    """

    def __init__(self, key: str, area: str = "programs") -> None:
        home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        self.root: Final = Path(home, "holdfast", area).absolute()
        self._folder = self.root / key

    def path(self, name: str) -> Path:
        """Where the entry `name` is, or will be."""
        return self._folder / name

    @contextlib.contextmanager
    def locked(
        self, report: Callable[[str], None], deadline: float = LOCK_DEADLINE
    ) -> Iterator[None]:
        """Hold the one maker's lock; says so when it must wait for it.

        Raises:
            ProgramError: another still holds it after `deadline` seconds.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / ".lock"
        with path.open("wb") as lock:
            if not _try_lock(lock):
                report(f"waiting for another build to end (it holds {path}) …")
                _await_lock(lock, path, deadline)
            self._sweep()
            yield

    @contextlib.contextmanager
    def entry(self, name: str) -> Iterator[Path]:
        """A path to write the file or folder to; the entry is there when the block ends well.

        Only for who holds the lock.
        """
        # A killed maker's compiler may live on, and write its result under its own name.
        partial = self._folder / f"{name}.{os.getpid()}{_PARTIAL}"
        try:
            yield partial
            partial.chmod(0o755)
            _sync_all(partial)
            partial.rename(self.path(name))
            _sync(self._folder)
        finally:
            discard(partial)

    def made(self, name: str, make: Callable[[Path], None], report: Callable[[str], None]) -> Path:
        """The entry `name`; where it is not there yet, `make` writes it to the path that it gets.

        Raises:
            ProgramError: another maker holds the lock for too long.
        """
        path = self.path(name)
        if path.exists():
            return path
        with self.locked(report):
            if not path.exists():  # another run may have made it while we waited
                with self.entry(name) as partial:
                    make(partial)
        return path

    @contextlib.contextmanager
    def workspace(self) -> Iterator[Path]:
        """A folder to make an entry in, on the same disk; gone when the block ends.

        Only for who holds the lock.
        """
        folder = self._folder / f"work.{os.getpid()}{_PARTIAL}"
        folder.mkdir()
        try:
            yield folder
        finally:
            discard(folder)

    def _sweep(self) -> None:
        """Remove what a maker left that was killed."""
        for left in self._folder.glob(f"*{_PARTIAL}"):
            discard(left)


def discard(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _try_lock(lock: IO[bytes]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _await_lock(lock: IO[bytes], path: Path, deadline: float) -> None:
    until = time.monotonic() + deadline
    while not _try_lock(lock):
        if time.monotonic() > until:
            raise ProgramError(
                f"another build holds {path} for more than {deadline:.0f} s; end it and try again"
            )
        time.sleep(0.2)


def _sync_all(path: Path) -> None:
    for folder, _, names in os.walk(path) if path.is_dir() else ():
        for name in names:
            if not Path(folder, name).is_symlink():
                _sync(Path(folder, name))
    _sync(path)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
