"""Trial mounts, in a mount namespace of their own: whatever comes of them ends with it."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Sequence
from pathlib import Path

DEADLINE = 60  # seconds; a server that is not there is given up after about 30 by timeo and retry
_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
_FILE_SYSTEMS = Path("/proc/filesystems")
# `retry=0` is for mount.nfs, which otherwise tries for two minutes; the soft mount ends by itself.
_TRIAL = 'mount -t nfs -o "$2,soft,timeo=100,retrans=1,retry=0" "$1" /mnt && stat -f /mnt'


class Refused(Exception):
    """This machine cannot mount what it should; the message is one sentence."""


def check_kernel() -> None:
    """See that this kernel has an NFSv4 client.

    Raises:
        Refused: it has none.
    """
    present = any(line.split()[-1] == "nfs4" for line in _FILE_SYSTEMS.read_text().splitlines())
    if not present and _run("modprobe", "--dry-run", "--quiet", "nfsv4").returncode:
        raise Refused(
            f"this machine's kernel ({platform.release()}) cannot mount NFSv4; install one that "
            "has the modules nfs and nfsv4"
        )


def check_mount(source: str, options: Sequence[str]) -> None:
    """Mount an export, look at it, and let it go.

    Raises:
        Refused: naming the export, and what mount said.
    """
    command = ("unshare", "--mount", "sh", "-c", _TRIAL, "sh", source, ",".join(options))
    try:
        done = _run(*command)
    except subprocess.TimeoutExpired:
        raise Refused(f"{source} did not answer a mount within {DEADLINE} s") from None
    if done.returncode:
        said = "; ".join((done.stderr.strip() or "no reason given").splitlines())
        raise Refused(
            f"{source} cannot be mounted ({said}); see that the server runs, exports it to this "
            "machine, and that no firewall is between"
        )


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(  # noqa: S603 - no shell beyond _TRIAL, whose arguments are quoted
            command,
            env={**os.environ, "LC_ALL": "C", "PATH": _PATH},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            check=False,
        )
    except FileNotFoundError:
        return subprocess.CompletedProcess(command, 127, "", f"{command[0]} is not installed")
