"""The machines' first disk: a small Debian with systemd, sshd and Python, and nothing of the roles.

One image for each release, that all machines of the release write over, each into a file of its
own. What differs between them comes with the seed.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from testbed.lab.apt import sources
from testbed.lab.commands import run
from testbed.programs.cache import Cache, discard

_HERE: Final = Path(__file__).with_name("image")
_SIZE: Final = "12G"  # sparse
_DEADLINE: Final = 900.0
# What a machine has before anybody installs something; udev makes systemd wait for disks.
_PACKAGES: Final = (
    "ca-certificates",
    "dbus",
    "iproute2",
    "iputils-ping",
    "kmod",
    "openssh-server",
    "procps",
    "python3",
    "python3-apt",
    "sudo",
    "systemd",
    "systemd-sysv",
    "udev",
)


@dataclass(frozen=True)
class Image:
    """An image in the cache.

    Attributes:
        key: changes with what it was made from.
        disk: the file system.
        status: dpkg's list of what is installed in it.
    """

    suite: str
    key: str
    disk: Path
    status: Path


def find_image(suite: str, report: Callable[[str], None], *, fresh: bool = False) -> Image:
    """The image of a release; made when there is none, or when a fresh one is asked for.

    Raises:
        LabError: it cannot be made.
    """
    key = image_key(suite)
    cache = Cache(key, "lab")
    found = cache.path("image")
    with cache.locked(report):
        if fresh:
            discard(found)
        if not found.exists():
            _make(suite, cache, report)
    return Image(suite, key, found / "disk", found / "status")


def image_key(suite: str) -> str:
    """What names an image in the cache."""
    digest = hashlib.sha256(suite.encode() + Path(__file__).read_bytes())
    for path in sorted(_HERE.rglob("*")):
        if path.is_file():
            digest.update(f"{path.relative_to(_HERE)}\0".encode() + path.read_bytes())
    return f"{suite}-{digest.hexdigest()[:16]}"


def _make(suite: str, cache: Cache, report: Callable[[str], None]) -> None:
    report(f"making the disk image of Debian {suite} (about a minute, only once) …")
    start = time.monotonic()
    with (
        cache.workspace() as folder,
        cache.entry("image") as partial,
    ):
        root = Path(folder, "root")
        run(["mmdebstrap", *_arguments(suite, root)], deadline=_DEADLINE)
        # Ansible takes a young folder for lists that were just fetched; mmdebstrap empties it last.
        os.utime(root / "var/lib/apt/lists", (0, 0))
        partial.mkdir()
        (partial / "status").write_bytes((root / "var/lib/dpkg/status").read_bytes())
        _format(root, partial / "disk")
    report(f"made it in {time.monotonic() - start:.0f} s")


def _arguments(suite: str, root: Path) -> list[str | Path]:
    return [
        "--mode=root",
        "--variant=minbase",
        "--format=directory",
        f"--include={','.join(_PACKAGES)}",
        f"--dpkgopt={_HERE / 'root/etc/dpkg/dpkg.cfg.d/lab'}",
        f'--customize-hook=sh {_HERE / "customize.sh"} "$1"',
        suite,
        root,
        *sources(suite),
    ]


def _format(root: Path, disk: Path) -> None:
    run(["truncate", f"--size={_SIZE}", disk])
    # The file reads as zeros where nothing was written, so tables need not be.
    quick = "assume_storage_prezeroed=1"
    run(["mke2fs", "-q", "-t", "ext4", "-d", root, "-E", quick, disk], deadline=300)
