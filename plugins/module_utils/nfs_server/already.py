"""What a server does for the exports of others, which settings of the role's would end."""

from __future__ import annotations

import configparser
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from .commands import Runner
from .errors import Refused
from .running import NFSD, versions
from .server import ETAB
from .settings import Settings
from .table import read_table

_TIMES = {"lease_time": "nfsv4leasetime", "grace_time": "nfsv4gracetime"}
# In nfs.conf; the kernel does not tell them.
_OF_FILES = {
    "manage_gids": ("mountd", "manage-gids"),
    "mountd_port": ("mountd", "port"),
    "statd_port": ("statd", "port"),
    "statd_outgoing_port": ("statd", "outgoing-port"),
    "lockd_port": ("lockd", "port"),
}
_YES = {"1", "t", "true", "y", "yes", "on"}


def check_others(wanted: Settings, run: Runner, kernel: Path | None = None) -> None:
    """See that a server which serves others already goes on as it does.

    Only as long as the role has no file of its own: from then on the settings are the role's.

    Raises:
        Refused: it would not; the sentence has the variables that keep it as it is.
    """
    served = sorted({path for path, __ in read_table(ETAB.read_text() if ETAB.exists() else "")})
    kept = dict(_kept(wanted, run, kernel or NFSD)) if served else {}
    if kept:
        said = ", ".join(f"nfs_server_{name}: {json.dumps(value)}" for name, value in kept.items())
        raise Refused(
            f"this machine's NFS server serves {', '.join(served)} already, and otherwise than the "
            f"role's settings, which are for the whole server; to keep it as it is, set {said} for "
            "this machine, or change the server's own settings (/etc/nfs.conf) first, and restart "
            "it, where nobody needs them"
        )


def _kept(wanted: Settings, run: Runner, kernel: Path) -> Iterator[tuple[str, Any]]:
    threads = _number(kernel / "threads")
    if not threads:
        return
    spoken = versions((kernel / "versions").read_text())
    every = replace(wanted, versions=sorted({*spoken, *wanted.versions}))
    if set(every.versions) != set(wanted.versions):
        yield "versions", every.versions
    if threads > wanted.threads:
        yield "threads", threads
    for name, file in _TIMES.items():
        if _number(kernel / file) not in {0, getattr(wanted, name)}:
            yield name, _number(kernel / file)
    yield from _of_files(every, run)


def _of_files(wanted: Settings, run: Runner) -> Iterator[tuple[str, Any]]:
    found = configparser.ConfigParser(delimiters="=", interpolation=None, strict=False)
    found.read_string(run("nfsconf", "--dump").out)
    for name, (section, key) in _OF_FILES.items():
        value = found.get(section, key, fallback="").strip().lower()
        if not value or key not in wanted.sections().get(section, {}):
            continue
        here: bool | int = value in _YES if name == "manage_gids" else int(value)
        if here != getattr(wanted, name):
            yield name, here


def _number(file: Path) -> int:
    return int(file.read_text().strip() or 0) if file.exists() else 0
