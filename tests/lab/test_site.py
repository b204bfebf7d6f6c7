"""site.yml on four real machines, from nothing to pods that write; slow, and in this order."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from testbed.lab.commands import run
from testbed.lab.guest import Guest
from testbed.lab.lab import Lab, Wish
from testbed.lab.layout import Layout
from testbed.waiting import until
from tests.lab.seeds import CLASS, EXPORT, objects, written

pytestmark = pytest.mark.timeout(2400)
CHECKOUT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
WEB = ("web-0", "web-1")


@pytest.fixture(scope="module")
def whole() -> Iterator[Lab]:
    """All four machines, with programs and images for them."""
    made = Lab(Layout("test-site"))
    made.down()
    made.up(Wish())
    yield made
    made.down()


def play(lab: Lab, *words: str) -> dict[str, dict[str, int]]:
    """Run a playbook; what Ansible counted on each machine."""
    done = subprocess.run(
        [BIN / "ansible-playbook", "-i", lab.layout.inventory, *words],
        cwd=CHECKOUT,
        env=os.environ | {"ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json"},
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )
    told = json.loads(done.stdout[done.stdout.index("{\n") :])
    assert done.returncode == 0, failures(told) or done.stderr
    counted: dict[str, dict[str, int]] = told["stats"]
    return counted


def failures(told: dict[str, Any]) -> list[str]:
    """What the tasks that failed said."""
    return [
        f"{machine}: {task['task']['name']}: {result.get('msg')}"
        for played in told["plays"]
        for task in played["tasks"]
        for machine, result in task["hosts"].items()
        if result.get("failed") or result.get("unreachable")
    ]


def kubectl(lab: Lab, *words: str, text: str = "") -> str:
    command = ["ssh", "-F", str(lab.layout.ssh_config), "control", "kubectl", *words]
    return run(command, text=text, deadline=240)


def changed(counted: dict[str, dict[str, int]]) -> dict[str, int]:
    return {machine: of["changed"] for machine, of in counted.items() if of["changed"]}


def test_a_dry_run_on_bare_machines_comes_to_its_end(whole: Lab) -> None:
    assert set(play(whole, "site.yml", "--check", "--diff")) >= {"nfs", "control", "worker1"}


def test_one_command_makes_a_cluster_with_volumes(whole: Lab) -> None:
    assert set(changed(play(whole, "site.yml"))) == {"nfs", "control", "worker1", "worker2"}


def test_the_same_command_again_changes_nothing(whole: Lab) -> None:
    assert changed(play(whole, "site.yml")) == {}


def test_a_dry_run_on_built_machines_finds_nothing_to_change(whole: Lab) -> None:
    assert changed(play(whole, "site.yml", "--check", "--diff")) == {}


def test_a_changed_variable_changes_that_alone(whole: Lab) -> None:
    counted = play(whole, "playbooks/storage.yml", "-e", "nfs_server_threads=24")

    assert set(changed(counted)) == {"nfs"}
    assert whole.guest("nfs").ssh("cat /proc/fs/nfsd/threads") == "24\n"
    play(whole, "playbooks/storage.yml")


def test_an_administrator_finds_nothing_to_complain_of(whole: Lab) -> None:
    inventory = f"--ansible-inventory={whole.layout.inventory}"
    done = subprocess.run(
        [BIN / "pytest", "tests/testinfra", inventory, "--quiet", "-p", "no:cacheprovider"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-6000:]


@pytest.fixture(scope="module")
def web(whole: Lab) -> Iterator[list[dict[str, Any]]]:
    """The pods of the seeds' StatefulSet, running and writing."""
    kubectl(whole, "apply", "--filename=-", text=json.dumps(objects()))
    kubectl(whole, "rollout", "status", "statefulset/web", "--timeout=200s")
    yield json.loads(kubectl(whole, "get", "pods", "--selector=app=nginx", "--output=json"))[
        "items"
    ]
    kubectl(whole, "delete", "--filename=-", "--wait", text=json.dumps(objects()))


def directories(lab: Lab) -> dict[str, str]:
    """The directory on the server of each pod's claim."""
    claims = json.loads(kubectl(lab, "get", "pvc", "--output=json"))["items"]
    return {
        claim["metadata"]["name"].removeprefix("www-"): (
            f"{EXPORT}/default-{claim['metadata']['name']}-{claim['spec']['volumeName']}"
        )
        for claim in claims
        if claim["spec"]["storageClassName"] == CLASS
    }


def numbers(lab: Lab, directory: str) -> list[int]:
    """What a pod has written, as the server has it; nothing while its disk is not mounted yet."""
    return written(lab.guest("nfs").ssh(f"cat {directory}/written || :"))


def await_more(lab: Lab, directory: str, than: int) -> None:
    """Wait until a pod has written so many; the server's grace period alone may last 90 s."""
    until(lambda: len(numbers(lab, directory)) > than, 300, f"{than} numbers in {directory}")


def test_the_pods_of_the_seeds_run_on_two_workers(web: list[dict[str, Any]]) -> None:
    assert [pod["metadata"]["name"] for pod in web] == list(WEB)
    assert {pod["spec"]["nodeName"] for pod in web} == {"worker1", "worker2"}


@pytest.mark.usefixtures("web")
def test_each_pod_writes_to_a_directory_of_its_own(whole: Lab) -> None:
    found = directories(whole)
    names = [whole.guest("nfs").ssh(f"cat {found[name]}/name").strip() for name in WEB]

    assert names == list(WEB)


@pytest.mark.usefixtures("web")
@pytest.mark.parametrize("interrupt", [Guest.reboot, Guest.cut_power])
def test_pods_write_on_after_the_server_was_away_and_nothing_is_lost(
    whole: Lab, interrupt: Callable[[Guest], None]
) -> None:
    found = directories(whole)
    before = {name: len(numbers(whole, found[name])) for name in WEB}

    interrupt(whole.guest("nfs"))

    for name in WEB:
        await_more(whole, found[name], before[name] + 20)
        # What a pod was told is on the disk, it says itself; then look what is there.
        told = written(kubectl(whole, "logs", name, "--container=writer"))
        kept = numbers(whole, found[name])

        assert kept == list(range(1, len(kept) + 1))
        assert set(told) <= set(kept)
        assert told[-1] > before[name]


@pytest.mark.usefixtures("web")
def test_no_pod_was_started_anew_for_it(whole: Lab) -> None:
    pods = json.loads(kubectl(whole, "get", "pods", "--selector=app=nginx", "--output=json"))
    statuses = [each for pod in pods["items"] for each in pod["status"]["containerStatuses"]]

    assert [each["restartCount"] for each in statuses] == [0] * len(statuses)
