"""Self-test of an export: every operation that a volume needs, in a directory of its own."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from holdfast.claims.ownership import Ownership
from holdfast.claims.paths import RESERVED
from holdfast.exports import other_exports, tree
from holdfast.exports.errors import Unsafe, explained


def self_test(root: Path, ownership: Ownership) -> Iterator[str]:
    """Runs the operations in order and yields the name of each that succeeded.

    Raises:
        ExportError: an operation failed, or the export lies within another one; the message says
            what to do. Nothing is left behind.
    """
    for nested in other_exports.report_above(root):
        raise Unsafe(nested)
    name = f"{RESERVED}-trial-{uuid.uuid4().hex[:8]}"
    with explained(f"cannot open {root}"):
        handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with explained(f"cannot create a directory in {root}"):
            os.mkdir(name, 0o700, dir_fd=handle)
        yield "create a directory"
        with explained(f"cannot give a directory in {root} its mode and owner"):
            _set_owner(handle, name, ownership)
        yield "set mode and owner"
        with explained(f"cannot write in a new directory in {root}"):
            _write(handle, name)
        yield "write and remove a file"
        with explained(f"cannot rename in {root}"):
            os.rename(name, name + "-renamed", src_dir_fd=handle, dst_dir_fd=handle)
        yield "rename a directory"
        with explained(f"cannot remove a directory in {root}"):
            os.rmdir(name + "-renamed", dir_fd=handle)
        yield "remove a directory"
    finally:
        for left in (name, name + "-renamed"):
            with suppress(OSError):
                os.rmdir(left, dir_fd=handle)
        os.close(handle)


def _write(parent: int, name: str) -> None:
    with tree.opened(parent, [name]) as handle:
        with os.fdopen(
            os.open("file", os.O_WRONLY | os.O_CREAT, 0o600, dir_fd=handle), "w"
        ) as file:
            file.write("Holdfast was here\n")
            file.flush()
            os.fsync(file.fileno())
        os.unlink("file", dir_fd=handle)


def _set_owner(parent: int, name: str, ownership: Ownership) -> None:
    uid, gid = ownership.uid, ownership.gid
    with tree.opened(parent, [name]) as handle:
        if uid is not None or gid is not None:
            os.fchown(handle, -1 if uid is None else uid, -1 if gid is None else gid)
        os.fchmod(handle, ownership.mode)
