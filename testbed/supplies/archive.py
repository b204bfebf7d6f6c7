"""Tar archives that are the same whenever, wherever and by whomever they are written."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_FASTEST: Final = 1  # these archives go over a bridge, not over the world


@contextlib.contextmanager
def packed(path: Path) -> Iterator[tarfile.TarFile]:
    """A compressed archive to write to; it names neither its file nor the time."""
    with (
        path.open("wb") as raw,
        gzip.GzipFile("", "wb", _FASTEST, raw, mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        yield archive


def add_file(archive: tarfile.TarFile, name: str, source: Path, *, mode: int) -> None:
    """Add a file, of root and without a time."""
    member = _member(name, mode)
    member.size = source.stat().st_size
    with source.open("rb") as content:
        archive.addfile(member, content)


def add_text(archive: tarfile.TarFile, name: str, text: str) -> None:
    """Add a small file."""
    content = text.encode()
    member = _member(name, 0o644)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))


def add_folder(archive: tarfile.TarFile, name: str, *, mode: int = 0o755) -> None:
    """Add an empty folder."""
    member = _member(name, mode)
    member.type = tarfile.DIRTYPE
    archive.addfile(member)


def add_link(archive: tarfile.TarFile, name: str, target: str) -> None:
    """Add a symbolic link."""
    member = _member(name, 0o777)
    member.type, member.linkname = tarfile.SYMTYPE, target
    archive.addfile(member)


def digest(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _member(name: str, mode: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.mode = mode
    return member
