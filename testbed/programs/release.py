"""Programs from a release server, or a mirror of one.

Kubernetes: `URL/v1.36.3/bin/linux/amd64/NAME`, with `NAME.sha256` or `NAME.sha512` beside it.
https://kubernetes.io/releases/download/#binaries
etcd: `URL/v3.6.8/etcd-v3.6.8-linux-amd64.tar.gz` and `URL/v3.6.8/SHA256SUMS`, as in its releases.
A mirror of the first may hold a plain `etcd` as well.
"""

from __future__ import annotations

import os
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

from testbed.errors import ProgramError
from testbed.programs.download import MissingError, Server
from testbed.programs.recipes import ETCD, ETCD_VERSION, Recipe


def fetch(recipe: Recipe, arch: str, target: Path, report: Callable[[str], None]) -> bool:
    """Write the program to `target`; False when no release server is known that has it.

    Raises:
        ProgramError: one is named, and does not give it.
    """
    etcd_server = _server("HOLDFAST_ETCD_URL")
    if recipe is ETCD and etcd_server is not None:
        report(f"fetching {recipe.name} from {etcd_server.url} …")
        _fetch_archived(etcd_server, arch, target)
        return True
    server = _server("HOLDFAST_RELEASE_URL")
    if server is None or not recipe.module.release:
        return False
    report(f"fetching {recipe.name} from {server.url} …")
    path = f"{recipe.module.release}/bin/linux/{arch}/{recipe.name}"
    if recipe is ETCD:
        return _fetch_optional(server, path, target, report)
    _fetch_plain(server, path, target)
    return True


def _server(variable: str) -> Server | None:
    url = os.environ.get(variable)
    return Server(url, variable) if url else None


def _fetch_optional(server: Server, path: str, target: Path, report: Callable[[str], None]) -> bool:
    """Etcd is no part of that layout: its absence there is no error."""
    try:
        _fetch_plain(server, path, target)
    except MissingError as missing:
        report(f"{missing}; or let HOLDFAST_ETCD_URL name a server of etcd's releases")
        return False
    return True


def _fetch_plain(server: Server, path: str, target: Path) -> None:
    algorithm, listed = "sha256", ""
    try:
        listed = server.text(f"{path}.sha256")
    except MissingError:
        algorithm, listed = "sha512", server.text(f"{path}.sha512")
    server.file(path, target, algorithm=algorithm, digest=_first_word(listed))


def _first_word(listed: str) -> str:
    """A checksum file is the checksum, and from some tools the file's name after it."""
    return next(iter(listed.split()), "nothing")


def _fetch_archived(server: Server, arch: str, target: Path) -> None:
    folder = f"etcd-{ETCD_VERSION}-linux-{arch}"
    path = f"{ETCD_VERSION}/{folder}.tar.gz"
    digest = _listed(server, f"{ETCD_VERSION}/SHA256SUMS", f"{folder}.tar.gz")
    archive = target.with_name(f"archive-{target.name}")
    try:
        server.file(path, archive, algorithm="sha256", digest=digest)
        _extract(archive, f"{folder}/etcd", target)
    except (KeyError, tarfile.TarError, EOFError) as error:
        raise ProgramError(
            f"{server.address(path)} has the right checksum and no program in it ({error}); "
            f"correct it there, or correct or unset {server.variable}"
        ) from error
    finally:
        archive.unlink(missing_ok=True)


def _listed(server: Server, path: str, name: str) -> str:
    """The checksum of `name` in a list of `CHECKSUM  NAME` lines."""
    for line in server.text(path).splitlines():
        digest, _, listed = line.partition(" ")
        if listed.lstrip(" *") == name:
            return digest
    raise ProgramError(
        f"{server.address(path)} has no line for {name}; correct it or unset {server.variable}"
    )


def _extract(archive: Path, member: str, target: Path) -> None:
    with tarfile.open(archive) as opened:
        source = opened.extractfile(member)
        if source is None:
            raise KeyError(member)
        with source, target.open("wb") as output:
            shutil.copyfileobj(source, output)
