"""The cluster of a lab that stands, and an example in a namespace of its own.

Asked by this machine's kubectl through the lab's network: one on a guest takes seconds to start.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import json
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from testbed import waiting
from testbed.errors import LabError
from testbed.lab.commands import run
from testbed.lab.forms import open_lab
from testbed.lab.interface import Guest, Lab
from testbed.lab.layout import Layout
from testbed.programs import find_program
from testbed.programs.recipes import KUBECTL
from tests.lab.site import CHECKOUT

Object = dict[str, Any]

EXAMPLES: Final = CHECKOUT / "examples"
OVERLAYS: Final = CHECKOUT / "tests/lab/overlays"
PATIENCE: Final = 300.0  # seconds for pods to come or go, with all examples on two workers
_ADMIN: Final = "/etc/kubernetes/admin.conf"
# With which nothing of an example is left on the server, whatever its class says.
_REMOVE: Final = {
    "metadata": {"annotations": {"holdfast.io/on-delete": "delete"}},
    "spec": {"persistentVolumeReclaimPolicy": "Delete"},
}


@dataclass(frozen=True)
class Cluster:
    """A cluster in a lab; `kubeconfig` is a file of this machine."""

    lab: Lab
    kubeconfig: Path

    def kubectl(self, *words: str, text: str = "", deadline: float = 60.0) -> str:
        """What kubectl wrote; raises LabError."""
        return run([*self._kubectl(), *words], text=text, deadline=deadline)

    def _kubectl(self) -> list[str]:
        return [*self.lab.inside(), str(find_program(KUBECTL)), f"--kubeconfig={self.kubeconfig}"]

    def get(self, *words: str) -> Any:
        """Objects as the API server has them."""
        return json.loads(self.kubectl("get", *words, "--output=json"))

    def guest(self, name: str) -> Guest:
        """A machine of the lab."""
        return self.lab.guest(name)

    def workers(self) -> set[str]:
        """The nodes that take pods."""
        return {
            node["metadata"]["name"]
            for node in self.get("nodes")["items"]
            if not node["spec"].get("taints")
        }

    def now(self) -> str:
        """The time that the control plane goes by: that of its kubelet's last sign of life."""
        lease = self.get("lease", "control", "--namespace=kube-node-lease")
        return str(lease["spec"]["renewTime"])

    @contextlib.contextmanager
    def alone(self, example: str) -> Iterator[None]:
        """Keep others waiting who want an example whose namespace or class is there only once."""
        with (self.lab.layout.run / f"{example}.lock").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def check(self) -> str:
        """What `holdfast check` says in the provisioner's pod, also when something fails."""
        words = ["--namespace=holdfast", "exec", "deployment/holdfast", "--", "holdfast", "check"]
        done = subprocess.run(
            [*self._kubectl(), *words], capture_output=True, text=True, timeout=60, check=False
        )
        return done.stdout


@dataclass(frozen=True)
class Space:
    """A namespace for one example."""

    cluster: Cluster
    name: str

    def kubectl(self, *words: str, text: str = "", deadline: float = 60.0) -> str:
        """What kubectl wrote; raises LabError."""
        return self.cluster.kubectl(
            f"--namespace={self.name}", *words, text=text, deadline=deadline
        )

    def get(self, *words: str) -> Any:
        """Objects as the API server has them."""
        return self.cluster.get(f"--namespace={self.name}", *words)

    def begin(self) -> None:
        """Make the namespace; what an earlier run left there goes first."""
        self.end()
        self.await_(f"namespace/{self.name}", "delete")
        self.kubectl("create", "namespace", self.name)

    def end(self) -> None:
        """Remove it with its volumes; not awaited."""
        for volume in self.volumes():
            name = volume["metadata"]["name"]
            with contextlib.suppress(LabError):  # gone meanwhile
                self.kubectl("patch", "pv", name, "--type=merge", f"--patch={json.dumps(_REMOVE)}")
        self.kubectl("delete", "namespace", self.name, "--ignore-not-found", "--wait=false")

    def volumes(self) -> list[Object]:
        """Those that the provisioner made for claims of this namespace."""
        return [
            volume
            for volume in self.cluster.get("pv")["items"]
            if volume["spec"].get("claimRef", {}).get("namespace") == self.name
            and "pv.kubernetes.io/provisioned-by" in volume["metadata"].get("annotations", {})
        ]

    def apply(self, folder: Path) -> None:
        """What the example's README says to do first."""
        self.kubectl("apply", "--kustomize", str(folder))

    def await_(self, what: str, condition: str) -> None:
        """Wait until `kubectl wait` sees a condition."""
        limit = f"--timeout={PATIENCE:.0f}s"
        self.kubectl("wait", what, f"--for={condition}", limit, deadline=PATIENCE + 10)

    def roll_out(self, what: str, deadline: float = PATIENCE) -> None:
        """Wait until a workload is as it should be."""
        limit = f"--timeout={deadline:.0f}s"
        self.kubectl("rollout", "status", what, limit, deadline=deadline + 10)

    def pods(self, selector: str = "") -> dict[str, Object]:
        """The pods by name, in the order of their names."""
        found = self.get("pods", f"--selector={selector}")["items"]
        return {pod["metadata"]["name"]: pod for pod in found}

    def run(self, pod: str, *command: str, deadline: float = 60.0) -> str:
        """What a command in a pod wrote; raises LabError."""
        return self.kubectl("exec", pod, "--", *command, deadline=deadline)

    def replace(self, *pods: str) -> None:
        """Delete pods, and wait until others of their names are ready."""
        before = {name: pod["metadata"]["uid"] for name, pod in self.pods().items()}
        self.kubectl("delete", "pod", *pods, deadline=PATIENCE)

        def replaced() -> bool:
            now = self.pods()
            return all(
                name in now and now[name]["metadata"]["uid"] != before[name] and is_ready(now[name])
                for name in pods
            )

        until(replaced, PATIENCE, f"other pods of the names {pods}")

    def claims(self) -> dict[str, Object]:
        """The claims by name."""
        return {claim["metadata"]["name"]: claim for claim in self.get("pvc")["items"]}

    def bound(self) -> dict[str, str]:
        """The volume of each claim that is bound."""
        return {
            name: claim["spec"]["volumeName"]
            for name, claim in self.claims().items()
            if claim["status"]["phase"] == "Bound"
        }

    def asker(self) -> str:
        """The name of a pod that has nslookup and wget."""
        manifest = EXAMPLES / "service-discovery/pod.yaml"
        self.kubectl("apply", f"--filename={manifest}")
        self.await_("pod/dns-test", "condition=Ready")
        return "dns-test"

    def resolve(self, name: str) -> set[str]:
        """The addresses of a name, as a pod's nslookup finds them; empty where it finds none."""
        try:
            said = self.run("dns-test", "nslookup", "-type=a", name)
        except LabError:
            return set()
        lines = said.partition("Name:")[2].splitlines()
        return {line.split()[-1] for line in lines if line.startswith("Address")}

    def happened(self, reason: str) -> list[str]:
        """The messages of events of one kind, in the order in which they were told."""
        found = self.get("events", f"--field-selector=reason={reason}")["items"]
        ordered = sorted(found, key=lambda event: int(event["metadata"]["resourceVersion"]))
        return [event["message"] for event in ordered]


def until(condition: Callable[[], bool], deadline: float = 60.0, what: str = "") -> None:
    """Wait for a condition that kubectl is asked about: each time costs processor time."""
    waiting.until(condition, deadline, what, pause=1.0)


def is_ready(pod: Object) -> bool:
    """Whether a pod is ready, and not on its way out."""
    return bool(ready_since(pod)) and "deletionTimestamp" not in pod["metadata"]


def ready_since(pod: Object) -> str:
    """When a pod became ready; empty when it is not."""
    for condition in pod["status"].get("conditions", []):
        if condition["type"] == "Ready" and condition["status"] == "True":
            return str(condition["lastTransitionTime"])
    return ""


def one_after_the_other(pods: list[Object]) -> bool:
    """Whether each pod was made when the one before it was ready."""
    pairs = itertools.pairwise(pods)
    return all(
        ready_since(first) <= second["metadata"]["creationTimestamp"] for first, second in pairs
    )


def address(pod: Object) -> str:
    """A pod's address; empty while it has none."""
    return str(pod["status"].get("podIP", ""))


def find_cluster(folder: Path) -> Cluster:
    """The cluster of the lab that `HOLDFAST_LAB` names; its kubeconfig is put into `folder`.

    Raises:
        LabError: it does not stand.
    """
    lab = open_lab(Layout.from_environment())
    try:
        return cluster_of(lab, folder)
    except LabError as error:
        raise LabError(
            f"the lab {lab.layout.name!r} has no cluster; run `make lab site` first ({error})"
        ) from error


def cluster_of(lab: Lab, folder: Path) -> Cluster:
    """The cluster of a lab; its kubeconfig is put into `folder`. Raises LabError."""
    kubeconfig = lab.guest("control").ssh(f"sudo cat {_ADMIN}")
    target = folder / "kubeconfig"
    target.touch(mode=0o600)
    target.write_text(kubeconfig)
    return Cluster(lab, target)
