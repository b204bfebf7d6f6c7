"""Processes that outlive the command that starts them: known by a file, ended by their number.

A process number alone may be another's by the time it is used, so the file also holds when the
process started; that stays the same when User-mode Linux starts itself anew at a reboot.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from testbed.errors import LabError

_END_DEADLINE: Final = 20.0  # seconds; a killed guest gives its memory back first
_TAIL: Final = 15
_APPEND: Final = os.O_WRONLY | os.O_CREAT | os.O_APPEND


@dataclass(frozen=True)
class Background:
    """One process, that may be there or not.

    Attributes:
        name: for a person.
        record: the file that says which process it is.
        log: where its output is appended.
    """

    name: str
    record: Path
    log: Path

    def start(self, command: Sequence[str | Path]) -> None:
        """Start it in a session of its own."""
        words = [str(word) for word in command]
        pid = os.posix_spawnp(
            words[0],
            words,
            # Nothing of ours: a proxy or a TMPDIR would change what is tested.
            {"PATH": os.environ.get("PATH", os.defpath), "HOME": "/"},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, str(self.log), _APPEND, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsid=True,
        )
        self.record.write_text(json.dumps({"pid": pid, "started": _started(pid)}))

    def pid(self) -> int | None:
        """Its process number; None when it does not run."""
        try:
            known = json.loads(self.record.read_text())
        except (FileNotFoundError, ValueError):  # never started, or its maker was killed here
            return None
        running = known["started"] is not None and _started(known["pid"]) == known["started"]
        return int(known["pid"]) if running else None

    def uptime(self) -> float:
        """Seconds since it was started; 0 when it does not run."""
        pid = self.pid()
        ticks = None if pid is None else _started(pid)
        if ticks is None:
            return 0.0
        return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")

    def kill(self) -> None:
        """End it at once, as a power cut would, and wait until it is gone."""
        pid = self.pid()
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            self.await_end(_END_DEADLINE)

    def await_end(self, deadline: float) -> bool:
        """Whether it is gone within `deadline` seconds."""
        until = time.monotonic() + deadline
        while self.pid() is not None:
            if time.monotonic() > until:
                return False
            time.sleep(0.05)
        return True

    def raise_if_ended(self) -> None:
        """Say why it ended, if it did.

        Raises:
            LabError: with the last lines of its log.
        """
        if self.pid() is None:
            raise LabError(f"{self.name} ended; {self.log} ends with:\n{self.tail()}")

    def tail(self) -> str:
        """The last lines of the log."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-_TAIL:])


def _started(pid: int) -> int | None:
    """When a process started, in ticks since the machine did; None for one that has ended."""
    with contextlib.suppress(ChildProcessError):  # ours, if we started it: clear it away
        os.waitpid(pid, os.WNOHANG)
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else int(fields[19])
