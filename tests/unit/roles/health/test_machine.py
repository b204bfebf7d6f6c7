"""What is looked at on machines and in a cluster, and the sentence for each fault."""

from __future__ import annotations

import errno
import json
import os
import socket
import struct
import subprocess
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.nfs.plugins.module_utils.care.shelf import Shelf
from ansible_collections.holdfast.nfs.plugins.module_utils.health import (
    cluster,
    control_plane,
    machine,
    server,
)

from tests.unit.roles.care.given import NOW, snapshot

REMEDY = "see exportfs -s, and run playbooks/storage.yml."
TABLE = """\
22 1 8:1 / / rw - ext4 /dev/vda1 rw
23 22 0:5 / /proc rw - proc proc rw
24 22 8:2 / /srv/my\\040files rw - xfs /dev/vdb rw
25 22 8:2 /a /srv/again rw - xfs /dev/vdb rw
26 22 7:1 / /snap/core/1 ro - squashfs /dev/loop1 ro
27 22 0:40 / /var/lib/kubelet/pods/u/volumes/v rw - nfs4 192.0.2.10:/srv/nfs/k8s/a rw
28 22 0:40 / /var/lib/kubelet/pods/w/volumes/v rw - nfs4 192.0.2.10:/srv/nfs/k8s/b rw
"""


def filled(*, blocks: int = 50, files: int = 50) -> os.statvfs_result:
    """A file system that is so many percent full; of 100 GiB."""
    left, nodes = 100 - blocks, 100 - files
    return os.statvfs_result(
        (1 << 20, 1 << 20, 102400, left * 1024, left * 1024, 100, nodes, nodes, 0, 255)
    )


def full(**given: Any) -> list[str]:
    return list(machine.full_disks(TABLE, 90, lambda _: filled(**given)))


def test_disks_with_room_are_well() -> None:
    assert full(blocks=90, files=90) == []


def test_a_full_disk_is_told_once_with_what_is_left() -> None:
    assert full(blocks=95) == [
        "The file system / is 95 % full, with 5.0 GiB left; make room.",
        "The file system /srv/my files is 95 % full, with 5.0 GiB left; make room.",
    ]


@pytest.mark.parametrize("error", [errno.ENOENT, errno.EIO])
def test_a_file_system_that_cannot_be_looked_at_hides_no_other(error: int) -> None:
    """Seen: one that another is mounted over ended the look at all disks."""

    def stat(path: str) -> os.statvfs_result:
        if path == "/":
            raise OSError(error, os.strerror(error), path)
        return filled(blocks=95)

    told = list(machine.full_disks(TABLE, 90, stat))

    assert "The file system /srv/my files is 95 % full, with 5.0 GiB left; make room." in told
    assert told[:-1] == (
        ["The file system / cannot be looked at (Input/output error); see journalctl --dmesg."]
        if error == errno.EIO
        else []
    )


def test_a_disk_without_inodes_is_full_too() -> None:
    assert full(files=99)[0] == ("The file system / has 99 % of its inodes in use; remove files.")


def test_a_file_system_that_counts_none_is_not_full() -> None:
    nothing = os.statvfs_result((4096, 4096, 0, 0, 0, 0, 0, 0, 0, 255))

    assert list(machine.full_disks(TABLE, 90, lambda _: nothing)) == []


def test_a_failed_unit_is_told_with_where_to_look() -> None:
    listed = "x.service loaded failed failed NFS server and services\n\n"

    (said,) = machine.failed_units(listed)
    assert said == (
        "The unit x.service has failed; see journalctl --unit x.service, and once it is mended, "
        "systemctl reset-failed x.service."
    )
    assert list(machine.failed_units("")) == []


@pytest.mark.parametrize(
    ("off", "told"),
    [(0, ""), (-9, ""), (14, ""), (-60, "60 s behind"), (75, "75 s ahead")],
)
def test_a_clock_that_is_off_is_told(off: int, told: str) -> None:
    said = " ".join(machine.clock_faults(1000.0, 1000.0 + off, 10, ""))

    assert told in said
    assert bool(said) is bool(told)


@pytest.mark.parametrize(
    ("shown", "is_well"),
    [
        ("NTP=yes\nNTPSynchronized=yes\n", True),
        ("NTP=no\nNTPSynchronized=no\n", True),
        ("NTP=yes\nNTPSynchronized=no\n", False),
    ],
)
def test_a_time_service_that_does_not_set_the_clock_is_told(
    shown: str,
    is_well: bool,  # noqa: FBT001 - a case of the table
) -> None:
    assert bool(list(machine.clock_faults(0.0, 0.0, 10, shown))) is not is_well


def test_a_mount_that_does_not_answer_is_told_once_for_each_export(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = machine._ask
    asked: list[str] = []

    def ask(path: str) -> Any:
        asked.append(path)
        return real("/nowhere")

    monkeypatch.setattr(machine, "_ask", ask)
    (said,) = machine.silent_mounts(TABLE)

    assert asked == ["/var/lib/kubelet/pods/u/volumes/v"]
    assert said.startswith("The NFS mount /var/lib/kubelet/pods/u/volumes/v does not answer (")


def test_a_mount_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(_: str) -> Any:
        return subprocess.Popen(["sleep", "60"], stderr=-1, text=True)

    monkeypatch.setattr(machine, "_ask", ask)

    (said,) = machine.silent_mounts(TABLE, seconds=0.1)
    assert "(nothing within 0 s)" in said


def test_a_mount_that_answers_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    real = machine._ask
    monkeypatch.setattr(machine, "_ask", lambda _: real("/"))

    assert list(machine.silent_mounts(TABLE)) == []


def test_an_export_that_is_not_served_is_told() -> None:
    table = "/srv/a\t192.0.2.0/24(rw)\n/srv/media\t*(ro)\n"

    assert list(server.missing_exports(["/srv/a"], table)) == []
    assert list(server.missing_exports(["/srv/a", "/srv/b"], table)) == [
        f"/srv/b of nfs_server_exports is not exported; {REMEDY}",
    ]


def answering(listener: socket.socket, reply: bytes, got: list[bytes]) -> None:
    connection, _ = listener.accept()
    with connection:
        got.append(connection.recv(100))
        connection.sendall(reply)


@pytest.mark.parametrize("reply", [b"\x80\0\0\x18", b""])
def test_the_server_is_asked_a_call_that_does_nothing(reply: bytes) -> None:
    got: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answering, args=(listener, reply, got))
        thread.start()
        said = list(server.silence(port=listener.getsockname()[1], seconds=5))
        thread.join()

    assert bool(said) is not bool(reply)
    head, *words = struct.unpack(">11I", got[0])
    assert head == 0x80000000 | 40
    assert words[3:6] == [100003, 4, 0]


def test_a_server_that_does_not_listen_is_told() -> None:
    (said,) = server.silence(port=1)

    assert said.startswith("The NFS server does not answer on port 1 (")


WELL = {"leader": "331", "dbSize": "20480", "dbSizeQuota": "2147483648"}


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (WELL, ""),
        ({"leader": "331", "dbSize": "20480"}, ""),
        (
            {**WELL, "errors": ["memberID:33 alarm:NOSPACE "]},
            "etcd says: memberID:33 alarm:NOSPACE;",
        ),
        ({"dbSize": "20480"}, "etcd has no leader"),
        ({**WELL, "dbSize": "2000000000"}, "etcd's database has 1907 of 2048 MiB"),
    ],
)
def test_alarms_and_a_full_database_are_told(status: dict[str, Any], told: str) -> None:
    said = " ".join(control_plane.etcd_faults(status))

    assert said.startswith(told)
    assert bool(said) is bool(told)


def test_a_snapshot_that_is_too_old_is_told(tmp_path: Path) -> None:
    own = Shelf(tmp_path, "control", 1, "c1")

    def said(hours: float) -> str:
        return " ".join(control_plane.snapshot_faults(own, 26, NOW + timedelta(hours=hours)))

    assert "There is no snapshot of this cluster's etcd in" in said(0)
    Shelf(tmp_path, "control", 1, "c0").add([snapshot(b"of a former cluster")], NOW)
    assert "There is no snapshot of this cluster's etcd in" in said(0)
    own.add([snapshot()], NOW + timedelta(seconds=1))
    assert said(26) == ""
    assert "is 30 hours old; see journalctl --unit holdfast-etcd-snapshot" in said(30)


def test_a_snapshot_that_is_still_to_come_is_told_until_a_later_one_is_taken(
    tmp_path: Path,
) -> None:
    """The clock was ahead when it was taken."""
    own = Shelf(tmp_path, "control", 2, "c1")
    own.add([snapshot()], NOW + timedelta(days=2000))

    (said,) = control_plane.snapshot_faults(own, 26, NOW + timedelta(days=90))
    assert "is of 2032-05-20 12:00 UTC, which is still to come; set the clock right" in said

    own.add([snapshot(b"later")], NOW + timedelta(days=90))
    assert list(control_plane.snapshot_faults(own, 26, NOW + timedelta(days=90))) == []


def node(
    name: str,
    *,
    ready: str = "True",
    version: str = "v1.36.3",
    pressure: str = "False",
    system: str = "Debian GNU/Linux 13 (trixie)",
    containerd: str = "1.7.24",
) -> dict[str, Any]:
    return {
        "kind": "Node",
        "metadata": {"name": name},
        "status": {
            "conditions": [
                {"type": "Ready", "status": ready, "message": "container runtime is down."},
                {"type": "DiskPressure", "status": pressure, "message": "the disk is full"},
            ],
            "nodeInfo": {
                "kubeletVersion": version,
                "osImage": system,
                "containerRuntimeVersion": f"containerd://{containerd}",
            },
        },
    }


def pod(
    name: str, namespace: str = "kube-system", *, ready: str = "True", **status: Any
) -> dict[str, Any]:
    return {
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"nodeName": "control"},
        "status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": ready}],
            **status,
        },
    }


def deployment(ready: int) -> dict[str, Any]:
    return {
        "kind": "Deployment",
        "metadata": {"name": "holdfast", "namespace": "holdfast"},
        "spec": {"replicas": 2},
        "status": {"readyReplicas": ready} if ready else {},
    }


def faults(*items: dict[str, Any], nodes: tuple[str, ...] = ("control",)) -> list[str]:
    return cluster.cluster_faults(json.dumps({"items": items}), nodes, "holdfast")


def test_a_cluster_that_is_well_has_none() -> None:
    done = pod("job", ready="False", phase="Succeeded")

    assert faults(node("control"), pod("etcd-control"), done, deployment(2)) == []


def test_a_node_that_is_missing_or_not_ready_is_told() -> None:
    said = faults(node("control", ready="Unknown"), deployment(2), nodes=("control", "worker1"))

    assert said == [
        "The cluster has no node worker1; run playbooks/add_node.yml --limit worker1.",
        "Node control is not ready: container runtime is down.",
    ]


def test_a_node_short_of_something_is_told() -> None:
    assert faults(node("control", pressure="True"), deployment(2)) == [
        "Node control has DiskPressure: the disk is full."
    ]


def test_nodes_of_two_versions_are_told() -> None:
    (said,) = faults(node("control"), node("worker1", version="v1.35.4"), deployment(2))

    assert said == (
        "The nodes have kubelets of different versions (v1.36.3 on control; v1.35.4 on worker1); "
        "run playbooks/upgrade.yml to its end."
    )


def test_in_a_cluster_elsewhere_no_playbook_is_advised() -> None:
    (said,) = faults(node("a"), node("b", version="v1.35.4"), deployment(2), nodes=())

    assert said.endswith("(v1.36.3 on a; v1.35.4 on b); upgrade the older ones.")


def test_each_release_of_a_distribution_has_its_own_containerd() -> None:
    bookworm = node("worker2", system="Debian GNU/Linux 12 (bookworm)", containerd="1.6.20")

    assert faults(node("control"), bookworm, deployment(2)) == []


def test_nodes_of_one_release_with_two_versions_of_containerd_are_told() -> None:
    (said,) = faults(node("control"), node("worker1", containerd="1.7.28"), deployment(2))

    assert said == (
        "The nodes with Debian GNU/Linux 13 (trixie) have container runtimes of different versions "
        "(containerd://1.7.24 on control; containerd://1.7.28 on worker1); upgrade the packages of "
        "the older ones."
    )


def test_a_pod_of_the_system_that_is_not_ready_is_told_with_the_reason() -> None:
    waiting = {"name": "coredns", "state": {"waiting": {"reason": "ImagePullBackOff"}}}
    system = pod("coredns-1", ready="False", containerStatuses=[waiting])
    someones = pod("web-0", "default", ready="False")

    assert faults(node("control"), system, someones, deployment(2)) == [
        "Pod kube-system/coredns-1 on control is not ready: coredns ImagePullBackOff."
    ]


@pytest.mark.parametrize(
    ("items", "told"),
    [
        ((), "There is no provisioner in the namespace holdfast"),
        ((deployment(0),), "holdfast/holdfast has 0 of 2 pods ready"),
    ],
)
def test_a_provisioner_that_is_not_ready_is_told(
    items: tuple[dict[str, Any], ...], told: str
) -> None:
    (said,) = faults(node("control"), *items)

    assert said.startswith(told)
