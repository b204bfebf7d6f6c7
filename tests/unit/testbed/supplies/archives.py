"""Small archives as a Debian system's would be."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path


def write(path: Path, files: Mapping[str, str], *, mtime: int = 0, mode: int = 0o644) -> Path:
    """An archive with these files; a name that ends in a slash is a folder."""
    with tarfile.open(path, "w") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name.rstrip("/"))
            member.mtime, member.mode = mtime, mode
            if name.endswith("/"):
                member.type = tarfile.DIRTYPE
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    return path


def names(path: Path) -> list[str]:
    """What is in it."""
    with tarfile.open(path) as archive:
        return archive.getnames()
