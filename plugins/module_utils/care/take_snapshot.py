"""Takes a snapshot of etcd, keeps the newest, and copies it to an NFS export where it is told to.

The timer's program. The copy is another process with a deadline: a server that is down costs the
copy, never the snapshot.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from . import copy_snapshot, etcd
from .errors import Trouble
from .shelf import Shelf, make_private

COPY = 600.0  # seconds
_ENDED = 10.0


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code."""
    given = _parser().parse_args(arguments)
    try:
        path = take(Path(given.directory), given.keep, Path(given.manifest))
        print(f"took {path}")  # noqa: T201 - for the journal
        if given.copy_to:
            cluster = etcd.read_manifest(Path(given.manifest)).cluster
            copy(path, given.copy_to, (str(given.keep), cluster), given.copy_seconds)
            print(f"copied {path.name} to {given.copy_to}")  # noqa: T201 - for the journal
    except (Trouble, OSError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - for the journal
        return 1
    return 0


def take(folder: Path, keep: int, manifest: Path = etcd.MANIFEST) -> Path:
    """Take a snapshot, and remove those that are too many; its file.

    Raises:
        Trouble: there is none, and the former ones are all there still.
    """
    own = etcd.read_manifest(manifest)
    make_private(folder)
    shelf = Shelf(folder, own.name, keep, own.cluster)
    path = shelf.add(etcd.snapshot(own), datetime.now(tz=UTC))
    shelf.prune()
    return path


def copy(path: Path, source: str, more: Sequence[str], seconds: float = COPY) -> None:
    """Copy the snapshot to an export, in a process that is ended after so long.

    Args:
        path: the snapshot
        source: the export
        more: what else copy_snapshot is told
        seconds: after which it is ended

    Raises:
        Trouble: it was not copied.
    """
    command = [sys.executable, "-m", copy_snapshot.__name__, str(path), source, *more]
    with tempfile.TemporaryFile("w+") as said:  # no pipe, which a child that hangs holds open
        ended = _run(command, said, seconds)
        said.seek(0)
        why = f"no answer within {seconds:.0f} s" if ended is None else said.read().strip()
    copy_snapshot.release()
    if ended != 0:
        raise Trouble(
            f"The snapshot {path} was taken, but not copied to {source} (etcd_snapshots_copy_to): "
            f"{why}"
        )


def _run(command: list[str], said: IO[str], seconds: float) -> int | None:
    """The exit code; None if it was ended."""
    running = subprocess.Popen(  # noqa: S603 - our own program
        command,
        stdin=subprocess.DEVNULL,
        stdout=said,
        stderr=said,
        start_new_session=True,
        cwd=Path(__file__).parents[copy_snapshot.__name__.count(".")],
    )
    try:
        return running.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(running.pid, signal.SIGKILL)
    try:
        running.wait(_ENDED)
    except subprocess.TimeoutExpired:
        return None  # the kernel holds it; systemd ends it with the unit
    return None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", required=True)
    parser.add_argument("--keep", type=int, required=True)
    parser.add_argument("--copy-to", default="")
    parser.add_argument("--copy-seconds", type=float, default=COPY)
    parser.add_argument("--manifest", default=str(etcd.MANIFEST))
    return parser


if __name__ == "__main__":
    sys.exit(main())
