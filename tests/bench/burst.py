"""A program that makes claims at once and tells when each was made, and when it was bound.

`python -m tests.bench.burst URL CERTIFICATES COUNT DEADLINE` writes one JSON object, a `Burst`.
A process of its own, so that it costs the floor and the provisioner the same.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from testbed.controlplane import ControlPlane
from tests.bench import objects
from tests.bench.connection import Poster, Server

_CONNECTIONS = 8


@dataclass(frozen=True)
class Burst:
    """Seconds since the first claim was sent; `bound` has no entry for a claim that never was.

    Attributes:
        created: by a claim's name, when it was about to be sent.
        bound: by a claim's name, when a watch first showed it as Bound.
    """

    created: dict[str, float]
    bound: dict[str, float]

    @classmethod
    def run(cls, plane: ControlPlane, count: int) -> Self:
        """Runs the program against a control plane, which has a class that somebody serves."""
        seconds = 60 + count // 4  # enough for four a second
        words = [plane.url, str(plane.folder / "certificates"), str(count), str(seconds)]
        done = subprocess.run(
            [sys.executable, "-m", "tests.bench.burst", *words],
            stdout=subprocess.PIPE,
            timeout=seconds + 60,
            check=True,
        )
        return cls(**json.loads(done.stdout))

    @property
    def seconds(self) -> float:
        """From the first claim's creation to the last one's binding."""
        return max(self.bound.values(), default=0.0)

    @property
    def waits(self) -> list[float]:
        """From each claim's creation to its binding, in rising order."""
        return sorted(at - self.created[name] for name, at in self.bound.items())


class _Watcher:
    """Notes when each claim is bound."""

    def __init__(self, server: Server, count: int) -> None:
        self.bound: dict[str, float] = {}
        self.all_bound = threading.Event()
        self._count = count
        self._claims = server.watch(objects.CLAIMS)
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        for claim in self._claims:
            if claim["status"].get("phase") == "Bound":
                self.bound.setdefault(claim["metadata"]["name"], time.monotonic())
            if len(self.bound) == self._count:
                self.all_bound.set()


def _create(poster: Poster, numbers: range) -> dict[str, float]:
    created = {}
    for number in numbers:
        claim = objects.claim(number)
        created[claim["metadata"]["name"]] = time.monotonic()
        poster.post(claim)
    return created


def _burst(server: Server, count: int, deadline: float) -> Burst:
    watcher = _Watcher(server, count)
    posters = [Poster(server, objects.CLAIMS) for _ in range(_CONNECTIONS)]
    shares = [range(first, count, _CONNECTIONS) for first in range(_CONNECTIONS)]
    created: dict[str, float] = {}
    with ThreadPoolExecutor(_CONNECTIONS) as pool:
        for part in pool.map(_create, posters, shares):
            created |= part
    watcher.all_bound.wait(deadline)
    start, bound = min(created.values()), dict(watcher.bound)
    return Burst(
        {name: at - start for name, at in created.items()},
        {name: at - start for name, at in bound.items()},
    )


if __name__ == "__main__":
    url, certificates, count, deadline = sys.argv[1:]
    result = _burst(Server(url, Path(certificates)), int(count), float(deadline))
    print(json.dumps(asdict(result)))  # noqa: T201 - the caller reads it
