"""Identity of a directory besides its path: inode number and birth time.

By the time a late call arrives, its path can lead to another directory, and an inode number is
reused after its directory is removed. Number and birth time together identify one directory for
good. Without a birth time (NFS clients of Linux before 6.17) only the number is compared.
"""

from __future__ import annotations

import ctypes
import os
from dataclasses import dataclass

_AT_EMPTY_PATH = 0x1000
_STATX_BTIME = 0x800
_SIZE = 256  # of struct statx, statx(2)
_BTIME = 80  # offset of stx_btime: seconds (64 bits), nanoseconds (32 bits)

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Inode:
    """A directory's inode.

    Attributes:
        number: inode number; 0 if unknown.
        birth: birth time, nanoseconds since 1970; 0 if unknown.
    """

    number: int = 0
    birth: int = 0

    def may_be(self, other: Inode) -> bool:
        """Whether both can be the same directory; an unknown value matches any."""
        numbers, births = self.number and other.number, self.birth and other.birth
        return not (
            (numbers and self.number != other.number) or (births and self.birth != other.birth)
        )


UNKNOWN = Inode()


def inode_of(handle: int) -> Inode:
    """The inode of an open directory."""
    return Inode(os.fstat(handle).st_ino, _birth(handle))


def _birth(handle: int) -> int:
    buffer = ctypes.create_string_buffer(_SIZE)
    try:
        failed = _libc.statx(handle, b"", _AT_EMPTY_PATH, _STATX_BTIME, buffer)
    except AttributeError:  # a C library without statx
        return 0
    mask = int.from_bytes(buffer.raw[:4], "little")
    if failed or not mask & _STATX_BTIME:
        return 0
    seconds = int.from_bytes(buffer.raw[_BTIME : _BTIME + 8], "little", signed=True)
    return seconds * 10**9 + int.from_bytes(buffer.raw[_BTIME + 8 : _BTIME + 12], "little")
