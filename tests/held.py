"""`holdfast run`, each of whose changing system calls another process decides about (`warden.py`).

A program of its own, for a test to start. The kernel holds a thread in the call, before it is
carried out, until the warden has answered (seccomp_unotify(2)): so a real process can be held up
inside of one call for as long as a test likes. strace(1) can delay calls as well, but counts them
for each thread by itself, cannot tell an open that makes a file from one that reads, and holds
for a time instead of until something has happened.
"""

from __future__ import annotations

import ctypes
import os
import platform
import socket
import struct
from dataclasses import dataclass


@dataclass(frozen=True)
class Machine:
    """The numbers of one processor architecture (linux/audit.h, asm/unistd.h)."""

    audit: int
    seccomp: int
    openat: int
    others: dict[int, str]


MACHINES = {
    "x86_64": Machine(
        0xC000003E,
        317,
        257,
        {
            74: "fsync",
            91: "fchmod",
            93: "fchown",
            258: "mkdirat",
            263: "unlinkat",
            264: "renameat",
            265: "linkat",
            266: "symlinkat",
            316: "renameat2",
        },
    ),
    "aarch64": Machine(
        0xC00000B7,
        277,
        56,
        {
            34: "mkdirat",
            35: "unlinkat",
            36: "symlinkat",
            37: "linkat",
            38: "renameat",
            52: "fchmod",
            55: "fchown",
            82: "fsync",
            276: "renameat2",
        },
    ),
}

_NO_NEW_PRIVS = 38  # prctl(2)
_SET_MODE_FILTER = 1
_NEW_LISTENER, _WAIT_KILLABLE = 1 << 3, 1 << 5  # only SIGKILL ends the wait for the warden
_ALLOW, _NOTIFY = 0x7FFF0000, 0x7FC00000
_LOAD, _EQUAL, _ANY_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06  # classic BPF
_NUMBER, _AUDIT, _FLAGS = 0, 4, 32  # offsets in struct seccomp_data; the flags are openat's


def machine() -> Machine:
    """The one that this runs on."""
    return MACHINES[platform.machine()]


def _instruction(code: int, operand: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, operand)


def _filter(here: Machine) -> bytes:
    allow, notify = _instruction(_RETURN, _ALLOW), _instruction(_RETURN, _NOTIFY)
    program = [_instruction(_LOAD, _AUDIT), _instruction(_EQUAL, here.audit, if_true=1), allow]
    program.append(_instruction(_LOAD, _NUMBER))
    for number in here.others:
        program += [_instruction(_EQUAL, number, if_false=1), notify]
    program += [_instruction(_EQUAL, here.openat, if_true=1), allow, _instruction(_LOAD, _FLAGS)]
    program += [_instruction(_ANY_BIT, os.O_CREAT, if_false=1), notify, allow]
    return b"".join(program)


def listen() -> int:
    """Has all threads of this process watched from now on; the handle for who decides."""
    libc, here = ctypes.CDLL(None, use_errno=True), machine()
    text = _filter(here)
    buffer = ctypes.create_string_buffer(text, len(text))
    program = struct.pack("@HP", len(text) // 8, ctypes.addressof(buffer))
    libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0)
    handle = int(
        libc.syscall(here.seccomp, _SET_MODE_FILTER, _NEW_LISTENER | _WAIT_KILLABLE, program)
    )
    if handle < 0:
        raise OSError(ctypes.get_errno(), "seccomp(2) with a listener is not permitted here")
    return handle


def _run_watched() -> None:
    with socket.socket(socket.AF_UNIX) as warden:
        warden.connect("\0" + os.environ["WARDEN"])
        handle = listen()
        socket.send_fds(warden, [b"listener"], [handle])
        os.close(handle)


if __name__ == "__main__":
    _run_watched()
    from holdfast.cli import main

    main()
