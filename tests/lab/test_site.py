"""site.yml on four real machines, from nothing to pods that write; slow, and in this order."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from collections.abc import Callable, Iterator
from operator import methodcaller
from pathlib import Path

import pytest

from testbed.lab import services
from testbed.lab.interface import Guest, Lab, Wish
from testbed.lab.services import FILES_URL
from testbed.programs.recipes import KUBERNETES_VERSION, architecture
from tests.lab.site import BIN, CHECKOUT, WEB, Web, changed, complaints, play, standing

pytestmark = pytest.mark.timeout(2400)
MACHINES = {"nfs", "control", "worker1", "worker2"}


# Where each node is told to fetch its programs from; one is not even there.
NO_PROGRAMS = {"control": "nowhere", "worker1": "broken", "worker2": "release"}


def broken_release(folder: Path) -> Path:
    """A release with a program that came over the network in part."""
    place = folder / KUBERNETES_VERSION / "bin/linux" / architecture()
    place.mkdir(parents=True)
    (place / "kubeadm").write_text("half of")
    (place / "kubeadm.sha256").write_text(hashlib.sha256(b"half of it").hexdigest())
    return folder


@pytest.fixture(scope="module")
def whole() -> Iterator[Lab]:
    """All four machines, with programs and images for them."""
    with standing("test-site", Wish()) as made:
        yield made


def test_a_dry_run_on_bare_machines_comes_to_its_end(whole: Lab) -> None:
    assert set(play(whole, "site.yml", "--check", "--diff")) >= MACHINES


def test_a_disk_that_holds_something_is_refused_and_left_as_it_is(whole: Lab) -> None:
    nfs = whole.guest("nfs")
    disk = nfs.export_device
    look = f"sudo head -c 1M {disk} | sha256sum"
    # As an encrypted disk looks, and a database's own.
    nfs.ssh(f"head -c 4096 /dev/urandom | sudo dd of={disk} conv=fsync status=none")
    before = nfs.ssh(look)

    told = complaints(whole, "playbooks/storage.yml", "--limit", "nfs")

    assert f"{disk} is not empty: it holds data of an unknown kind" in told["nfs"]
    assert nfs.ssh(look) == before
    nfs.ssh(f"head -c 4096 /dev/zero | sudo dd of={disk} conv=fsync status=none")


@pytest.mark.uml(reason="the lab's own release server")
def test_each_node_says_what_keeps_its_programs_away_and_keeps_none(
    whole: Lab, tmp_path: Path
) -> None:
    services.publish(whole.layout, {"broken": broken_release(tmp_path)})
    whole.guest("worker2").power_off()
    urls = {name: f"{FILES_URL}/{place}" for name, place in NO_PROGRAMS.items()}
    wrong = {"kubernetes_node_release_url": "{{ urls[inventory_hostname] }}", "urls": urls}

    try:
        told = complaints(whole, "playbooks/cluster.yml", "--extra-vars", json.dumps(wrong))
    finally:
        whole.up(Wish())

    assert "kubeadm.sha256: the server says 404 File not found. Check kuber" in told["control"]
    assert "/kubeadm has the checksum " in told["worker1"]
    assert re.search("Failed to connect|Timeout", told["worker2"])
    for name in ("control", "worker1"):
        assert whole.guest(name).ssh("find /opt/kubernetes -type f") == ""


def test_one_command_makes_a_cluster_with_volumes(whole: Lab) -> None:
    assert set(changed(play(whole, "site.yml"))) == MACHINES


def test_the_same_command_again_changes_nothing(whole: Lab) -> None:
    assert changed(play(whole, "site.yml")) == {}


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


def test_the_look_at_all_machines_finds_nothing(whole: Lab) -> None:
    """On Debian 12 and 13 at once."""
    assert changed(play(whole, "playbooks/check.yml")) == {}


@pytest.fixture(scope="module")
def web(whole: Lab) -> Web:
    """The pods of the seeds' StatefulSet, running and writing until the end."""
    made = Web(whole)
    made.begin()
    return made


def test_the_pods_of_the_seeds_run_on_two_workers(web: Web) -> None:
    pods = web.pods()

    assert [pod["metadata"]["name"] for pod in pods] == list(WEB)
    assert {pod["spec"]["nodeName"] for pod in pods} == {"worker1", "worker2"}


def test_each_pod_writes_to_a_directory_of_its_own(whole: Lab, web: Web) -> None:
    found = web.directories()
    names = [whole.guest("nfs").ssh(f"cat {found[name]}/name").strip() for name in WEB]

    assert names == list(WEB)


@pytest.mark.parametrize("interrupt", [methodcaller("reboot"), methodcaller("cut_power")])
def test_pods_write_on_after_the_server_was_away_and_nothing_is_lost(
    whole: Lab, web: Web, interrupt: Callable[[Guest], None]
) -> None:
    found = web.directories()
    before = {name: len(web.numbers(found[name])) for name in WEB}

    interrupt(whole.guest("nfs"))

    for name in WEB:
        web.await_more(found[name], before[name] + 20)
        # What a pod was told is on the disk, it says itself; then look what is there.
        told = web.told(name)
        kept = web.numbers(found[name])

        assert kept == list(range(1, len(kept) + 1))
        assert set(told) <= set(kept)
        assert told[-1] > before[name]


def test_no_pod_was_started_anew_for_it(web: Web) -> None:
    statuses = [each for pod in web.pods() for each in pod["status"]["containerStatuses"]]

    assert [each["restartCount"] for each in statuses] == [0] * len(statuses)


def test_reset_takes_apart_what_was_built_and_keeps_the_data(whole: Lab, web: Web) -> None:
    found = web.directories()
    before = {name: web.numbers(found[name]) for name in WEB}

    play(whole, "playbooks/reset.yml", "-e", "reset_confirm=control")

    for name in ("control", "worker1", "worker2"):
        left = whole.guest(name).ssh("cat /proc/mounts; pgrep -a 'kube|containerd-shim' || :")
        assert [line for line in left.splitlines() if "nfs4" in line or "kube" in line] == []
    for name in WEB:
        assert web.numbers(found[name])[: len(before[name])] == before[name]


def test_a_second_reset_has_nothing_to_do(whole: Lab) -> None:
    assert changed(play(whole, "playbooks/reset.yml", "-e", "reset_confirm=control")) == {}
