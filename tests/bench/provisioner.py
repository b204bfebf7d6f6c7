"""The real `holdfast run` with its default settings, and what it costs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from prometheus_client.parser import text_string_to_metric_families

from testbed.controlplane import ControlPlane
from testbed.ports import LOOPBACK, free_ports
from testbed.waiting import until
from tests.bench import objects
from tests.bench.processor import seconds_of

_LOOK = 0.01  # seconds between two questions whether it is ready
_QUIET = 3.0  # seconds without a request, after which it counts as done
_DEADLINE = 60.0


@dataclass
class Provisioner:
    """A running process; `start_to_ready` are seconds."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path
    start_to_ready: float = 0.0

    @classmethod
    @contextmanager
    def running(cls, plane: ControlPlane, root: Path) -> Iterator[Self]:
        """Runs it on the export `root`; the block begins when it leads and is quiet."""
        root.mkdir(parents=True, exist_ok=True)
        port, path = free_ports(1)[0], plane.folder / "holdfast.log"
        with path.open("ab") as log:
            started = time.monotonic()
            process = subprocess.Popen(
                [sys.executable, "-m", "holdfast", "run"],
                env=_environment(plane, root, port),
                stderr=log,
            )
        with process:
            try:
                made = cls(process, port, path)
                made._await_ready(started)
                yield made
            finally:
                process.terminate()

    def calls(self) -> Counter[str]:
        """Requests to the API server up to now, as "verb resource"."""
        calls: Counter[str] = Counter()
        for family in text_string_to_metric_families(self._ask("/metrics")):
            for sample in family.samples:
                if sample.name == "holdfast_api_requests_total":
                    calls[f"{sample.labels['verb']} {sample.labels['resource']}"] += int(
                        sample.value
                    )
        return calls

    def await_quiet(self) -> None:
        """Returns when nothing but the lease and the probe was asked for some seconds."""
        before, end = None, time.monotonic() + _DEADLINE
        while (now := without_upkeep(self.calls())) != before:
            if time.monotonic() > end:
                raise TimeoutError(f"holdfast is still busy after {_DEADLINE:g} s: {now}")
            before = now
            time.sleep(_QUIET)

    def cpu_seconds(self) -> float:
        """User and system time of the process."""
        return seconds_of(self.process.pid)

    def idle_cpu_percent(self, seconds: float) -> float:
        """The share of one processor that it takes while there is nothing to do."""
        before, started = self.cpu_seconds(), time.monotonic()
        time.sleep(seconds)
        return 100 * (self.cpu_seconds() - before) / (time.monotonic() - started)

    def await_lists(self, number: int, within: float) -> None:
        """Returns when it has listed the volumes so many times, and is quiet."""
        listed = lambda: self.calls()["list persistentvolumes"] >= number  # noqa: E731 - once
        until(listed, within, f"{number} requests for the list of volumes")
        self.await_quiet()

    def rss_mib(self, field: str = "VmRSS") -> float:
        """Resident memory, proc_pid_status(5); `VmHWM` gives its peak."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        line = next(line for line in status.splitlines() if line.startswith(f"{field}:"))
        return int(line.split()[1]) / 1024

    def _await_ready(self, started: float) -> None:
        while not self._is_ready():
            if self.process.poll() is not None or time.monotonic() > started + _DEADLINE:
                told = self.log.read_text(encoding="utf-8")
                raise RuntimeError(f"holdfast is not ready, its log says:\n{told}")
            time.sleep(_LOOK)
        self.start_to_ready = time.monotonic() - started
        until(
            lambda: 'holdfast_leader{export="default"} 1.0' in self._ask("/metrics"),
            _DEADLINE,
            "leading",
        )
        self.await_quiet()

    def _is_ready(self) -> bool:
        try:
            return bool(self._ask("/readyz"))
        except OSError:  # urllib's errors are of this kind too
            return False

    def _ask(self, path: str) -> str:
        with urllib.request.urlopen(f"http://{LOOPBACK}:{self.port}{path}", timeout=5) as answer:
            text: bytes = answer.read()
        return text.decode()


def without_upkeep(calls: Counter[str]) -> Counter[str]:
    """The requests without those that are made whether there is work or not."""
    return Counter({call: count for call, count in calls.items() if not is_upkeep(call)})


def is_upkeep(call: str) -> bool:
    """Whether this is for the lease, the probe (a list of one class), or a watch begun anew."""
    verb, resource = call.split()
    return resource == "leases" or verb in {"list", "watch"}


def _environment(plane: ControlPlane, root: Path, port: int) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    return kept | {
        "KUBECONFIG": str(plane.kubeconfig),
        "PROVISIONER_NAME": objects.PROVISIONER.name,
        "NFS_SERVER": objects.ADDRESS.server,
        "NFS_PATH": objects.ADDRESS.path,
        "HOLDFAST_ROOT": str(root),
        "HOLDFAST_HTTP": f"{LOOPBACK}:{port}",
    }
