"""Debian packages that this machine lacks, installed and said beforehand."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Collection
from typing import Final

from testbed.errors import PackagesError

_DEADLINE: Final = 900.0
# Others of us may be installing at the same time.
_APT: Final = ("apt-get", "--quiet", "--yes", "-o", "DPkg::Lock::Timeout=600")


def need(packages: Collection[str], purpose: str, report: Callable[[str], None]) -> None:
    """Install those that are missing.

    Args:
        packages: their names.
        purpose: what for, as in "to make images".
        report: told what is going to be installed.

    Raises:
        PackagesError: they cannot be installed here.
    """
    missing = [name for name in packages if not _is_installed(name)]
    if not missing:
        return
    names = ", ".join(missing)
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise PackagesError(
            f"the Debian packages {names} are needed {purpose}; install them, "
            "or run this as root on Debian or Ubuntu"
        )
    report(f"installing Debian packages on this machine {purpose}: {names} …")
    _apt("update")
    _apt("install", "--no-install-recommends", *missing)


def _is_installed(name: str) -> bool:
    if shutil.which("dpkg-query") is None:
        return False
    done = subprocess.run(
        ["dpkg-query", "--show", "--showformat=${db:Status-Status}", name],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout == "installed"


def _apt(*words: str) -> None:
    done = subprocess.run(
        [*_APT, *words],
        env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_DEADLINE,
        check=False,
    )
    if done.returncode:
        tail = "\n".join(done.stderr.strip().splitlines()[-5:])
        raise PackagesError(f"apt-get {words[0]} failed; mend that and try again. It says:\n{tail}")
