"""What the chaos tests work with: the provisioner as a process of its own, and a cluster for it.

A process, not a thread of the test: only a process can be killed, frozen, and measured.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

from holdfast.kube.resources import LEASES
from testbed.client import Json
from testbed.controlplane import ControlPlane
from testbed.programs import Programs
from tests.cluster.objects import Objects, name_of, phase_of
from tests.support import eventually

PATIENCE = 60.0
_REPOSITORY = Path(__file__).parents[1]
_NFS_PATH = "/export"
_CALLS = "holdfast_api_requests_total{", "holdfast_export_operation_duration_seconds_count{"
_ALL = "everything"  # the flag of `tests.hanging` that holds all calls
# Calls and lines of a log between two looks, half a second apart. One that waits makes a few, one
# that tries without a pause makes hundreds.
_IDLE = 20
_TICKS = os.sysconf("SC_CLK_TCK")


class Provisioner:
    """`holdfast run` as a process group; `start` and its ends may alternate."""

    def __init__(
        self,
        log: Path,
        identity: str,
        command: Sequence[str] = ("-m", "holdfast", "run"),
        prefix: Sequence[str] = (),
        **environment: str,
    ) -> None:
        """`command` is Python's, `prefix` comes before Python; logs are appended to `log`."""
        log.touch()
        self.log = log
        self.identity = identity
        self._command = [*prefix, sys.executable, *command]
        self._environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join([str(_REPOSITORY / "provisioner"), str(_REPOSITORY)]),
            "POD_NAME": identity,
            "HOLDFAST_HTTP": "127.0.0.1:0",
            "ENABLE_LEADER_ELECTION": "false",
            **environment,
        }
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self.kill()

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The running process."""
        assert self._process is not None, "start it first"
        return self._process

    def start(self) -> None:
        """Starts it; does not wait for anything."""
        self._started_at = self.log.stat().st_size
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal to the whole group."""
        os.killpg(self.process.pid, number)

    def kill(self) -> None:
        """Ends it as a power cut would, where it has not ended by itself."""
        with suppress(ProcessLookupError):
            self.signal(signal.SIGKILL)
        self.process.wait()
        self._process = None

    def stop(self, within: float = PATIENCE) -> int:
        """Ends it as the kubelet does; its exit code."""
        self.signal(signal.SIGTERM)
        code = self.process.wait(within)
        self._process = None
        return code

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """It does not run within the block, and does not know that it did not."""
        self.signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.signal(signal.SIGCONT)

    def is_running(self) -> bool:
        """Whether it has not ended by itself."""
        return self.process.poll() is None

    def lines(self, event: str = "") -> list[dict[str, Any]]:
        """What it logged since it was started; with `event`, those lines only."""
        with self.log.open("rb") as log:
            log.seek(self._started_at)
            texts = log.read().decode().splitlines()
        lines = [json.loads(text) for text in texts if text.startswith("{") and text.endswith("}")]
        return [line for line in lines if event in {"", line["event"]}]

    def await_line(self, event: str, within: float = PATIENCE) -> dict[str, Any]:
        """The first line of an event, once it is there."""
        return eventually(lambda: self.lines(event), within, f"{event!r} in {self.log}")[0]

    def ask(self, path: str) -> tuple[int, str]:
        """HTTP status and text of `/healthz`, `/readyz` or `/metrics`."""
        port = self.await_line("holdfast starts")["http_port"]
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def is_ready(self) -> bool:
        """Whether /readyz says so."""
        return self.ask("/readyz")[0] == 200

    def leads(self, export: str = "default") -> bool:
        """Whether its metrics say that it leads an export."""
        return self.gauge("holdfast_leader", export) == 1

    def gauge(self, name: str, export: str = "default") -> float:
        """The value of an export's gauge; 0 where it has no such export."""
        lines = self.ask("/metrics")[1].splitlines()
        start = f'{name}{{export="{export}"}} '
        return next((float(line.split()[1]) for line in lines if line.startswith(start)), 0.0)

    def steps(self) -> float:
        """Requests to the API server, calls to exports, and lines of the log, so far."""
        lines = self.ask("/metrics")[1].splitlines()
        calls = [float(line.rpartition(" ")[2]) for line in lines if line.startswith(_CALLS)]
        return sum(calls) + len(self.lines())

    def cpu(self) -> float:
        """Seconds of processor time used so far (proc(5), `stat`)."""
        stat = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii")
        fields = stat.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS


class Outage:
    """Looks at a provisioner all the time while something that it needs is away."""

    def __init__(self, provisioner: Provisioner) -> None:
        self._provisioner = provisioner
        self._pid = provisioner.process.pid
        self._over = threading.Event()
        self._health: list[tuple[int, str]] = []
        self._readiness: list[tuple[int, str]] = []
        self._steps: list[float] = []
        self._thread = threading.Thread(target=self._look)
        self._from = 0.0, 0.0
        self.cpu_share = 0.0

    def __enter__(self) -> Self:
        self._from = time.monotonic(), self._provisioner.cpu()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        started, used = self._from
        self.cpu_share = (self._provisioner.cpu() - used) / (time.monotonic() - started)

    @property
    def reasons(self) -> str:
        """All that /readyz said."""
        return "".join(dict.fromkeys(text for _, text in self._readiness))

    def begins(self) -> None:
        """Waits until the provisioner has noticed it."""
        eventually(lambda: 503 in self._statuses(), what="it is not ready")

    def lasts(self, seconds: float) -> None:
        """Waits that long."""
        self._over.wait(seconds)

    def assert_it_was_borne(self, reason: str) -> None:
        """The process lived on, idle, and said `reason` from some moment to the end."""
        assert self._provisioner.is_running()
        assert self._provisioner.process.pid == self._pid
        assert {status for status, _ in self._health} == {200}
        statuses = self._statuses()
        assert statuses[-1] == 503, self.reasons
        assert 200 not in statuses[statuses.index(503) :], self.reasons
        assert reason in self.reasons
        # By the middle, what was begun before has failed as well.
        middle = (statuses.index(503) + len(statuses)) // 2
        steps = (self._steps[-1] - self._steps[middle]) / (len(statuses) - middle)
        tell(f"{steps:.1f} steps a look, {self.cpu_share:.1%} of a processor: {self.reasons!r}")
        assert steps < _IDLE
        assert self.cpu_share < 0.5  # a thread that spins takes a whole one, and makes no call

    def _statuses(self) -> list[int]:
        return [status for status, _ in self._readiness]

    def _look(self) -> None:
        while not self._over.wait(0.5):
            self._health.append(self._provisioner.ask("/healthz"))
            self._readiness.append(self._provisioner.ask("/readyz"))
            self._steps.append(self._provisioner.steps())


class Cluster(Objects):
    """A namespace and an export; where a test may break the control plane, all of that."""

    def __init__(self, plane: ControlPlane, root: Path, namespace: str = "default") -> None:
        super().__init__(plane, namespace)
        self.root = root

    def provisioner(self, identity: str = "lone", **more: Any) -> Provisioner:
        """One that serves this cluster's claims from its export; `more` as `Provisioner` has it."""
        environment = {
            "PROVISIONER_NAME": self.name,
            "NFS_SERVER": self.server,
            "NFS_PATH": _NFS_PATH,
            "KUBECONFIG": str(self.plane.kubeconfig),
            "HOLDFAST_ROOT": str(self.root),
            "POD_NAMESPACE": self.namespace,
        }
        if "HOLDFAST_CONFIG" in more:
            for name in ("NFS_SERVER", "NFS_PATH", "HOLDFAST_ROOT"):
                del environment[name]
        log = self.root.with_name(f"{identity}.log")
        return Provisioner(log, identity, **(environment | more))

    def make_claims(self, storage_class: str, count: int, name: str = "data") -> list[str]:
        """Several claims; their names."""
        return [self.claim(storage_class, f"{name}-{number}") for number in range(count)]

    def hang(
        self, storage_class: str, flags: Path, count: int, name: str = "data", then: str = _ALL
    ) -> list[str]:
        """Has the calls about new claims hang, and then all that the flag `then` holds.

        In this order a call is outstanding when the probe fails, after which none is tried any
        more. `flags` is the folder of `tests.hanging`; the claims' names are returned.
        """
        for number in range(count):
            (flags / f"{name}-{number}").touch()
        names = self.make_claims(storage_class, count, name)
        self.refusal(names[0], "the export ")
        (flags / then).touch()
        return names

    def claims(self) -> list[Json]:
        """All claims."""
        items: list[Json] = self.plane.client.get(self._claims)["items"]
        return items

    def bound_claims(self) -> dict[str, str]:
        """The claims that are Bound, each with its volume."""
        claims = [claim for claim in self.claims() if phase_of(claim) == "Bound"]
        return {name_of(claim): claim["spec"]["volumeName"] for claim in claims}

    def await_bound(self, count: int, within: float = PATIENCE) -> None:
        """Waits until so many claims are Bound."""
        eventually(lambda: len(self.bound_claims()) == count, within, f"{count} claims are Bound")

    def await_confirmed(self, count: int) -> None:
        """Waits until so many volumes have a record; a claim may be Bound a moment before."""
        eventually(lambda: len(self.records()) == count, what=f"{count} volumes are confirmed")

    def directory(self, volume: Json) -> Path:
        """Where a volume's data is on this machine."""
        path: str = volume["spec"]["nfs"]["path"]
        return self.root / path.removeprefix(f"{_NFS_PATH}/")

    def lease(self, export: str = "") -> Json:
        """The spec of an export's lease; the only export has no name."""
        name = "-".join(filter(None, [self.name.replace("/", "-"), export]))
        spec: Json = self.plane.client.get(LEASES.path(self.namespace, name))["spec"]
        return spec

    def records(self) -> dict[str, dict[str, Any]]:
        """What the export says of each volume that is not in the making or in the trash."""
        folder = self.root / ".holdfast" / "volumes"
        return {file.name: json.loads(file.read_bytes()) for file in folder.iterdir()}


@contextmanager
def cluster_of_its_own(programs: Programs, folder: Path) -> Iterator[Cluster]:
    """A control plane and an empty export."""
    root = folder / "export"
    root.mkdir()
    with ControlPlane(programs, folder / "plane", api_qps=2000) as plane:
        yield Cluster(plane, root)


def let_go(flags: Path) -> None:
    """Has nothing hang any more."""
    for flag in flags.iterdir():
        flag.unlink()


def tell(text: str) -> None:
    """Says what was measured; `pytest -s` or `-rP` shows it."""
    sys.stdout.write(text + "\n")
