"""What a machine of the lab builds the provisioner's image of: packages of Debian and of Python.

The base image comes from the registry, the packages from the file server, in the layouts of apt and
of a Python package index.
"""

from __future__ import annotations

import hashlib
import platform
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from testbed.errors import ImageError
from testbed.lab.apt import Apt
from testbed.lab.packages import index
from testbed.programs.cache import Cache
from testbed.supplies.archive import digest
from testbed.supplies.debian import SUITE

CHECKOUT: Final = Path(__file__).parents[2]
CONTAINERFILE: Final = CHECKOUT / "provisioner/Containerfile"
REQUIREMENTS: Final = CHECKOUT / "requirements/run.txt"
_APT: Final = re.compile(r"apt-get (?:install|download) ((?:\\\n|[^&\n\\])+)")
_ARGUMENT: Final = re.compile(r"^ARG (\w+)=(.+)$", re.MULTILINE)
_GLIBCS: Final = ("2_17", "2_24", "2_28", "2_31", "2_34")  # that wheels are made for
_DEADLINE: Final = 900.0

Report = Callable[[str], None]


def packages_of(containerfile: str) -> list[str]:
    """The Debian packages that a Containerfile fetches."""
    arguments = dict(_ARGUMENT.findall(containerfile))
    words = [
        word
        for found in _APT.findall(containerfile)
        for word in found.replace("\\\n", " ").split()
        if not word.startswith("-")
    ]
    return [re.sub(r"\$\{(\w+)\}", lambda found: arguments[found[1]], word) for word in words]


def python_of(containerfile: str) -> str:
    """The version of Python in the image."""
    return str(dict(_ARGUMENT.findall(containerfile))["PYTHON"])


def find_debian(report: Report = print) -> Path:
    """The folder of a flat apt repository with these packages, and all that they need.

    Raises:
        LabError: one cannot be had.
    """
    wanted = packages_of(CONTAINERFILE.read_text(encoding="utf-8"))
    key = hashlib.sha256(" ".join((SUITE, *wanted)).encode()).hexdigest()[:16]
    cache = Cache(f"image-packages-{key}", "lab")

    def fill(repository: Path) -> None:
        report("fetching the packages that the provisioner's image is built of …")
        repository.mkdir()
        with cache.workspace() as folder:
            apt = Apt(folder, SUITE)  # for a machine with nothing: the image downloads all of it
            apt.update()
            for package in apt.download_all(wanted).glob("*.deb"):
                package.rename(repository / package.name)
        index(repository)

    return cache.made("packages", fill, report)


def find_python(report: Report = print) -> Path:
    """The folder of a package index with the wheels that are locked.

    Raises:
        ImageError: pip does not get them.
    """
    python = python_of(CONTAINERFILE.read_text(encoding="utf-8"))
    cache = Cache(f"image-wheels-{python}-{digest(REQUIREMENTS)[:16]}", "lab")

    def fill(simple: Path) -> None:
        report("fetching the Python packages of the provisioner's image …")
        simple.mkdir()
        with cache.workspace() as folder:
            _download(download_words(python, platform.machine(), folder))
            for wheel in folder.glob("*.whl"):
                (simple / project_of(wheel.name)).mkdir(exist_ok=True)
                wheel.rename(simple / project_of(wheel.name) / wheel.name)

    return cache.made("simple", fill, report)


def download_words(python: str, machine: str, folder: Path) -> list[str]:
    """The words after `python` that fetch wheels for the image's Python on this kind of machine."""
    platforms = [f"manylinux_{glibc}_{machine}" for glibc in _GLIBCS]
    platforms += [f"manylinux2014_{machine}", f"linux_{machine}"]
    return [
        *("-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"),
        *(f"--platform={name}" for name in platforms),
        f"--python-version={python}",
        "--implementation=cp",
        "--require-hashes",
        f"--requirement={REQUIREMENTS}",
        f"--dest={folder}",
    ]


def project_of(wheel: str) -> str:
    """The name of a wheel's project in an index, https://peps.python.org/pep-0503/."""
    return re.sub(r"[-_.]+", "-", wheel.partition("-")[0]).lower()


def _download(words: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, *words], capture_output=True, text=True, timeout=_DEADLINE, check=False
    )
    if done.returncode:
        tail = "\n".join(done.stderr.strip().splitlines()[-5:])
        raise ImageError(
            f"pip does not get the packages of {REQUIREMENTS.name} for the image; check its index "
            f"(pip config list). It says:\n{tail}"
        )
