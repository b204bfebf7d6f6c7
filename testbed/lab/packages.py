"""The machines' Debian packages: a flat repository for each release.

They are all that the roles install, and what tests put on machines that are not blank.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

from testbed.lab.apt import Apt
from testbed.lab.commands import run
from testbed.lab.image import Image
from testbed.programs.cache import Cache, discard

PACKAGES: Final = (
    "buildah",
    "busybox-static",
    "chrony",
    "conntrack",
    "containerd",
    "containernetworking-plugins",
    "crun",
    "curl",
    "docker.io",
    "e2fsprogs",
    "ethtool",
    "gdisk",
    "iptables",
    "jq",
    "kmod",
    "lsof",
    "netavark",
    "nfs-common",
    "nfs-kernel-server",
    "nftables",
    "parted",
    "python3-kubernetes",
    "python3-yaml",
    "quota",
    "rsync",
    "runc",
    "socat",
    "tinyproxy",
    "util-linux-extra",
    "xfsprogs",
)
# Of one release only.
_MORE: Final = {"trixie": ("docker-cli",)}


def find_packages(image: Image, report: Callable[[str], None], *, fresh: bool = False) -> Path:
    """The folder of the repository for machines of an image; filled when it is not there.

    Raises:
        LabError: a package cannot be had.
    """
    cache = Cache(packages_key(image), "lab")
    found = cache.path("packages")
    with cache.locked(report):
        if fresh:
            discard(found)
        if not found.exists():
            report(f"fetching the machines' packages for Debian {image.suite} …")
            with cache.workspace() as folder, cache.entry("packages") as partial:
                _fill(image, partial, folder)
    return found


def names(suite: str) -> tuple[str, ...]:
    """The packages for machines of a Debian release."""
    return (*PACKAGES, *_MORE.get(suite, ()))


def packages_key(image: Image) -> str:
    """What names a repository in the cache."""
    digest = hashlib.sha256(" ".join((image.key, *names(image.suite))).encode()).hexdigest()
    return f"packages-{image.suite}-{digest[:16]}"


def _fill(image: Image, repository: Path, folder: Path) -> None:
    apt = Apt(folder, image.suite, image.status)
    apt.update()
    repository.mkdir()
    for package in apt.download_all(list(names(image.suite))).glob("*.deb"):
        package.rename(repository / package.name)
    index(repository)


def index(repository: Path) -> None:
    """Make a flat repository of the packages in a folder."""
    packages = run(["apt-ftparchive", "packages", "."], folder=repository, deadline=300)
    (repository / "Packages").write_text(packages)
    release = run(["apt-ftparchive", "release", "."], folder=repository)
    (repository / "Release").write_text(release)
