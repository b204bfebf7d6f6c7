"""Debian systems as archives, and layers of what one has and another has not."""

from __future__ import annotations

import hashlib
import os
import subprocess
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Final

from testbed.errors import ImageError
from testbed.lab.apt import sources
from testbed.programs.cache import Cache

SUITE: Final = "trixie"
_DEADLINE: Final = 1200.0
_TIME: Final = "1767225600"  # any, if it is the same each time
_OPTIONS: Final = (
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-exclude=/usr/share/info/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
    "--dpkgopt=path-exclude=/usr/share/man/*",
)
DESCRIPTION: Final = " ".join([SUITE, *_OPTIONS])  # a part of the key of what is made from these
# Files there are written by each run anew, and of no use in an image; programs want the folders.
_NOISE: Final = ("./var/cache/", "./var/log/", "./dev/", "./etc/machine-id", "./etc/resolv.conf")

Entry = tuple[bytes, int, int, int, str, str]


def system(packages: tuple[str, ...], arch: str, report: Callable[[str], None]) -> Path:
    """An archive of a minimal system with these packages."""
    return _archive("apt", packages, arch, report)


def unpacked(packages: tuple[str, ...], arch: str, report: Callable[[str], None]) -> Path:
    """An archive of these packages' files, and of those that they depend on, and nothing else."""
    return _archive("extract", packages, arch, report)


def _archive(
    variant: str, packages: tuple[str, ...], arch: str, report: Callable[[str], None]
) -> Path:
    command = [
        "mmdebstrap",
        "--quiet",
        f"--variant={variant}",
        f"--architectures={arch}",
        *_OPTIONS,
    ]
    command += [f"--include={','.join(packages)}"] if packages else []
    cache = Cache(hashlib.sha256("\n".join([SUITE, *command]).encode()).hexdigest()[:16], "debian")
    return cache.made("root.tar", lambda path: _bootstrap(command, packages, path, report), report)


def _bootstrap(
    command: list[str], packages: tuple[str, ...], target: Path, report: Callable[[str], None]
) -> None:
    what = f"{', '.join(packages) or 'a minimal system'} of Debian {SUITE}"
    report(f"making an archive of {what} (about half a minute, only the first time) …")
    start = time.monotonic()
    done = subprocess.run(
        [*command, "--format=tar", SUITE, target, "-"],
        input="\n".join([*sources(SUITE), ""]),
        env=os.environ | {"SOURCE_DATE_EPOCH": _TIME},
        capture_output=True,
        text=True,
        timeout=_DEADLINE,
        check=False,
    )
    if done.returncode:
        tail = "\n".join(done.stderr.strip().splitlines()[-5:])
        raise ImageError(
            f"mmdebstrap could not make {what}; check that this machine's apt sources can be "
            f"reached. It says:\n{tail}"
        )
    report(f"made {what} in {time.monotonic() - start:.0f} s")


def difference(upper: Path, lower: Path | None, target: tarfile.TarFile) -> None:
    """Copy into `target` what the archive `upper` has and `lower` has not, or has otherwise."""
    known = {} if lower is None else _entries(lower)
    with tarfile.open(upper) as archive:
        for member in archive:
            if _is_noise(member) or known.get(member.name) == _entry(archive, member):
                continue
            member.mtime = 0
            member.pax_headers = {}
            target.addfile(member, _content(archive, member))


def _is_noise(member: tarfile.TarInfo) -> bool:
    return not member.isdir() and member.name.startswith(_NOISE)


def _entries(path: Path) -> dict[str, Entry]:
    with tarfile.open(path) as archive:
        return {member.name: _entry(archive, member) for member in archive}


def _entry(archive: tarfile.TarFile, member: tarfile.TarInfo) -> Entry:
    """All that a container sees of a file, except its time."""
    content = _content(archive, member)
    digest = hashlib.sha256(content.read()).hexdigest() if content else ""
    return member.type, member.mode, member.uid, member.gid, member.linkname, digest


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes] | None:
    return archive.extractfile(member) if member.isreg() else None
