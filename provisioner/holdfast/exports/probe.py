"""Probes: files that are written and removed, to learn whether an export can be changed.

Each has a unique name, as other replicas probe at the same time. One whose replica was killed is
removed by the sweep.
"""

from __future__ import annotations

import os
import uuid
from contextlib import suppress

from holdfast.exports.errors import FULL
from holdfast.exports.operation import Operation
from holdfast.exports.tree import shown

_PREFIX = ".probe-"


def probe(holdfast: int) -> None:
    """Writes and removes a file in `.holdfast`; a full export passes, as deleting must go on.

    Raises:
        OSError: the file system refuses.
    """
    try:
        _write_and_remove(holdfast, f"{_PREFIX}{uuid.uuid4().hex[:8]}")
    except OSError as error:
        if error.errno not in FULL:
            raise


def remove_left(op: Operation, before: set[str]) -> set[str]:
    """Removes the probe files that the last sweep saw (`before`); returns the others.

    Younger ones may be in use: over NFS, removing them would make their handle stale. What is not
    a file is a stray and stays.
    """
    there = {probe.name for probe in _probes(op.ledger.handle) if _is_file(probe)}
    for name in there & before:
        with suppress(OSError):  # the next sweep but one tries again
            op.changes.unlink(op.ledger.handle, name)
    return there - before


def strays(holdfast: int) -> list[str]:
    """The names in `.holdfast`, printable, that a probe has but that are not files."""
    return [shown(probe.name) for probe in _probes(holdfast) if not _is_file(probe)]


def _probes(holdfast: int) -> list[os.DirEntry[str]]:
    with os.scandir(holdfast) as entries:
        return [entry for entry in entries if entry.name.startswith(_PREFIX)]


def _is_file(probe: os.DirEntry[str]) -> bool:
    return probe.is_file(follow_symlinks=False)


def _write_and_remove(parent: int, name: str) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    handle = os.open(name, flags, 0o600, dir_fd=parent)
    try:
        os.write(handle, b"Holdfast was here\n")
        os.fsync(handle)
    finally:
        os.close(handle)
        with suppress(FileNotFoundError):  # the leader's sweep may have removed it as stale
            os.unlink(name, dir_fd=parent)
