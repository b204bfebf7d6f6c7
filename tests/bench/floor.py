"""The floor: a program that does nothing but write the least PersistentVolume for each claim.

`python -m tests.bench.floor URL CERTIFICATES` works until it is killed. No directories, no
records, no events, no leases: what is left is the time that the control plane takes itself, and
nobody who waits for kube-controller-manager to assign a claim can do better.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue

from testbed.controlplane import ControlPlane
from tests.bench import objects
from tests.bench.connection import Json, Poster, Server

_CONNECTIONS = 4
_READY = "ready\n"


@contextmanager
def running(plane: ControlPlane) -> Iterator[int]:
    """Runs the program for the length of the block, which gets its process id."""
    words = [plane.url, str(plane.folder / "certificates")]
    with subprocess.Popen(
        [sys.executable, "-m", "tests.bench.floor", *words], stdout=subprocess.PIPE, text=True
    ) as program:
        try:
            if program.stdout is None or program.stdout.readline() != _READY:
                raise RuntimeError("the floor's writer did not start")
            yield program.pid
        finally:
            program.kill()


def _write(poster: Poster, claims: SimpleQueue[Json]) -> None:
    while True:
        poster.post(objects.least_volume(claims.get()))


def _serve(server: Server) -> None:
    claims: SimpleQueue[Json] = SimpleQueue()
    for _ in range(_CONNECTIONS):
        poster = Poster(server, objects.VOLUMES)
        threading.Thread(target=_write, args=(poster, claims), daemon=True).start()
    taken: set[str] = set()
    sys.stdout.write(_READY)
    sys.stdout.flush()
    for claim in server.watch(objects.CLAIMS):
        metadata = claim["metadata"]
        if objects.ASSIGNED in metadata.get("annotations", ()) and metadata["uid"] not in taken:
            taken.add(metadata["uid"])
            claims.put(claim)


if __name__ == "__main__":
    _serve(Server(sys.argv[1], Path(sys.argv[2])))
