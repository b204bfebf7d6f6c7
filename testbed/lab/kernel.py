"""The machines' kernel: the newest that Debian has the source of, built for User-mode Linux.

The source comes from trixie-backports, where versions come and go: with trixie's own, User-mode
Linux has one processor only. A kernel that was built once is used until a fresh one is asked for.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from testbed.errors import LabError
from testbed.lab.apt import Apt
from testbed.lab.commands import run
from testbed.programs.cache import Cache

FRAGMENT: Final = Path(__file__).with_name("kernel.config")
_SUITE: Final = "trixie-backports"
_SOURCE: Final = re.compile(r"linux-source-(\d+)\.(\d+)")
_BUILD_DEADLINE: Final = 7200.0
# The build does not need them, and they are many.
_UNUSED: Final = ("--exclude=*/Documentation/*", "--exclude=*/tools/testing/*")


def find_kernel(report: Callable[[str], None], *, fresh: bool = False) -> Path:
    """The kernel program; built when there is none, or when a newer one is asked for.

    Raises:
        LabError: it cannot be fetched or built.
    """
    cache = Cache(f"kernel-{hashlib.sha256(FRAGMENT.read_bytes()).hexdigest()[:16]}", "lab")
    with cache.locked(report):
        built = sorted(cache.path("").glob("linux-*"), key=lambda path: path.stat().st_mtime)
        if built and not fresh:
            return built[-1]
        with cache.workspace() as folder:
            return _newest(cache, folder, report)


def _newest(cache: Cache, folder: Path, report: Callable[[str], None]) -> Path:
    apt = Apt(folder / "apt", _SUITE)
    apt.update()
    package = newest_source(apt.names("^linux-source-[0-9]"))
    name = f"linux-{apt.version(package)}"
    if not cache.path(name).exists():
        report(f"building {name} for the machines (about 12 minutes on 2 cores, only once) …")
        start = time.monotonic()
        source = _unpack(apt.download(package), folder)
        _build(source)
        with cache.entry(name) as partial:
            run(["strip", "-o", partial, source / "linux"])
        report(f"built it in {time.monotonic() - start:.0f} s")
    return cache.path(name)


def newest_source(packages: list[str]) -> str:
    """The package of the highest kernel version.

    Raises:
        LabError: none of them holds a kernel's source.
    """
    versions = [
        tuple(map(int, found.groups())) for found in map(_SOURCE.fullmatch, packages) if found
    ]
    if not versions:
        raise LabError(
            f"{_SUITE} of this machine's Debian mirror has no linux-source-* package; "
            "let its apt sources name a complete mirror"
        )
    return "linux-source-{}.{}".format(*max(versions))


def _unpack(package: Path, folder: Path) -> Path:
    run(["dpkg-deb", "--extract", package, folder], deadline=120)
    archive = next(folder.glob("usr/src/linux-source-*.tar.*"))
    run(["tar", "-xf", archive, "-C", folder, *_UNUSED], deadline=600)
    source = next(folder.glob("linux-source-*/Kbuild")).parent
    # Kconfig reads this one, and nothing else of the documentation.
    run(["tar", "-xf", archive, "-C", folder, f"{source.name}/Documentation/Kconfig"], deadline=600)
    return source


def _build(source: Path) -> None:
    _configure(source)
    command = ["nice", "-n", "5", "make", "ARCH=um", f"-j{os.cpu_count()}", "linux"]
    run(command, deadline=_BUILD_DEADLINE, folder=source)


def _configure(source: Path) -> None:
    run(["make", "ARCH=um", "x86_64_defconfig"], deadline=300, folder=source)
    run(
        ["scripts/kconfig/merge_config.sh", "-m", ".config", FRAGMENT],
        folder=source,
        environment={"ARCH": "um"},
    )
    run(["make", "ARCH=um", "olddefconfig"], deadline=300, folder=source)
    missing = absent(FRAGMENT.read_text(), (source / ".config").read_text())
    if missing:
        raise LabError(
            f"the kernel's configuration did not take {', '.join(missing)}; "
            f"an option was renamed or needs another: correct {FRAGMENT}"
        )


def absent(fragment: str, configuration: str) -> list[str]:
    """What the fragment asks for that the configuration does not say."""
    said = set(configuration.splitlines())
    wanted = [line for line in fragment.splitlines() if line.startswith("CONFIG_")]
    return [line for line in wanted if not _says(said, line)]


def _says(said: set[str], wanted: str) -> bool:
    option, _, value = wanted.partition("=")
    if value == "n":
        return not any(line.startswith(f"{option}=") for line in said)
    return wanted in said
