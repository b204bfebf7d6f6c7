"""Programs from a release server: the projects' own, or a mirror.

Kubernetes: `URL/v1.36.3/bin/linux/amd64/NAME`, with `NAME.sha256` or `NAME.sha512` beside it.
https://kubernetes.io/releases/download/#binaries
etcd: `URL/v3.6.8/etcd-v3.6.8-linux-amd64.tar.gz` and `URL/v3.6.8/SHA256SUMS`, as in its releases.
A mirror of the first may hold a plain `etcd` as well.

The checksums are those that the server publishes beside the files: they find what the network
damaged or cut short. That the server is the right one is up to TLS.
"""

from __future__ import annotations

import os
import shutil
import tarfile
from collections.abc import Callable, MutableMapping
from pathlib import Path
from typing import Final

from testbed.errors import ProgramError
from testbed.programs.download import MissingError, Server
from testbed.programs.progress import Progress
from testbed.programs.recipes import ETCD, ETCD_VERSION, Recipe, architecture

KUBERNETES_URL: Final = "https://dl.k8s.io/release"
ETCD_URL: Final = "https://github.com/etcd-io/etcd/releases/download"
NONE: Final = "none"  # the value of a variable with which no server is asked
_KUBERNETES: Final = "HOLDFAST_RELEASE_URL"
_ETCD: Final = "HOLDFAST_ETCD_URL"


def ask_no_official_server(environment: MutableMapping[str, str]) -> None:
    """Let programs be built where nobody named a server: tests and the lab never reach out."""
    if not environment.get(_KUBERNETES):
        environment[_KUBERNETES] = NONE


class _GivenUpError(Exception):
    """An official server did not answer; not an error of this run."""


class Downloads:
    """What one run downloads.

    A server that somebody named has to have its programs. The official ones are asked where nobody
    named one, and given up for the whole run once one does not answer at once.

    Args:
        report: told in one line what takes long.

    Attributes:
        refusals: why official servers were given up.
    """

    def __init__(self, report: Callable[[str], None]) -> None:
        self._report = report
        self._answered: set[str] = set()
        self.refusals: dict[str, str] = {}

    def fetch(self, recipe: Recipe, target: Path) -> bool:
        """Write the program to `target`; False when no server is known that has it.

        Raises:
            ProgramError: a server was named and does not give it, or gave something else.
        """
        try:
            return self._fetch(recipe, target)
        except _GivenUpError:
            return False

    def _fetch(self, recipe: Recipe, target: Path) -> bool:
        archives = _server(_ETCD, ETCD_URL) if recipe is ETCD else None
        if archives is not None:
            return self._fetch_archived(archives, target)
        server = _server(_KUBERNETES, KUBERNETES_URL) if recipe.module.release else None
        if server is None or (recipe is ETCD and server.official):
            return False
        path = f"{recipe.module.release}/bin/linux/{architecture()}/{recipe.name}"
        if recipe is ETCD:
            return self._fetch_optional(server, path, target)
        return self._fetch_plain(server, path, target)

    def _fetch_optional(self, server: Server, path: str, target: Path) -> bool:
        """Etcd is no part of that layout: its absence there is no error."""
        try:
            return self._fetch_plain(server, path, target)
        except MissingError as missing:
            self._report(f"{missing}; or let {_ETCD} name a server of etcd's releases")
            return False

    def _fetch_plain(self, server: Server, path: str, target: Path) -> bool:
        algorithm, listed = "sha256", ""
        try:
            listed = self._list(server, f"{path}.sha256")
        except MissingError:
            algorithm, listed = "sha512", self._list(server, f"{path}.sha512")
        self._file(server, path, target, algorithm=algorithm, digest=_first_word(listed))
        return True

    def _fetch_archived(self, server: Server, target: Path) -> bool:
        folder = f"etcd-{ETCD_VERSION}-linux-{architecture()}"
        path = f"{ETCD_VERSION}/{folder}.tar.gz"
        listed = self._list(server, f"{ETCD_VERSION}/SHA256SUMS")
        digest = _line_of(server, listed, f"{ETCD_VERSION}/SHA256SUMS", f"{folder}.tar.gz")
        archive = target.with_name(f"archive-{target.name}")
        try:
            self._file(server, path, archive, algorithm="sha256", digest=digest)
            _extract(archive, f"{folder}/etcd", target)
        except (KeyError, tarfile.TarError, EOFError) as error:
            raise ProgramError(
                f"{server.address(path)} has the right checksum and no program in it ({error}); "
                f"{server.remedy}"
            ) from error
        finally:
            archive.unlink(missing_ok=True)
        return True

    def _list(self, server: Server, path: str) -> str:
        """A file of checksums."""
        if not server.official or server.url in self._answered:
            return server.text(path)
        if server.url in self.refusals:
            raise _GivenUpError
        try:
            listed = server.attempt(path)
        except ProgramError as error:
            self.refusals[server.url] = str(error).removesuffix(f"; {server.remedy}")
            self._report(f"{self.refusals[server.url]}; its programs are built from Go modules")
            raise _GivenUpError from error
        self._answered.add(server.url)
        return listed

    def _file(
        self, server: Server, path: str, target: Path, *, algorithm: str, digest: str
    ) -> None:
        name = path.rpartition("/")[2]
        self._report(f"downloading {name} from {server.url} …")
        progress = Progress(name, self._report)
        server.file(path, target, algorithm=algorithm, digest=digest, progress=progress)


def _server(variable: str, official: str) -> Server | None:
    """The server that a variable names; the official one where nobody named a source at all."""
    url = os.environ.get(variable)
    if url:
        return None if url == NONE else Server(url, variable)
    # Who names a mirror of Kubernetes, or wants none, does not want to reach etcd's releases.
    return None if os.environ.get(_KUBERNETES) else Server(official, _KUBERNETES, official=True)


def _first_word(listed: str) -> str:
    """A checksum file is the checksum, and from some tools the file's name after it."""
    return next(iter(listed.split()), "nothing")


def _line_of(server: Server, listed: str, path: str, name: str) -> str:
    """The checksum of `name` in a list of `CHECKSUM  NAME` lines."""
    for line in listed.splitlines():
        digest, _, entry = line.partition(" ")
        if entry.lstrip(" *") == name:
            return digest
    raise ProgramError(f"{server.address(path)} has no line for {name}; {server.remedy}")


def _extract(archive: Path, member: str, target: Path) -> None:
    with tarfile.open(archive) as opened:
        source = opened.extractfile(member)
        if source is None:
            raise KeyError(member)
        with source, target.open("wb") as output:
            shutil.copyfileobj(source, output)
