"""A program of the control plane: started, ready, paused, killed, started again; never left.

Each has a process group of its own, so that Ctrl-C on the terminal reaches only its owner (which
then stops things in order), and so that whatever the program forked goes with it. For owners that
die without a word there is the guard, see guard.py.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from testbed import guard
from testbed.errors import PortTakenError, StartError
from testbed.waiting import until

START_DEADLINE: Final = 60.0
STOP_DEADLINE: Final = 5.0  # a kube-apiserver whose clients stay on takes a minute
_TAIL = 15  # lines of a log that go into an error
_ENDINGS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Guard:
    """The guard process of one control plane: there while it has something to look after."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._groups: set[int] = set()
        self._process: subprocess.Popen[str] | None = None

    def add(self, pid: int) -> None:
        """Look after the process group of `pid`."""
        with self._lock:
            self._groups.add(pid)
            if self._process is None:
                self._process = _start_guard()
            self._tell(f"+{pid}\n")

    def discard(self, pid: int) -> None:
        """The process group of `pid` is gone; its number may be another's soon."""
        with self._lock:
            self._groups.discard(pid)
            self._tell(f"-{pid}\n")
            if not self._groups:
                self._end()

    def _tell(self, line: str) -> None:
        if self._process is None or self._process.stdin is None:
            return
        with contextlib.suppress(BrokenPipeError):  # somebody killed the guard: go on without
            self._process.stdin.write(line)
            self._process.stdin.flush()

    def _end(self) -> None:
        if self._process is None:
            return
        with contextlib.suppress(BrokenPipeError):
            self._process.communicate(timeout=STOP_DEADLINE)
        self._process = None


def _start_guard() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-I", guard.__file__],
        stdin=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@contextlib.contextmanager
def _signals_later() -> Iterator[None]:
    """Signals that end us are handled after the block: a child that was just forked is nobody's.

    Handlers run in the main thread only, so another thread has nothing to hold back. (A blocked
    signal would stay blocked in the child, so they are caught.)
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[int] = []
    handlers = {number: signal.getsignal(number) for number in _ENDINGS}
    try:
        for number in handlers:
            signal.signal(number, lambda number, _: held.append(number))
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for caught in held:
            signal.raise_signal(caught)


class Process:
    """One program, with its log; `start` and `stop` may alternate as often as a test likes.

    Args:
        command: the program and its arguments.
        log: where stdout and stderr are appended.
        ready: answers whether the program serves; may raise OSError for "no".
        guard: kills it should this process die.
    """

    def __init__(
        self, command: Sequence[str | Path], *, log: Path, ready: Callable[[], bool], guard: Guard
    ) -> None:
        self.command: Final = [str(word) for word in command]
        self.log: Final = log
        self._ready = ready
        self._guard = guard
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def name(self) -> str:
        """The program's own name."""
        return Path(self.command[0]).name

    @property
    def pid(self) -> int:
        """The process id, which is also its process group's.

        Raises:
            StartError: it was not started.
        """
        if self._child is None:
            raise StartError(f"{self.name} is not running; start it first")
        return self._child.pid

    def start(self, deadline: float = START_DEADLINE) -> None:
        """Start it and wait until it is ready; nothing happens when it runs already.

        Raises:
            StartError: it ended, or was not ready after `deadline` seconds (it is killed then).
            PortTakenError: it ended because its port is in use.
        """
        if self._child is not None and self._child.poll() is None:
            return
        self.kill()  # one that ended by itself is still on the books
        try:
            self._spawn()
            self._await_ready(time.monotonic() + deadline)
        except BaseException:
            self.kill()
            raise

    def stop(self, deadline: float = STOP_DEADLINE) -> None:
        """Ask it to end (SIGTERM), wait, and kill it when it has not ended after `deadline`."""
        if self._child is None:
            return
        if self._child.poll() is None:
            self._signal(signal.SIGTERM)
            self.resume()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._child.wait(deadline)
        self.kill()

    def kill(self) -> None:
        """End it and what it forked at once (SIGKILL), as a power cut would."""
        if self._child is None:
            return
        if self._child.poll() is None:  # else its number may be another's by now
            self._signal(signal.SIGKILL)
            self._child.wait()
        self._guard.discard(self._child.pid)
        self._child = None

    def pause(self) -> None:
        """Freeze it (SIGSTOP): connections stay open, answers do not come."""
        self._signal(signal.SIGSTOP)
        # Each thread stops when it is next to run, which on a busy machine is not at once.
        until(self._is_frozen, what=f"every thread of process {self.pid} stops")

    def resume(self) -> None:
        """Let it go on after `pause` (SIGCONT)."""
        self._signal(signal.SIGCONT)

    def _is_frozen(self) -> bool:
        tasks = Path(f"/proc/{self.pid}/task").glob("*/stat")
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # a thread just ended
            states = {task.read_text().rpartition(")")[2].split()[0] for task in tasks}  # proc(5)
            return states == {"T"}
        return False

    def tail(self) -> str:
        """The last lines of the log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-_TAIL:])

    def _spawn(self) -> None:
        with self.log.open("ab") as log, _signals_later():
            self._child = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.log.parent,
                # Nothing of ours: a proxy, a kubeconfig or GOFLAGS would change what is tested.
                env={"PATH": os.defpath, "HOME": str(self.log.parent)},
                start_new_session=True,
            )
            self._guard.add(self._child.pid)

    def _await_ready(self, until: float) -> None:
        while time.monotonic() < until:
            self._raise_if_ended()
            if self._answers():
                self._raise_if_ended()  # else it was a stranger who answered on our port
                return
            time.sleep(0.05)
        raise StartError(f"{self.name} was not ready in time; {self.log} ends with:\n{self.tail()}")

    def _answers(self) -> bool:
        try:
            return self._ready()
        except OSError:
            return False

    def _raise_if_ended(self) -> None:
        if self._child is None or self._child.poll() is None:
            return
        tail = self.tail()
        error = PortTakenError if "address already in use" in tail else StartError
        raise error(
            f"{self.name} ended with status {self._child.returncode}; {self.log} ends with:\n{tail}"
        )

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)
