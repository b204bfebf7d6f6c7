"""Who decides about the changing system calls of a process (`held.py`): now, later, or never."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import select
import socket
import struct
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from tests.held import machine

_RECEIVE, _SEND, _IS_VALID = 0xC0502100, 0xC0182101, 0x40082102  # ioctl(2) on the listener
_NOTICE = struct.Struct("=QIIiIQ6Q")  # struct seccomp_notif
_ANSWER = struct.Struct("=QqiI")  # struct seccomp_notif_resp
_CONTINUE = 1
_AT_REMOVEDIR = 0x200
_LONGEST = 4096
_NAMES = {  # what differs from one run to the next
    r"pvc-[0-9a-f-]{36}": "VOLUME",
    r"terms/[^/]+/[^/ ]+": "terms/TERM",
    r"\.draft-removed-[0-9a-f]+-[0-9]+-": ".draft-removed-",
    r"\.draft-[0-9a-f-]+": ".draft",
}
# Of each call: the arguments that are a directory and a name in it; a handle alone is -1 for it.
_PLACES = {
    "openat": [(0, 1)],
    "mkdirat": [(0, 1)],
    "unlinkat": [(0, 1)],
    "renameat": [(0, 1), (2, 3)],
    "renameat2": [(0, 1), (2, 3)],
    "linkat": [(0, 1), (2, 3)],
    "symlinkat": [(1, 2)],
    "fsync": [(0, -1)],
    "fchmod": [(0, -1)],
    "fchown": [(0, -1)],
}


@dataclass
class Call:
    """One system call that a thread is in, and that has not been carried out."""

    id: int
    thread: int
    name: str
    arguments: tuple[int, ...]
    folders: list[Path] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    target: str = ""
    handles: list[int] = field(default_factory=list)

    def __str__(self) -> str:
        places = [str(folder / name) for folder, name in zip(self.folders, self.names, strict=True)]
        return f"{self.name} {' -> '.join(filter(None, [self.target, *places]))}"

    def is_within(self, root: Path) -> bool:
        return any(folder.is_relative_to(root) for folder in self.folders)

    def is_a_probe(self) -> bool:
        """Whether it is about the file that each replica makes and removes now and then."""
        return any(name.startswith(".probe-") for name in self.names) or any(
            folder.name.startswith(".probe-") for folder in self.folders
        )

    def keep_handles(self) -> None:
        """Has the directories that it is about at hand, also when the process has ended."""
        for handle, _ in _PLACES[self.name]:
            path = f"/proc/{self.thread}/fd/{self.arguments[handle]}"
            self.handles.append(os.open(path, os.O_RDONLY | os.O_CLOEXEC))

    def carry_out(self) -> str:
        """Does what the process asked for, as a server does with a late packet; what came of it."""
        try:
            self._carry_out()
        except OSError as error:
            return errno.errorcode[error.errno or 0]
        return "done"

    def _carry_out(self) -> None:
        first, last = self.handles[0], self.handles[-1]
        match self.name:
            case "mkdirat":
                os.mkdir(self.names[0], self.arguments[2], dir_fd=first)
            case "unlinkat" if self.arguments[2] & _AT_REMOVEDIR:
                os.rmdir(self.names[0], dir_fd=first)
            case "unlinkat":
                os.unlink(self.names[0], dir_fd=first)
            case "renameat":
                os.rename(*self.names, src_dir_fd=first, dst_dir_fd=last)
            case "symlinkat":
                os.symlink(self.target, self.names[0], dir_fd=first)
            case "openat":
                flags = self.arguments[2] | os.O_CLOEXEC
                os.close(os.open(self.names[0], flags, self.arguments[3], dir_fd=first))
            case "fchmod":
                os.fchmod(first, self.arguments[1])
            case "fsync" | "fchown":
                pass  # nothing that could be late
            case name:
                raise AssertionError(f"nobody has said how {name} is carried out")

    def close(self) -> None:
        for handle in self.handles:
            os.close(handle)


@dataclass(frozen=True)
class Point:
    """A call, and how often there was one like it before."""

    call: str
    before: int

    def __str__(self) -> str:
        return f"{self.call} ({self.before + 1})"


def points(calls: Sequence[str]) -> list[Point]:
    """The points that a process passed, from the calls that it made."""
    return [Point(call, calls[:number].count(call)) for number, call in enumerate(calls)]


class Warden:
    """Lets the changing calls of one process through, until it is told to hold one.

    Attributes:
        name: what the process finds its warden by, in $WARDEN.
        seen: the calls on the export since the last `watch`, but for those of probes; without
            what differs from one run to the next.
        holds: set once a call is held.
        kept: what is held.
    """

    def __init__(self, root: Path, names: Mapping[str, str]) -> None:
        """`names` are words for what else differs from one run to the next, in `seen`."""
        self._names = _NAMES | dict(names)
        self.name = f"holdfast-{uuid.uuid4().hex}"
        self.seen: list[str] = []
        self.kept: list[Call] = []
        self.holds = threading.Event()
        self._root = root.resolve()
        self._at: Point | None = None
        self._all_after = False
        self._when_held: Callable[[], object] | None = None
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind("\0" + self.name)
        self._server.listen(1)
        self._thread = threading.Thread(target=self._run, name="warden")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Comes after the end of the process: nobody answers its calls any more."""
        self._over.set()
        self._server.close()
        self._thread.join()
        for call in self.kept:
            call.close()

    def watch(
        self,
        *,
        hold: Point | None = None,
        all_after: bool = False,
        when_held: Callable[[], object] | None = None,
    ) -> None:
        """Notes calls anew; holds the one at a point, or that and all after it."""
        with self._lock:
            self.seen.clear()
            self._at, self._all_after, self._when_held = hold, all_after, when_held

    def release(self) -> None:
        """Has what is held carried out, and holds nothing more."""
        with self._lock:
            self._at = None
            for call in self.kept:
                self._answer(call)

    def _run(self) -> None:
        handle = self._await_process()
        if handle is None:
            return
        self._listener = handle
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        while not self._over.is_set():
            for _, what in poll.poll(200):
                if what & select.POLLHUP:  # the last thread has ended
                    self._over.set()
                elif what & select.POLLIN:
                    self._decide()
        os.close(handle)

    def _await_process(self) -> int | None:
        self._server.settimeout(0.2)
        while not self._over.is_set():
            with suppress(TimeoutError):
                connection, _ = self._server.accept()
                with connection:
                    return socket.recv_fds(connection, 16, 1)[1][0]
        return None

    def _decide(self) -> None:
        notice = bytearray(_NOTICE.size)
        try:
            fcntl.ioctl(self._listener, _RECEIVE, notice)
            call = _call(notice)
        except (FileNotFoundError, ProcessLookupError):  # it was killed
            return
        with self._lock:
            if not (call.is_within(self._root) and self._is_to_be_held(call)):
                self._answer(call)
                return
            call.keep_handles()
            self.kept.append(call)
        if not self.holds.is_set():
            if self._when_held:
                self._when_held()
            self.holds.set()

    def _is_to_be_held(self, call: Call) -> bool:
        if self._at and self.kept:
            return self._all_after
        if call.is_a_probe():
            return False
        self.seen.append(self._text_of(call))
        return self._at is not None and points(self.seen)[-1] == self._at

    def _text_of(self, call: Call) -> str:
        text = str(call).replace(f"{self._root}/", "").replace(str(self._root), ".")
        for name, word in self._names.items():
            text = re.sub(name, word, text)
        return text

    def _answer(self, call: Call) -> None:
        with suppress(FileNotFoundError):  # it was killed
            fcntl.ioctl(self._listener, _SEND, bytearray(_ANSWER.pack(call.id, 0, 0, _CONTINUE)))


def _call(notice: bytearray) -> Call:
    id_, thread, _, number, _, _, *arguments = _NOTICE.unpack(notice)
    here = machine()
    name = "openat" if number == here.openat else here.others[number]
    call = Call(id_, thread, name, tuple(arguments))
    for handle, text in _PLACES[name]:
        call.folders.append(_folder(thread, arguments[handle]))
        call.names.append(_text(thread, arguments[text]) if text >= 0 else "")
    if name == "symlinkat":
        call.target = _text(thread, arguments[0])
    return call


def _folder(thread: int, handle: int) -> Path:
    signed = struct.unpack("=i", struct.pack("=I", handle & 0xFFFFFFFF))[0]
    return Path(f"/proc/{thread}", "cwd" if signed < 0 else f"fd/{signed}").readlink()


def _text(thread: int, address: int) -> str:
    """The string at an address of another process; it may end where its page ends."""
    with Path(f"/proc/{thread}/mem").open("rb", buffering=0) as memory:
        memory.seek(address)
        room = _LONGEST - address % _LONGEST
        found = memory.read(room)
        if b"\0" not in found:
            found += memory.read(_LONGEST)
    return os.fsdecode(found.partition(b"\0")[0])
