"""Debian packages of any suite, fetched without touching this machine's own apt.

The mirrors are those of this machine's own sources. An Ubuntu has none of Debian in its own; there
they are those that the environment names.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from testbed.errors import LabError
from testbed.lab.commands import run
from testbed.lab.host import os_release

_KEYRING: Final = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
# Variables of the environment: Debian's archive, and its security archive.
MIRRORS: Final = ("HOLDFAST_DEBIAN_URL", "HOLDFAST_DEBIAN_SECURITY_URL")
_DEADLINE: Final = 900.0  # seconds for fetching


@cache
def mirrors() -> tuple[str, str]:
    """The addresses of Debian's archive and of its security archive.

    Raises:
        LabError: its apt sources, or on an Ubuntu the environment, do not name both.
    """
    if os_release().get("ID") == "ubuntu":
        return _named_mirrors()
    lines = run(["apt-get", "indextargets", "--format", "$(RELEASE) $(REPO_URI)"]).splitlines()
    return choose_mirrors(lines, os_release().get("VERSION_CODENAME", ""))


def _named_mirrors() -> tuple[str, str]:
    archive, security = (os.environ.get(name, "").rstrip("/") for name in MIRRORS)
    if not archive or not security:
        raise LabError(
            "an Ubuntu has no mirror of Debian among its apt sources; set "
            f"{' and '.join(MIRRORS)} to those that the machines' packages come from"
        )
    return archive, security


def choose_mirrors(lines: list[str], release: str) -> tuple[str, str]:
    """Both addresses out of lines of `SUITE URI`; raises LabError where one is not there."""
    found = dict(line.split(" ", 1) for line in lines if " " in line)
    wanted = (release, f"{release}-security")
    missing = [suite for suite in wanted if suite not in found]
    if missing:
        raise LabError(
            f"this machine's apt sources do not have {' and '.join(missing)}; add what is missing, "
            "for Debian's packages come from the mirrors that are named there"
        )
    archive, security = (found[suite].rstrip("/") for suite in wanted)
    return archive, security


def sources(suite: str) -> list[str]:
    """The lines of a sources.list for a suite with its updates; backports have none."""
    archive, security = mirrors()
    signed = f"deb [signed-by={_KEYRING}]"
    if suite.endswith("-backports"):
        return [f"{signed} {archive} {suite} main"]
    return [
        f"{signed} {archive} {suite} main",
        f"{signed} {archive} {suite}-updates main",
        f"{signed} {security} {suite}-security main",
    ]


@dataclass(frozen=True)
class Apt:
    """An apt with its own configuration, sources and lists.

    Attributes:
        folder: where all of that is.
        suite: which packages it knows.
        status: the dpkg status of the machine that it installs for; None for an empty one.
    """

    folder: Path
    suite: str
    status: Path | None = None

    def update(self) -> None:
        """Write the configuration and fetch the lists."""
        for name in ("lists/partial", "archives/partial"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "sources.list").write_text("\n".join([*sources(self.suite), ""]))
        (self.folder / "apt.conf").write_text(configuration(self.folder, self.status))
        self._run("apt-get", "update", "--quiet")

    def names(self, pattern: str) -> list[str]:
        """The packages whose names match a regular expression."""
        found = self._run("apt-cache", "search", "--names-only", pattern)
        return [line.split()[0] for line in found.splitlines()]

    def version(self, package: str) -> str:
        """The version that would be installed."""
        shown = self._run("apt-cache", "show", "--no-all-versions", package)
        return next(line.split()[1] for line in shown.splitlines() if line.startswith("Version: "))

    def download(self, package: str) -> Path:
        """Fetch one package file."""
        self._run("apt-get", "download", package, folder=self.folder / "archives")
        return next((self.folder / "archives").glob(f"{package}_*.deb"))

    def download_all(self, packages: list[str]) -> Path:
        """Fetch packages with all that they need; the folder of their files."""
        self._run(
            "apt-get", "install", "--download-only", "--yes", "--no-install-recommends", *packages
        )
        return self.folder / "archives"

    def _run(self, *command: str, folder: Path | None = None) -> str:
        environment = {"APT_CONFIG": str(self.folder / "apt.conf")}
        return run(command, deadline=_DEADLINE, folder=folder, environment=environment)


def configuration(folder: Path, status: Path | None) -> str:
    """The apt.conf of an apt that keeps everything beneath `folder`."""
    return f"""\
Dir::State "{folder}";
Dir::State::lists "{folder}/lists";
Dir::State::status "{status or "/dev/null"}";
Dir::State::extended_states "{folder}/extended_states";
Dir::Cache "{folder}";
Dir::Cache::archives "{folder}/archives";
Dir::Etc::sourcelist "{folder}/sources.list";
Dir::Etc::sourceparts "-";
Dir::Etc::preferencesparts "-";
APT::Sandbox::User "root";
APT::Update::Post-Invoke-Success {{}};
Acquire::Languages "none";
"""
