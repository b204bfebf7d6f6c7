"""Programs that are ended wholly: by a time limit, at their end, or when all has to end.

Each has a process group of its own, which is killed when its first process has ended. A process
that left the group (a test may start a session) is found by the folder that it was given in its
environment, or works in. Linux only, as the project.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

MARK = "MUTANTS_FOLDER"


class Ended(Exception):
    """All programs were ended, and none may start."""


class Processes:
    """The programs that run now; safe for several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[int] = set()
        self._ended = False

    def run(
        self,
        command: Sequence[str],
        *,
        folder: Path,
        work: Path,
        environment: Mapping[str, str],
        output: IO[bytes],
        limit: float,
    ) -> int | None:
        """The exit code of a program that works in `work`; None when it took too long.

        At its end every process is killed that works in `folder` or below, or inherited that
        name; so each program needs a folder of its own.

        Raises:
            Ended: `end` was called.
        """
        marked = {**environment, MARK: str(folder)}
        child = self._start(command, work, marked, output)
        try:
            in_time = _has_ended(child.pid, limit)
        finally:
            self._kill(child)
            kill_strays(folder)
        if self._ended:
            raise Ended
        return child.returncode if in_time else None

    def end(self) -> None:
        """Kill all; whoever waits in `run` gets Ended."""
        with self._lock:
            self._ended = True
            for group in self._running:
                _kill_group(group)

    def _start(
        self, command: Sequence[str], work: Path, environment: Mapping[str, str], output: IO[bytes]
    ) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._ended:
                raise Ended
            child = subprocess.Popen(
                command,
                cwd=work,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            self._running.add(child.pid)
            return child

    def _kill(self, child: subprocess.Popen[bytes]) -> None:
        with self._lock:
            _kill_group(child.pid)  # not reaped yet, so the number is still its own
            self._running.discard(child.pid)
        child.wait()


def kill_strays(folder: Path) -> None:
    """Kills every process that works in a folder or below, or was started for it."""
    while strays := list(_strays(folder)):
        for pid in strays:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _has_ended(pid: int, limit: float) -> bool:
    """Waits for the end of a child without reaping it."""
    handle = os.pidfd_open(pid)
    try:
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        return bool(poll.poll(limit * 1000))
    finally:
        os.close(handle)


def _kill_group(group: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def _strays(folder: Path) -> Iterator[int]:
    mark = f"{MARK}={folder}".encode()
    for entry in Path("/proc").iterdir():
        # Gone meanwhile, or another user's; a zombie has neither folder nor environment.
        with suppress(OSError):
            if entry.name.isdecimal() and (
                (entry / "cwd").readlink().is_relative_to(folder)
                or mark in (entry / "environ").read_bytes().split(b"\0")
            ):
                yield int(entry.name)
