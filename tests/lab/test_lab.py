"""Real machines: made, reached, restarted, and gone without a trace."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.errors import LabError
from testbed.lab import network
from testbed.lab.commands import run
from testbed.lab.guest import UmlGuest as Guest
from testbed.lab.interface import Wish
from testbed.lab.lab import UmlLab as Lab
from testbed.lab.layout import Layout
from testbed.lab.machines import chosen
from testbed.waiting import until
from tests.lab.site import CHECKOUT

pytestmark = [pytest.mark.timeout(300), pytest.mark.uml]


@pytest.fixture(params=["nfs", "worker2"])
def guest(lab: Lab, request: pytest.FixtureRequest) -> Guest:
    return lab.guest(request.param)


@pytest.fixture
def other() -> Iterator[Lab]:
    """A lab that the test ends itself, or leaves in a state that is no good."""
    made = Lab(Layout("test-other"))
    made.down()
    yield made
    made.down()


def typed(lab: Lab, *words: str) -> subprocess.CompletedProcess[str]:
    """What a person types."""
    return subprocess.run(
        [sys.executable, "-m", "testbed.lab", *words],
        env=os.environ | {"HOLDFAST_LAB": lab.layout.name},
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


def traces(lab: Lab) -> list[str]:
    """What there is of a lab: folders, files, namespace, mounts, loop devices, processes."""
    layout = lab.layout
    places = [path for path in (layout.run, layout.disks, layout.inventory) if path.exists()]
    found = [str(path) for path in places]
    found += [layout.namespace] if network.exists(layout.namespace) else []
    mounted = Path("/proc/mounts").read_text() + run(["losetup", "--list"])
    found += [line for line in mounted.splitlines() if layout.name in line]
    return found + [line for line in run(["ps", "-eo", "args"]).splitlines() if is_of(layout, line)]


def is_of(layout: Layout, command: str) -> bool:
    return str(layout.run) in command or f"/run/netns/{layout.namespace} " in command


def test_each_machine_is_the_release_it_should_be(lab: Lab) -> None:
    releases = [guest.ssh(". /etc/os-release; echo $VERSION_CODENAME") for guest in lab.guests()]

    assert releases == ["trixie\n", "bookworm\n"]


def test_nothing_failed_while_it_started(guest: Guest) -> None:
    until(lambda: "running" in guest.ssh("systemctl is-system-running || :"), 60)

    assert guest.ssh("systemctl --failed --no-legend") == ""


def test_machines_reach_each_other_by_name_and_nobody_else(lab: Lab) -> None:
    guest = lab.guest("nfs")

    assert "1 received" in guest.ssh("sudo ping -c 1 -W 5 worker2")
    with pytest.raises(LabError):
        guest.ssh("sudo ping -c 1 -W 1 192.0.2.1")


def test_the_kernel_can_what_the_roles_need(guest: Guest) -> None:
    known = guest.ssh("cat /proc/filesystems").split()
    controllers = guest.ssh("cat /sys/fs/cgroup/cgroup.controllers").split()

    assert {"nfs", "nfs4", "nfsd", "xfs", "ext4", "overlay"} <= set(known)
    assert {"cpuset", "cpu", "io", "memory", "pids"} <= set(controllers)


def test_the_kubelet_finds_what_it_asks_about_processors(guest: Guest) -> None:
    told = guest.ssh("cat /proc/cpuinfo")

    assert told.count("cpu MHz") == told.count("core id") == told.count("processor") == 1


def test_the_kernel_looks_at_its_disks_also_when_nobody_uses_them(guest: Guest) -> None:
    # More often than anything else writes: the journal and the file system take seconds.
    count = "awk '$NF == \"ubd\" {print $2}' /proc/interrupts"
    told = guest.ssh(f"{count}; for i in 1 2 3 4 5; do sleep 2; {count}; done").split()

    assert all(int(later) > int(before) for before, later in itertools.pairwise(told))


def test_it_is_kept_on_one_processor(guest: Guest) -> None:
    pid = guest.process.pid()

    assert pid is not None
    assert len(os.sched_getaffinity(pid)) == 1


def test_packages_come_from_the_labs_own_server(guest: Guest) -> None:
    guest.ssh("sudo apt-get update --quiet", deadline=60)

    offered = guest.ssh("apt-cache policy nfs-kernel-server containerd")
    assert offered.count("http://192.168.41.1:8000/debian/") == 2


def test_the_export_disk_is_there_and_blank(lab: Lab) -> None:
    guest = lab.guest("nfs")

    assert guest.ssh("lsblk --noheadings --bytes --output SIZE /dev/ubdb").strip() == str(8 << 30)
    with pytest.raises(LabError):  # status 2: nothing was found on it
        guest.ssh("sudo blkid --probe /dev/ubdb")


def test_a_reboot_from_inside_brings_it_back_with_its_files(guest: Guest) -> None:
    before = guest.ssh("touch kept; cat /proc/sys/kernel/random/boot_id")

    guest.reboot()

    assert guest.ssh("ls kept; cat /proc/sys/kernel/random/boot_id") != f"kept\n{before}"
    assert guest.process.pid() is not None


def test_after_a_power_cut_it_starts_with_what_was_synced(guest: Guest) -> None:
    guest.ssh("echo whole > synced; sync synced; sync .")

    guest.cut_power()

    assert guest.ssh("cat synced") == "whole\n"


def test_up_leaves_running_machines_alone_and_starts_those_that_are_off(lab: Lab) -> None:
    nfs, worker = lab.guests()
    running = nfs.process.pid()
    worker.power_off()
    assert worker.process.pid() is None

    lab.up(Wish([nfs.machine, worker.machine], bare=True))

    assert nfs.process.pid() == running
    assert worker.ssh("hostname") == "worker2\n"


def test_status_says_who_is_up_and_ends_well_only_if_all_are(lab: Lab) -> None:
    assert typed(lab, "status").returncode == 0
    lab.guest("worker2").process.kill()

    shown = typed(lab, "status")

    assert shown.returncode == 1
    assert "off" in shown.stdout
    lab.guest("worker2").cut_power()


def test_ssh_passes_output_and_exit_code_through(lab: Lab) -> None:
    done = typed(lab, "ssh", "nfs", "echo said; exit 7")

    assert (done.stdout, done.returncode) == ("said\n", 7)


def test_ansible_reaches_all_machines_with_the_inventory_as_it_is(lab: Lab) -> None:
    ansible = Path(sys.executable).with_name("ansible")

    said = run([ansible, "-i", lab.layout.inventory, "all", "-b", "-m", "command", "-a", "id -un"])

    assert said.count("root") == 2


def test_down_leaves_nothing_and_can_be_repeated(other: Lab) -> None:
    other.up(Wish(chosen(["nfs"]), bare=True))
    assert traces(other)

    other.down()
    assert traces(other) == []
    other.down()


def test_down_clears_up_after_an_up_that_was_killed(other: Lab) -> None:
    command = [sys.executable, "-m", "testbed.lab", "up", "--bare", "nfs"]
    environment = os.environ | {"HOLDFAST_LAB": other.layout.name}
    process = subprocess.Popen(command, env=environment, cwd=CHECKOUT, stdout=subprocess.DEVNULL)
    console = other.layout.run / "nfs.console"
    until(lambda: console.exists() and console.stat().st_size > 0, 60)
    process.send_signal(signal.SIGKILL)
    process.wait(10)

    done = typed(other, "down")

    assert done.returncode == 0, done.stderr
    assert traces(other) == []


def test_a_machine_that_does_not_start_is_told_and_nothing_half_made_stays(
    other: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel = tmp_path / "kernel"
    kernel.write_text("#!/bin/sh\necho Kernel panic: no root\n")
    kernel.chmod(0o755)
    monkeypatch.setattr("testbed.lab.lab.find_kernel", lambda *_, **__: kernel)

    with pytest.raises(LabError, match=r"(?s)nfs ended; .* ends with:\nKernel panic: no root"):
        other.up(Wish(chosen(["nfs"]), bare=True))

    assert traces(other) == []


def test_an_unknown_machine_is_a_sentence_not_a_trace(other: Lab) -> None:
    done = typed(other, "up", "wroker1")

    assert done.returncode == 1
    assert done.stderr.startswith("lab: there is no machine 'wroker1'")
    assert "Traceback" not in done.stderr
