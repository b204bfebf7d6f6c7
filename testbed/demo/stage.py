"""What the demo plays on: a control plane, a provisioner and an export in one folder.

All of it ends with the stage, however the demo ends.
"""

from __future__ import annotations

import http.client
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import urllib3

from testbed.client import Json
from testbed.controlplane import ControlPlane
from testbed.demo.rows import Rows
from testbed.errors import TestbedError
from testbed.kubelet import Kubelet
from testbed.ports import LOOPBACK
from testbed.processes import Guard, Process
from testbed.programs import find_programs

PROVISIONER: Final = "holdfast.io/nfs"
HOLDFAST: Final = Path(sys.executable).with_name("holdfast")
_EXAMPLES: Final = Path(__file__).parents[2] / "examples"
# What volumes say. No pod mounts them here: the export is a plain folder, where a cluster's
# provisioner has the NFS mount.
_NFS: Final = {"NFS_SERVER": "nfs.example.org", "NFS_PATH": "/srv/export"}
_PORT: Final = re.compile(r"http_port\W+(\d+)")


class Stage:
    """Everything that runs; a context manager, whose end removes it.

    Args:
        report: told in a line what takes long.

    Attributes:
        folder: where everything lies.
        export: the provisioner's root.
        cluster, rows: there once `start_cluster` was called.
    """

    cluster: ControlPlane
    rows: Rows

    def __init__(self, report: Callable[[str], None]) -> None:
        self._report = report
        self._ends = ExitStack()
        folder = tempfile.TemporaryDirectory(prefix="holdfast-demo-")
        self.folder = Path(self._ends.enter_context(folder))
        self.export = self.folder / "export"
        self.export.mkdir()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ends.close()

    def start_cluster(self) -> None:
        """Start the control plane, and what stands in for a kubelet."""
        programs = find_programs(self._report)
        plane = ControlPlane(programs, self.folder / "control-plane")
        self.cluster = self._ends.enter_context(plane)
        self._ends.enter_context(Kubelet(plane.client))
        self.rows = Rows(plane.client, self.export)

    def start_provisioner(self) -> Callable[[], str]:
        """Start `holdfast run`; the function gives what its /readyz finds wrong."""
        if not HOLDFAST.exists():
            raise TestbedError(f"there is no {HOLDFAST}: run `pip install -e .`, or `make demo`")
        provisioner = Provisioner(self._environment(), self.folder / "holdfast.log")
        self._ends.callback(provisioner.stop)
        provisioner.start()
        return provisioner.not_ready

    def kubectl(self, *arguments: str) -> str:
        """What a user types; raises KubectlError."""
        return self.cluster.kubectl(*arguments)

    def apply(self, example: str) -> None:
        """Apply the manifests of an example, or one of them."""
        self.kubectl("apply", "-f", str(_EXAMPLES / example))

    def delete(self, example: str) -> None:
        """Delete what the manifests of an example name."""
        self.kubectl("delete", "--wait=false", "-f", str(_EXAMPLES / example))

    def pods(self, namespace: str) -> dict[str, Json]:
        """The pods of a namespace, by name."""
        items = self.cluster.client.get(f"/api/v1/namespaces/{namespace}/pods")["items"]
        return {pod["metadata"]["name"]: pod for pod in items}

    def warnings(self) -> list[str]:
        """What warning events on claims say; nothing when the API server does not answer."""
        selector = "type=Warning,involvedObject.kind=PersistentVolumeClaim"
        with suppress(AttributeError, TestbedError, urllib3.exceptions.HTTPError):
            events = self.cluster.client.get(f"/api/v1/events?fieldSelector={selector}")["items"]
            return sorted({event["message"] for event in events})
        return []

    def save_logs(self, target: Path) -> bool:
        """Copy all logs, if there are any, to a folder that outlives the stage."""
        logs = list(self.folder.glob("**/*.log"))
        for log in logs:
            copy = target / log.relative_to(self.folder)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(log, copy)
        return bool(logs)

    def _environment(self) -> dict[str, str]:
        return _NFS | {
            "PROVISIONER_NAME": PROVISIONER,
            "KUBECONFIG": str(self.cluster.kubeconfig),
            "HOLDFAST_ROOT": str(self.export),
            "HOLDFAST_HTTP": f"{LOOPBACK}:0",
            "HOLDFAST_LOG_FORMAT": "console",
        }


class Provisioner(Process):
    """`holdfast run` with an environment, as a Deployment gives it one."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        settings = [f"{name}={value}" for name, value in environment.items()]
        command: list[str | Path] = ["env", *settings, HOLDFAST, "run"]
        super().__init__(command, log=log, ready=self._serves, guard=Guard())

    @property
    def name(self) -> str:
        """Not `env`."""
        return "holdfast run"

    def not_ready(self) -> str:
        """What /readyz finds wrong; empty when nothing is."""
        self._raise_if_ended()
        try:
            status, text = self._get("/readyz")
        except OSError as error:
            return str(error)
        return "" if status == 200 else text

    def _serves(self) -> bool:
        return self._get("/healthz")[0] == 200

    def _get(self, path: str) -> tuple[int, str]:
        """Status and text of an answer; raises OSError when there is none."""
        found = _PORT.search(self.log.read_text())
        if found is None:
            raise OSError("it has not said yet where it listens")
        connection = http.client.HTTPConnection(LOOPBACK, int(found[1]), timeout=3.0)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode().strip()
        finally:
            connection.close()
