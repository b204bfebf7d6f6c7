"""Whether a file is a snapshot of etcd, and a whole one."""

from __future__ import annotations

import hashlib
from pathlib import Path

from .errors import Trouble

CHECKSUM = 32  # bytes of SHA-256 behind the database, which consists of pages of 512 bytes or more
_PAGE = 512
# Of bbolt, in the first page behind the page's own head: https://github.com/etcd-io/bbolt
_MAGIC, _AT = bytes.fromhex("edda0ced"), 16
_STEP = 1 << 20


def checksum(path: Path) -> str:
    """What is written in the file as the checksum of its database; empty if it is too short."""
    if not path.is_file() or path.stat().st_size <= CHECKSUM:
        return ""
    with path.open("rb") as file:
        file.seek(-CHECKSUM, 2)
        return file.read().hex()


def check(path: Path) -> str:
    """See that the file is a whole snapshot; its checksum.

    Raises:
        Trouble: it is not, and why.
    """
    if not path.is_file():
        raise Trouble(f"{path} is no file of this machine.")
    with path.open("rb") as file:
        head = file.read(_AT + len(_MAGIC))
    if head[_AT:] != _MAGIC:
        raise Trouble(
            f"{path} is no snapshot of etcd; its first bytes are those of something else."
        )
    if path.stat().st_size % _PAGE != CHECKSUM:
        raise Trouble(
            f"{path} is no whole snapshot of etcd: no checksum is behind its database. A copy of "
            "etcd's own file has none, and a copy that was broken off has not either."
        )
    if _computed(path) != checksum(path):
        raise Trouble(f"{path} is a snapshot of etcd that was damaged: its checksum differs.")
    return checksum(path)


def _computed(path: Path) -> str:
    left, digest = path.stat().st_size - CHECKSUM, hashlib.sha256()
    with path.open("rb") as file:
        while left > 0 and (part := file.read(min(_STEP, left))):
            digest.update(part)
            left -= len(part)
    return digest.hexdigest()
