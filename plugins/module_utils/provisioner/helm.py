"""The program helm out of its release's archive, put in place whole and kept with its checksums."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.error import HTTPError

from ansible.module_utils.urls import open_url

NOTE = "helm.sha256"  # in the form of sha256sum: of the program, and of the archive it is from
_CHECKSUM = re.compile(r"[0-9a-f]{64}")
_SECONDS = 60
_PREFIX = ".helm."


class HelmError(Exception):
    """helm cannot be installed; the message has the remedy."""


@dataclass(frozen=True)
class Helm:
    """A helm that is wanted on this machine.

    Attributes:
        url: the server's.
        version: as v3.22.0.
        architecture: as helm's releases name it.
        parent: the folder that has a folder for each version.
        pin: the checksum that the archive has to have; empty to trust the server's.
    """

    url: str
    version: str
    architecture: str
    parent: Path
    pin: str = ""

    @property
    def folder(self) -> Path:
        """That of the version."""
        return self.parent / f"helm-{self.version}"

    @property
    def program(self) -> Path:
        """The program."""
        return self.folder / "helm"

    @property
    def archive(self) -> str:
        """The archive's name on the server."""
        return f"helm-{self.version}-linux-{self.architecture}.tar.gz"

    def is_installed(self) -> bool:
        """Whether the program is there, whole, and from an archive with the pinned checksum."""
        noted = _noted(self.folder / NOTE)
        if not self.program.is_file() or noted.get("helm") != digest(self.program):
            return False
        return not self.pin or noted.get(self.archive) == self.pin

    def is_others(self) -> bool:
        """Whether a program is there that these roles did not install.

        Their former versions left the archive beside it, and no note.
        """
        ours = (self.folder / NOTE, self.folder / self.archive)
        return os.path.lexists(self.program) and not any(path.exists() for path in ours)

    def install(self) -> None:
        """Fetch the archive and put the program in place.

        Raises:
            HelmError: the server does not give it, or gives another.
        """
        wanted = self.pin or self._published()
        self.folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        with _temporary(self.folder) as archive, _temporary(self.folder) as program:
            with archive.open("wb") as file, self._ask(self.archive) as answer:
                shutil.copyfileobj(answer, file)
            self._check(digest(archive), wanted)
            self._unpack(archive, program)
            program.chmod(0o755)
            self._keep(digest(program), wanted)
            program.replace(self.program)
        (self.folder / self.archive).unlink(missing_ok=True)  # of former versions of the role

    def left(self) -> list[Path]:
        """What there is of it: files, and the folder where nothing else is in it."""
        if not self.folder.is_dir() or self.is_others():
            return []
        names = (self.program.name, NOTE, self.archive)
        there = {*self.folder.iterdir()}
        own = {path for path in there if path.name in names or path.name.startswith(_PREFIX)}
        return [*sorted(own), *([] if there - own else [self.folder])]

    def remove(self) -> None:
        """Remove what there is of it."""
        for path in self.left():
            path.rmdir() if path == self.folder else path.unlink()

    def _keep(self, program: str, archive: str) -> None:
        with _temporary(self.folder) as note:
            note.write_text(f"{program}  {self.program.name}\n{archive}  {self.archive}\n")
            note.chmod(0o644)
            note.replace(self.folder / NOTE)

    def _check(self, got: str, wanted: str) -> None:
        if got != wanted:
            said = "provisioner_helm_checksums" if self.pin else f"{self.archive}.sha256sum"
            raise HelmError(
                f"{self.url}/{self.archive} has the checksum {got}, not {wanted} as {said} says. "
                "It was not installed; see that the version, the server and the checksum belong "
                "together"
            )

    def _unpack(self, archive: Path, program: Path) -> None:
        member = f"linux-{self.architecture}/helm"
        try:
            with tarfile.open(archive) as packed, program.open("wb") as file:
                found = packed.extractfile(member)
                if found is None:
                    raise HelmError(f"{self.archive} has no program {member} in it")
                shutil.copyfileobj(found, file)
        except (tarfile.TarError, EOFError, KeyError, zlib.error) as error:
            raise HelmError(f"{self.archive} cannot be unpacked: {error}") from None

    def _published(self) -> str:
        with self._ask(f"{self.archive}.sha256sum") as answer:
            words = answer.read(1024).decode(errors="replace").split()
        if not words or not _CHECKSUM.fullmatch(words[0]):
            raise HelmError(f"{self.url}/{self.archive}.sha256sum holds no SHA-256 checksum")
        return words[0]

    def _ask(self, name: str) -> IO[bytes]:
        url = f"{self.url.rstrip('/')}/{name}"
        try:
            answer: IO[bytes] = open_url(url, timeout=_SECONDS, follow_redirects="all")
        except (OSError, ValueError) as error:  # HTTPError and URLError are of the former
            if isinstance(error, HTTPError):
                error.close()
            raise HelmError(f"{url} cannot be had: {error}") from None
        return answer


def digest(path: Path) -> str:
    """The file's SHA-256 checksum."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _noted(note: Path) -> dict[str, str]:
    """The checksums of a note by the files' names; none where it is missing or damaged."""
    if not note.is_file():
        return {}
    lines = (line.split() for line in note.read_text(errors="replace").splitlines())
    return {words[1]: words[0] for words in lines if len(words) == 2}


@contextmanager
def _temporary(folder: Path) -> Iterator[Path]:
    """A file that is gone afterwards, unless it was moved."""
    handle, name = tempfile.mkstemp(prefix=_PREFIX, dir=folder)
    os.close(handle)
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)
