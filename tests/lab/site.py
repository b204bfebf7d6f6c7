"""What tests do with a whole lab: run playbooks on it, and pods that write."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testbed.lab.commands import run
from testbed.lab.forms import VAGRANT, form, open_lab
from testbed.lab.interface import Guest, Lab, Wish
from testbed.lab.layout import DEFAULT, Layout
from testbed.waiting import until
from tests.lab.seeds import CLASS, EXPORT, objects, written

CHECKOUT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
PACKAGES = sysconfig.get_path("purelib")
WEB = ("web-0", "web-1")

Counted = dict[str, dict[str, int]]


@contextmanager
def standing(name: str, wish: Wish) -> Iterator[Lab]:
    """A lab for the length of the block; what an earlier run left of it goes first.

    Vagrant's has one name only.
    """
    made = open_lab(Layout(DEFAULT if form(os.environ) == VAGRANT else name))
    made.down()
    try:
        made.up(wish)
        yield made
    finally:
        made.down()


def play(
    lab: Lab, *words: str, collections: Path | None = None, inventory: Path | None = None
) -> Counted:
    """Run a playbook; what Ansible counted on each machine.

    With a folder of collections it is one of an installed collection, far from the checkout. The
    inventory is the lab's unless another is given.
    """
    done, told = _played(lab, *words, collections=collections, inventory=inventory)
    assert done.returncode == 0, failures(told) or done.stderr
    counted: Counted = told["stats"]
    return counted


def complaints(lab: Lab, *words: str, inventory: Path | None = None) -> dict[str, str]:
    """Run a playbook that has to fail; what it said, by machine."""
    done, told = _played(lab, *words, inventory=inventory)
    assert done.returncode != 0, told["stats"]
    return dict(failures(told))


def interrupted(lab: Lab, *words: str, when: str, on: Guest) -> None:
    """Run a playbook, and kill it once a command succeeds on a machine; kubeadm goes on."""
    command: list[str | Path] = [BIN / "ansible-playbook", "-i", lab.layout.inventory, *words]
    with subprocess.Popen(
        command,
        cwd=CHECKOUT,
        env=os.environ | {"ANSIBLE_SSH_ARGS": "-o ControlMaster=no"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as running:
        try:
            until(lambda: bool(on.ssh(f"{when} >/dev/null 2>&1 && echo y || :")), 300, when)
        finally:
            os.killpg(running.pid, signal.SIGKILL)


def _played(
    lab: Lab, *words: str, collections: Path | None = None, inventory: Path | None = None
) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    # Ansible's own collections are where they were: the callback that writes JSON is one of them.
    paths = f"{collections}:{PACKAGES}"
    elsewhere = {"ANSIBLE_COLLECTIONS_PATH": paths} if collections else {}
    done = subprocess.run(
        [BIN / "ansible-playbook", "-i", inventory or lab.layout.inventory, *words],
        cwd=collections or CHECKOUT,
        env=os.environ | {"ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json"} | elsewhere,
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )
    # After it the callbacks of ansible.cfg may say what took how long.
    told, _ = json.JSONDecoder().raw_decode(done.stdout, done.stdout.index("{\n"))
    return done, told


def failures(told: dict[str, Any]) -> list[tuple[str, str]]:
    """The machine and what it said, for each task that failed."""
    return [
        (machine, _complaint(task["task"]["name"], result))
        for played in told["plays"]
        for task in played["tasks"]
        for machine, result in task["hosts"].items()
        if result.get("failed") or result.get("unreachable")
    ]


def _complaint(task: str, result: dict[str, Any]) -> str:
    """What a person reads of it: the message, and how a command that failed ended."""
    last = str(result.get("stderr", "")).strip().splitlines()[-5:]
    return "\n  ".join([f"{task}: {result.get('msg')}", *last])


def changed(counted: Counted) -> dict[str, int]:
    """The machines on which something was changed, and how much."""
    return {machine: of["changed"] for machine, of in counted.items() if of["changed"]}


def kubectl(lab: Lab, *words: str, text: str = "") -> str:
    """What kubectl on the control plane wrote."""
    command = ["ssh", "-F", str(lab.layout.ssh_config), "control", "kubectl", *words]
    return run(command, text=text, deadline=240)


@dataclass(frozen=True)
class Web:
    """The pods of the seeds' StatefulSet, each writing numbers to its own volume."""

    lab: Lab

    def begin(self) -> None:
        """Apply it, and wait until both pods run."""
        kubectl(self.lab, "apply", "--filename=-", text=json.dumps(objects()))
        kubectl(self.lab, "rollout", "status", "statefulset/web", "--timeout=200s")

    def pods(self) -> list[dict[str, Any]]:
        """As the API server has them."""
        found = kubectl(self.lab, "get", "pods", "--selector=app=nginx", "--output=json")
        pods: list[dict[str, Any]] = json.loads(found)["items"]
        return pods

    def directories(self) -> dict[str, str]:
        """The directory on the server of each pod's claim."""
        claims = json.loads(kubectl(self.lab, "get", "pvc", "--output=json"))["items"]
        return {
            claim["metadata"]["name"].removeprefix("www-"): (
                f"{EXPORT}/default-{claim['metadata']['name']}-{claim['spec']['volumeName']}"
            )
            for claim in claims
            if claim["spec"]["storageClassName"] == CLASS
        }

    def numbers(self, directory: str) -> list[int]:
        """What a pod has written, as the server has it; none while no disk is mounted there."""
        return written(self.lab.guest("nfs").ssh(f"cat {directory}/written || :"))

    def told(self, pod: str) -> list[int]:
        """What a pod wrote, and was told that it is on the disk; not the errors in between."""
        lines = kubectl(self.lab, "logs", pod, "--container=writer").splitlines()
        return written("\n".join(filter(str.isdecimal, lines)))

    def await_more(self, directory: str, than: int) -> None:
        """Wait until a pod has written so many; the server's grace period alone may last 90 s."""
        until(lambda: len(self.numbers(directory)) > than, 300, f"{than} numbers in {directory}")
