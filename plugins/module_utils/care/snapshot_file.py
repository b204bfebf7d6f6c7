"""Whether a file is a snapshot of etcd, and a whole one."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import BinaryIO

from .errors import Trouble
from .files import reading

CHECKSUM = 32  # bytes of SHA-256 behind the database, which consists of pages of 512 bytes or more
_PAGE = 512
# Of bbolt, in the first page behind the page's own head: https://github.com/etcd-io/bbolt
_MAGIC, _AT = bytes.fromhex("edda0ced"), 16
_STEP = 1 << 20


def checksum(path: Path) -> str:
    """What is written in the file as the checksum of its database; empty if it has none."""
    try:
        with reading(path) as file:
            return _written(file)
    except Trouble:
        return ""


def check(path: Path) -> str:
    """See that the file is a whole snapshot; its checksum.

    Raises:
        Trouble: it is not, and why.
    """
    with reading(path) as file:
        if file.read(_AT + len(_MAGIC))[_AT:] != _MAGIC:
            raise Trouble(
                f"{path} is no snapshot of etcd; its first bytes are those of something else."
            )
        if _size(file) % _PAGE != CHECKSUM:
            raise Trouble(
                f"{path} is no whole snapshot of etcd: no checksum is behind its database. A copy "
                "of etcd's own file has none, and a copy that was broken off has not either."
            )
        if _computed(file) != (written := _written(file)):
            raise Trouble(f"{path} is a snapshot of etcd that was damaged: its checksum differs.")
    return written


def _size(file: BinaryIO) -> int:
    return os.fstat(file.fileno()).st_size


def _written(file: BinaryIO) -> str:
    if _size(file) <= CHECKSUM:
        return ""
    file.seek(-CHECKSUM, os.SEEK_END)
    return file.read(CHECKSUM).hex()


def _computed(file: BinaryIO) -> str:
    left, digest = _size(file) - CHECKSUM, hashlib.sha256()
    file.seek(0)
    while left > 0 and (part := file.read(min(_STEP, left))):
        digest.update(part)
        left -= len(part)
    return digest.hexdigest()
