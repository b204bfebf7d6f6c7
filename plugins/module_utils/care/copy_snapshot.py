"""Copies a snapshot of etcd to an NFS export, and keeps the newest there.

A program of its own, for one that does not wait for a server that is down: take_snapshot.py.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from .errors import Trouble
from .files import reading
from .shelf import Shelf

MOUNT = Path("/run/holdfast-etcd-snapshots")
# Each call ends by itself where the server does not answer, the mount too.
OPTIONS = "soft,timeo=100,retrans=2,retry=0,nosuid,nodev,noexec"
_SECONDS = 60.0
_STEP = 1 << 20


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code."""
    given, source, keep, cluster = sys.argv[1:] if arguments is None else arguments
    path = Path(given)
    try:
        _mount(source)
        put(path, Shelf(MOUNT, member(path), int(keep), cluster, notes(path.parent, source)))
    except (Trouble, OSError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - for take_snapshot.py
        return 1
    finally:
        release()
    return 0


def put(path: Path, shelf: Shelf) -> Path:
    """Copy a snapshot, and remove of the copies those that are too many; its file.

    Raises:
        Trouble: it was not copied whole.
    """
    time = path.stem.rpartition("-")[2]
    (shelf.noted_in or shelf.folder).mkdir(mode=0o700, exist_ok=True)
    taken = datetime.strptime(time, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    copied = shelf.add(_parts(path), taken)
    shelf.prune()
    return copied


def member(path: Path) -> str:
    """The member of etcd that a snapshot is of, by its name."""
    return path.stem.removeprefix("etcd-").rpartition("-")[0]


def notes(folder: Path, source: str) -> Path:
    """Where, beside the snapshots, it is noted what was copied to an export."""
    return folder / f".copies-{hashlib.sha256(source.encode()).hexdigest()[:12]}"


def release() -> None:
    """Let the export go, whether its server answers or not; nothing happens where none is."""
    if _is_mounted():
        _run("umount", "--lazy", str(MOUNT))


def _mount(source: str) -> None:
    MOUNT.mkdir(mode=0o700, exist_ok=True)
    release()
    done = _run("mount", "-t", "nfs", "-o", OPTIONS, source, str(MOUNT))
    if done.returncode:
        said = "; ".join((done.stderr.strip() or "no reason given").splitlines())
        raise Trouble(
            f"{source} cannot be mounted ({said}); see that the server runs, and exports it to "
            "this machine."
        )


def _is_mounted() -> bool:
    """By the kernel's table, which asks no server."""
    return any(line.split()[4] == str(MOUNT) for line in _table())


def _table() -> list[str]:
    return Path("/proc/self/mountinfo").read_text().splitlines()


def _parts(path: Path) -> Iterator[bytes]:
    with reading(path) as file:
        while part := file.read(_STEP):
            yield part


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(  # noqa: S603 - words, no shell
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        return subprocess.CompletedProcess(command, 127, "", f"{command[0]} is not installed")
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 124, "", f"no answer within {_SECONDS:.0f} s")


if __name__ == "__main__":
    sys.exit(main())
