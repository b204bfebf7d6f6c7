"""A cluster that is looked after: snapshots, the way back, certificates, and a look at all of it.

Not among what `make test` runs: `make test-care`. In this order.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from testbed.lab.interface import Guest, Lab, Wish
from testbed.lab.machines import NETWORK, chosen
from testbed.waiting import until
from tests.lab.site import changed, complaints, interrupted, kubectl, play, standing

pytestmark = pytest.mark.timeout(2400)

FOLDER = "/var/backups/etcd"
TAKE = "sudo systemctl start holdfast-etcd-snapshot.service"
RENEW = "sudo systemctl start holdfast-certificates.service"
# The API server's certificate, signed anew for 20 days.
SHORTEN = """\
cd /etc/kubernetes/pki
openssl x509 -x509toreq -copy_extensions copy -in apiserver.crt -signkey apiserver.key \
  | openssl x509 -req -copy_extensions copy -CA ca.crt -CAkey ca.key -days 20 -out apiserver.new
mv apiserver.new apiserver.crt
"""
EXPORT = "/srv/nfs/snapshots"
USUAL = {"path": "/srv/nfs/k8s", "clients": [NETWORK], "options": ["rw", "no_root_squash"]}
COPIES = {"path": EXPORT, "clients": ["192.168.41.11"], "options": ["rw", "no_root_squash"]}


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """A cluster of a control plane and a worker, with its server."""
    with standing("test-care", Wish(chosen(["nfs", "control", "worker1"]))) as made:
        play(made, "site.yml")
        yield made


@pytest.fixture
def control(lab: Lab) -> Guest:
    return lab.guest("control")


@pytest.fixture
def nfs(lab: Lab) -> Guest:
    return lab.guest("nfs")


def snapshots(control: Guest) -> list[str]:
    return control.ssh(f"sudo sh -c 'ls {FOLDER}/*.db'").splitlines()


def ready(lab: Lab) -> None:
    until(lambda: is_ready(lab), 300, "the API server to be ready")


def is_ready(lab: Lab) -> bool:
    try:
        return kubectl(lab, "get", "--raw", "/readyz") == "ok"
    except Exception:  # noqa: BLE001 - whatever it is that does not answer yet
        return False


def test_the_first_snapshot_was_taken_and_is_root_s(control: Guest) -> None:
    (path,) = snapshots(control)

    assert control.ssh(f"sudo stat --format='%a %U' {path}") == "600 root\n"


def test_a_second_run_changes_nothing(lab: Lab) -> None:
    assert changed(play(lab, "site.yml")) == {}


def test_the_look_at_all_machines_finds_nothing_and_changes_nothing(lab: Lab) -> None:
    assert changed(play(lab, "playbooks/check.yml")) == {}


def test_a_unit_that_failed_is_told_in_a_sentence(lab: Lab, control: Guest) -> None:
    control.ssh("sudo systemd-run --quiet --unit=of-somebody false || :")
    until(lambda: "failed" in control.ssh("systemctl is-failed of-somebody || :"), 30, "it to fail")

    told = " ".join(complaints(lab, "playbooks/check.yml").values())

    assert "control: The unit of-somebody.service has failed; see journalctl" in told
    control.ssh("sudo systemctl reset-failed of-somebody")


def test_an_export_that_is_gone_is_told(lab: Lab, nfs: Guest) -> None:
    nfs.ssh(f"sudo exportfs -u {NETWORK}:/srv/nfs/k8s")

    told = " ".join(complaints(lab, "playbooks/check.yml").values())

    assert "nfs: /srv/nfs/k8s of nfs_server_exports is not exported" in told
    nfs.ssh("sudo exportfs -r")


def test_a_node_that_is_not_ready_is_told(lab: Lab) -> None:
    worker = lab.guest("worker1")
    worker.ssh("sudo systemctl stop kubelet")
    # The control plane waits for 50 seconds before it says so.
    kubectl(lab, "wait", "node/worker1", "--for=condition=Ready=Unknown", "--timeout=180s")

    told = " ".join(complaints(lab, "playbooks/check.yml").values())

    assert "control: Node worker1 is not ready: Kubelet stopped posting node status." in told
    worker.ssh("sudo systemctl start kubelet")
    kubectl(lab, "wait", "node/worker1", "--for=condition=Ready", "--timeout=180s")


def test_more_snapshots_than_are_kept_are_removed_but_none_of_others(
    lab: Lab, control: Guest
) -> None:
    control.ssh(f"sudo cp {snapshots(control)[0]} {FOLDER}/etcd-control-20200101T000000Z.db")
    play(lab, "playbooks/cluster.yml", "-e", "etcd_snapshots_keep=2")
    for _ in range(3):
        control.ssh(f"{TAKE} && sleep 1")

    kept = snapshots(control)

    assert len(kept) == 3
    assert kept[0].endswith("etcd-control-20200101T000000Z.db")


def test_a_snapshot_is_copied_to_an_export(lab: Lab, control: Guest, nfs: Guest) -> None:
    play(lab, "playbooks/storage.yml", "-e", json.dumps({"nfs_server_exports": [USUAL, COPIES]}))
    play(lab, "playbooks/cluster.yml", "-e", f"etcd_snapshots_copy_to=192.168.41.10:{EXPORT}")

    control.ssh(TAKE)

    newest = snapshots(control)[-1].rpartition("/")[2]
    there = nfs.ssh(f"sudo sha256sum {EXPORT}/{newest}").split()[0]
    assert control.ssh(f"sudo sha256sum {FOLDER}/{newest}").split()[0] == there
    assert "holdfast-etcd-snapshots" not in control.ssh("cat /proc/self/mountinfo")


def test_a_server_that_is_down_costs_the_copy_only(lab: Lab, control: Guest, nfs: Guest) -> None:
    play(
        lab,
        "playbooks/cluster.yml",
        *("-e", f"etcd_snapshots_copy_to=192.168.41.10:{EXPORT}"),
        *("-e", "etcd_snapshots_copy_timeout=60"),
    )
    before = len(snapshots(control))
    nfs.ssh("sudo systemctl stop nfs-server")

    control.ssh(f"{TAKE} || :")

    assert len(snapshots(control)) == before + 1
    said = control.ssh("sudo journalctl --unit holdfast-etcd-snapshot --lines 20 --output cat")
    assert "was taken, but not copied to 192.168.41.10" in said
    nfs.ssh("sudo systemctl start nfs-server")
    control.ssh("sudo systemctl reset-failed holdfast-etcd-snapshot.service")


def test_what_is_no_snapshot_is_refused_and_the_cluster_goes_on(lab: Lab, control: Guest) -> None:
    control.ssh("echo precious | sudo tee /root/notes >/dev/null")

    told = complaints(
        lab, "playbooks/restore_etcd.yml", "-e", "restore_snapshot=/root/notes", *CONFIRMED
    )

    assert "/root/notes is no snapshot of etcd" in told["control"]
    assert is_ready(lab)


CONFIRMED = ("-e", "restore_confirm=control")


def test_a_restore_asks_first(lab: Lab, control: Guest) -> None:
    path = snapshots(control)[-1]

    told = complaints(lab, "playbooks/restore_etcd.yml", "-e", f"restore_snapshot={path}")

    assert "Nothing was changed. control: the cluster goes back to the snapshot" in told["control"]
    assert is_ready(lab)


def test_the_cluster_goes_back_to_a_snapshot_and_keeps_what_it_had(
    lab: Lab, control: Guest
) -> None:
    kubectl(lab, "create", "configmap", "before")
    control.ssh(TAKE)
    path = snapshots(control)[-1]
    kubectl(lab, "create", "configmap", "after")

    play(lab, "playbooks/restore_etcd.yml", "-e", f"restore_snapshot={path}", *CONFIRMED)

    names = kubectl(lab, "get", "configmaps", "--output=name")
    assert "configmap/before" in names
    assert "configmap/after" not in names
    assert control.ssh("sudo ls /var/lib/etcd").count("member.before-") == 1
    kubectl(lab, "wait", "nodes", "--all", "--for=condition=Ready", "--timeout=240s")


def test_a_cluster_that_was_restored_works_as_before(lab: Lab) -> None:
    """Volumes and pods too, and clients that remember later revisions."""
    play(lab, "playbooks/verify.yml")
    play(lab, "playbooks/check.yml")


def test_a_restore_that_was_broken_off_is_taken_up(lab: Lab, control: Guest) -> None:
    kubectl(lab, "create", "configmap", "broken-off")
    control.ssh(TAKE)
    path = snapshots(control)[-1]
    words = ("playbooks/restore_etcd.yml", "-e", f"restore_snapshot={path}", *CONFIRMED)
    # Ansible's module goes on without its connection, and would hold up the next run.
    interrupted(
        lab, *words, when="sudo test -e /etc/kubernetes/holdfast-restore/etcd.yaml", on=control
    )
    held = "sudo find /proc/[0-9]*/fd -lname /run/holdfast-restore.lock 2>/dev/null || :"
    control.ssh(f"({held}) | cut -d/ -f3 | xargs --no-run-if-empty sudo kill -9")

    play(lab, *words)

    ready(lab)
    assert "configmap/broken-off" in kubectl(lab, "get", "configmaps", "--output=name")
    assert "holdfast-restore" not in control.ssh("sudo ls /etc/kubernetes")


def serial(control: Guest, path: str) -> str:
    return control.ssh(f"sudo openssl x509 -noout -serial -in {path}")


def test_certificates_are_renewed_and_used(lab: Lab, control: Guest) -> None:
    path = "/etc/kubernetes/pki/apiserver.crt"
    control.ssh(f"sudo sh -ec '{SHORTEN}'")
    before, kubeconfig = serial(control, path), control.ssh("cat ~/.kube/config")

    play(lab, "playbooks/cluster.yml")

    ready(lab)
    assert serial(control, path) != before
    asked = "openssl s_client -connect 127.0.0.1:6443 </dev/null 2>/dev/null"
    assert control.ssh(f"{asked} | openssl x509 -noout -serial") == serial(control, path)
    assert control.ssh("cat ~/.kube/config") != kubeconfig
    assert control.ssh("kubectl get nodes --output=name").startswith("node/")


def test_the_timer_s_program_has_nothing_left_to_do(lab: Lab, control: Guest) -> None:
    before = serial(control, "/etc/kubernetes/pki/apiserver.crt")

    control.ssh(RENEW)

    assert serial(control, "/etc/kubernetes/pki/apiserver.crt") == before
    assert changed(play(lab, "playbooks/cluster.yml")) == {}


def test_verify_tells_a_certificate_that_ends(lab: Lab) -> None:
    told = " ".join(
        complaints(lab, "playbooks/verify.yml", "-e", "verify_certificate_days=400").values()
    )

    assert "The certificate /etc/kubernetes/pki/apiserver.crt of control ends in 36" in told


def test_a_reset_ends_the_timers_and_leaves_the_snapshots(lab: Lab, control: Guest) -> None:
    play(lab, "playbooks/reset.yml", "-e", "reset_confirm=control")

    assert control.ssh("systemctl list-timers --all 'holdfast-*' --no-legend") == ""
    assert control.ssh("ls -d /usr/local/lib/holdfast_machine 2>/dev/null || :") == ""
    assert snapshots(control)
