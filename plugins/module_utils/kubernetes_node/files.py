"""Files of a machine, read beneath a root, so that a test can have a machine of its own."""

from __future__ import annotations

from pathlib import Path


def content(path: Path) -> bytes:
    """The content of the file; empty if it is not there."""
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return b""


def target(link: Path) -> str:
    """Where the link leads; empty if it is none."""
    return str(link.readlink()) if link.is_symlink() else ""
