"""Snapshots of etcd: one is there, whole and for root alone, and the next one will be taken."""

from __future__ import annotations

from testinfra.host import Host

from tests.testinfra.looking import settings

testinfra_hosts = ["ansible://control_plane?sudo=true"]

TIMER = "holdfast-etcd-snapshot.timer"
# The last 32 bytes are the checksum of those before; without the program that wrote them.
CHECK = """
import hashlib, sys
data = open(sys.argv[1], "rb").read()
print(data[16:20].hex(), len(data) % 512, hashlib.sha256(data[:-32]).digest() == data[-32:])
"""


def snapshots(host: Host) -> list[str]:
    folder = settings(host, "etcd_snapshots")["etcd_snapshots_directory"]
    return list(host.check_output("ls %s/*.db", folder).splitlines())


def test_there_is_a_snapshot_and_not_more_than_are_kept(host: Host) -> None:
    assert 1 <= len(snapshots(host)) <= settings(host, "etcd_snapshots")["etcd_snapshots_keep"]


def test_each_snapshot_is_whole(host: Host) -> None:
    told = {path: host.check_output("python3 -c %s %s", CHECK, path) for path in snapshots(host)}

    assert {path: said for path, said in told.items() if said != "edda0ced 32 True"} == {}


def test_snapshots_are_for_root_to_read(host: Host) -> None:
    """Each has all Secrets of the cluster in it."""
    files = [host.file(path) for path in snapshots(host)]
    folder = host.file(settings(host, "etcd_snapshots")["etcd_snapshots_directory"])

    assert {(file.user, file.mode) for file in files} == {("root", 0o600)}
    assert (folder.user, folder.mode) == ("root", 0o700)


def test_the_next_one_will_be_taken(host: Host) -> None:
    calendar = settings(host, "etcd_snapshots")["etcd_snapshots_calendar"]
    timer = host.service(TIMER)

    assert timer.is_running
    assert timer.is_enabled
    assert f"OnCalendar={calendar}" in host.check_output("systemctl cat %s", TIMER).splitlines()


def test_what_a_restore_parks_is_gone(host: Host) -> None:
    assert not host.file("/etc/kubernetes/holdfast-restore").exists
