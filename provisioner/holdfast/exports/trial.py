"""A trial of an export: everything that a volume's life asks of it, in a directory of its own."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from holdfast.claims.ownership import Ownership
from holdfast.claims.paths import RESERVED
from holdfast.exports import tree
from holdfast.exports.errors import explained


def trial(root: Path, ownership: Ownership) -> Iterator[str]:
    """Tries one thing after the other and gives the name of each that worked.

    Raises:
        ExportError: the first that did not, with what to do; nothing is left behind.
    """
    name = f"{RESERVED}-trial-{uuid.uuid4().hex[:8]}"
    with explained(f"cannot open {root}"):
        handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with explained(f"cannot make a directory in {root}"):
            os.mkdir(name, 0o700, dir_fd=handle)
        yield "make a directory"
        with explained(f"cannot give a directory in {root} its mode and owner"):
            tree.make_directory(handle, name, ownership.mode, ownership.uid, ownership.gid)
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
        tree.write_file(handle, "file", b"Holdfast was here\n")
        os.unlink("file", dir_fd=handle)
