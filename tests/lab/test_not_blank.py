"""Machines that are not blank: what others built stays, whatever goes wrong; in this order.

Not among what `make test` runs: it builds a cluster three times over.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed import sanity
from testbed.lab.interface import Guest, Lab, Wish
from testbed.lab.machines import NETWORK, chosen
from testbed.waiting import until
from tests.lab.site import (
    changed,
    complaints,
    interrupted,
    kubectl,
    play,
    standing,
)

pytestmark = pytest.mark.timeout(2400)

RESET = ("playbooks/reset.yml", "-e", "reset_confirm=control")
MANIFEST = "/etc/kubernetes/manifests/kube-apiserver.yaml"
ETCD = "/var/lib/etcd/member/precious"


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """A server, a control plane and a worker, with programs and images for them."""
    with standing("test-not-blank", Wish(chosen(["nfs", "control", "worker1"]))) as made:
        yield made


@pytest.fixture
def control(lab: Lab) -> Guest:
    return lab.guest("control")


@pytest.fixture
def worker(lab: Lab) -> Guest:
    return lab.guest("worker1")


@pytest.fixture
def nfs(lab: Lab) -> Guest:
    return lab.guest("nfs")


def test_a_machine_with_another_kubernetes_is_refused_before_any_is_changed(
    lab: Lab, control: Guest, worker: Guest, nfs: Guest
) -> None:
    worker.ssh(
        "sudo mkdir -p /etc/rancher/k3s && sudo ln -s k3s /usr/local/bin/kubectl"
        " && echo '#!/bin/sh' | sudo tee /usr/local/bin/k3s >/dev/null"
    )

    told = " ".join(complaints(lab, "site.yml").values())

    assert "worker1 has k3s (/usr/local/bin/k3s)" in told
    assert "Nothing was changed on any machine" in told
    for guest in (control, worker, nfs):
        assert guest.ssh("ls /etc/containerd /srv/nfs 2>/dev/null || :") == ""


def test_a_reset_leaves_another_kubernetes_as_it_is(lab: Lab, worker: Guest) -> None:
    told = complaints(lab, *RESET)

    assert "these playbooks did not install" in " ".join(told.values())
    assert worker.ssh("readlink /usr/local/bin/kubectl") == "k3s\n"
    worker.ssh("sudo rm -r /etc/rancher /usr/local/bin/k3s /usr/local/bin/kubectl")


def test_a_node_of_another_cluster_is_refused_and_left_as_it_is(lab: Lab, worker: Guest) -> None:
    worker.ssh("sudo mkdir -p /etc/kubernetes && sudo touch /etc/kubernetes/kubelet.conf")

    told = " ".join(complaints(lab, "playbooks/cluster.yml").values())

    assert "worker1 is a node of a cluster that these playbooks did not build" in told
    assert worker.ssh("ls /etc/kubernetes") == "kubelet.conf\n"
    worker.ssh("sudo rm -r /etc/kubernetes")


def test_what_kubeadm_refuses_is_not_reset(lab: Lab, control: Guest) -> None:
    """Seen: `kubeadm reset --force` followed any failure, and took what kubeadm had refused."""
    for path in (MANIFEST, ETCD):
        control.ssh(f"sudo install -D -m 600 /dev/stdin {path} <<< precious")

    told = complaints(lab, "playbooks/cluster.yml", "--limit", "control")

    assert "control has files in /var/lib/etcd" in " ".join(told.values())
    assert control.ssh(f"sudo cat {ETCD}") == "precious\n"
    control.ssh("sudo rm -r /var/lib/etcd")

    told = complaints(lab, "playbooks/cluster.yml", "--limit", "control")

    assert "control cannot become a control plane, and nothing was reset" in told["control"]
    assert "kube-apiserver.yaml already exists" in told["control"]
    assert control.ssh(f"sudo cat {MANIFEST}") == "precious\n"
    control.ssh("sudo rm -r /etc/kubernetes/manifests")


def test_a_connection_that_is_lost_in_the_initialisation_costs_no_cluster(
    lab: Lab, control: Guest
) -> None:
    """Seen: the next run took the mark for a broken start, and reset a living cluster."""
    interrupted(
        lab,
        *("playbooks/cluster.yml", "--limit", "control"),
        when="sudo kubectl --kubeconfig /etc/kubernetes/admin.conf get --raw /readyz",
        on=control,
    )
    kube = "sudo kubectl --kubeconfig /etc/kubernetes/admin.conf"
    until(lambda: not control.ssh("pgrep -x kubeadm || :"), 300, "kubeadm to end")
    control.ssh(f"{kube} create configmap precious --namespace kube-system")
    assert control.ssh("ls /etc/kubernetes | grep unfinished").strip()

    play(lab, "playbooks/cluster.yml", "--limit", "control", "-e", "pod_network_provider=none")

    assert control.ssh(f"{kube} get configmap precious --namespace kube-system --output name")
    assert control.ssh("ls /etc/kubernetes | grep unfinished || :") == ""


def test_a_connection_that_is_lost_in_the_join_is_made_good(lab: Lab, worker: Guest) -> None:
    interrupted(
        lab,
        "playbooks/cluster.yml",
        when="test -e /etc/kubernetes/bootstrap-kubelet.conf",
        on=worker,
    )
    until(lambda: not worker.ssh("pgrep -x kubeadm || :"), 300, "kubeadm to end")

    play(lab, "site.yml")

    assert "worker1" in kubectl(lab, "get", "nodes", "--output=name")
    assert worker.ssh("ls /etc/kubernetes | grep unfinished || :") == ""
    assert changed(play(lab, "site.yml")) == {}


def test_the_built_collection_does_the_same_from_any_folder(lab: Lab, tmp_path: Path) -> None:
    sanity.install(sanity.build(tmp_path), tmp_path)

    assert changed(play(lab, "holdfast.nfs.site", collections=tmp_path)) == {}


def test_the_endpoint_is_a_name_that_may_move(worker: Guest) -> None:
    configuration = worker.ssh("sudo cat /etc/kubernetes/kubelet.conf")

    assert "https://control-plane.internal:6443" in configuration
    assert worker.ssh("getent hosts control-plane.internal").split()[0] == "192.168.41.11"


def test_a_variable_that_cannot_be_changed_is_refused_by_its_name(lab: Lab) -> None:
    told = complaints(lab, "site.yml", "-e", "control_plane_proxy_mode=iptables")

    said = "control_plane_proxy_mode is iptables, but the cluster was made with nftables"
    assert said in " ".join(told.values())


def test_exports_do_not_end_because_variables_are_missing(lab: Lab, nfs: Guest) -> None:
    """Seen: an inventory that was copied without its group_vars gave ESTALE everywhere."""
    before = nfs.ssh("sudo cat /var/lib/nfs/etab")

    told = " ".join(complaints(lab, "site.yml", "-e", '{"nfs_server_exports": []}').values())

    assert "nfs_server_exports is empty, and this machine exports /srv/nfs/k8s" in told
    assert nfs.ssh("sudo cat /var/lib/nfs/etab") == before


def test_what_somebody_exported_by_hand_stays(lab: Lab, nfs: Guest) -> None:
    nfs.ssh("sudo mkdir -p /srv/media && sudo exportfs -o ro 192.168.41.21:/srv/media")
    usual = {"path": "/srv/nfs/k8s", "clients": [NETWORK], "options": ["rw", "no_root_squash"]}
    more = [usual, {"path": "/srv/nfs/more", "clients": [NETWORK]}]

    restarting = {"nfs_server_exports": more, "nfs_server_threads": 24}
    play(lab, "playbooks/storage.yml", "-e", json.dumps(restarting))

    assert nfs.ssh("sudo cat /proc/fs/nfsd/threads") == "24\n"
    assert "/srv/media" in nfs.ssh("sudo cat /var/lib/nfs/etab")
    assert "typed" not in nfs.ssh("ls /etc/exports.d")
    play(lab, "playbooks/storage.yml", "-e", '{"nfs_server_withdraw": ["/srv/nfs/more"]}')
    assert "/srv/nfs/more" not in nfs.ssh("sudo cat /var/lib/nfs/etab")


def test_a_dead_worker_holds_up_no_other_machine(lab: Lab, worker: Guest) -> None:
    """Seen: every later run waited for it for 300 s, and failed."""
    worker.kill()
    kubectl(lab, "wait", "node/worker1", "--for=condition=Ready=Unknown", "--timeout=180s")

    told = complaints(lab, "playbooks/cluster.yml")

    assert set(told) == {"worker1"}
    worker.start()
    lab.up(Wish(chosen(["nfs", "control", "worker1"])))
    kubectl(lab, "wait", "node/worker1", "--for=condition=Ready", "--timeout=240s")


def test_a_worker_is_removed_and_added_again(lab: Lab, worker: Guest) -> None:
    play(lab, "playbooks/remove_node.yml", "-e", "remove_node=worker1")

    assert "worker1" not in kubectl(lab, "get", "nodes", "--output=name")
    assert worker.ssh("ls -d /etc/kubernetes /usr/local/bin/kubelet 2>/dev/null || :") == ""

    labels = json.dumps({"kubernetes_node_labels": {"disk": "ssd"}})
    play(lab, "playbooks/add_node.yml", "--limit", "worker1", "-e", labels)

    assert kubectl(lab, "get", "nodes", "--selector=disk=ssd", "--output=name") == "node/worker1\n"


def test_a_worker_that_is_down_is_removed_too(lab: Lab, worker: Guest) -> None:
    worker.kill()
    kubectl(lab, "wait", "node/worker1", "--for=condition=Ready=Unknown", "--timeout=180s")
    remove = ("playbooks/remove_node.yml", "-e", "remove_node=worker1")

    told = " ".join(complaints(lab, *remove).values())

    assert "worker1 cannot be reached. If it is only cut off" in told
    assert "worker1" in kubectl(lab, "get", "nodes", "--output=name")

    play(lab, *remove, "-e", "remove_node_is_off=worker1")

    assert "worker1" not in kubectl(lab, "get", "nodes", "--output=name")
    worker.start()
    lab.up(Wish(chosen(["nfs", "control", "worker1"])))
    play(lab, *RESET, "--limit", "worker1")
    play(lab, "playbooks/add_node.yml", "--limit", "worker1")
    assert "worker1" in kubectl(lab, "get", "nodes", "--output=name")


def test_a_reset_asks_first(lab: Lab) -> None:
    told = " ".join(complaints(lab, "playbooks/reset.yml").values())

    assert "Nothing was removed" in told
    assert "nfs: the exports end (/srv/nfs/k8s); the data there stays." in told
    assert "worker1" in kubectl(lab, "get", "nodes", "--output=name")


def test_a_reset_of_the_server_alone_is_refused_while_nodes_are_connected(
    lab: Lab, nfs: Guest
) -> None:
    told = " ".join(complaints(lab, *RESET, "--limit", "nfs").values())

    assert "connected and no node that this run removes" in told
    assert "/srv/nfs/k8s" in nfs.ssh("sudo cat /var/lib/nfs/etab")


def test_a_reset_that_fails_on_a_node_leaves_the_storage(
    lab: Lab, worker: Guest, nfs: Guest
) -> None:
    worker.ssh("sudo chattr +i /etc/sysctl.d/90-kubernetes.conf")

    complaints(lab, *RESET)

    assert "/srv/nfs/k8s" in nfs.ssh("sudo cat /var/lib/nfs/etab")
    worker.ssh("sudo chattr -i /etc/sysctl.d/90-kubernetes.conf")


def test_a_reset_leaves_what_others_built(lab: Lab, control: Guest, nfs: Guest) -> None:
    control.ssh("echo '{}' | sudo tee /etc/cni/net.d/99-others.conflist")
    nfs.ssh("echo '/srv/media 192.168.41.21(ro,no_subtree_check)' | sudo tee /etc/exports")
    nfs.ssh("sudo exportfs -a")

    play(lab, *RESET, "-e", "nfs_server_wipe=yes")

    assert control.ssh("ls /etc/cni/net.d") == "99-others.conflist\n"
    assert nfs.ssh("systemctl is-active nfs-server") == "active\n"
    table = nfs.ssh("sudo cat /var/lib/nfs/etab")
    assert "/srv/media" in table
    assert "/srv/nfs/k8s" not in table
    assert nfs.ssh("test -d /srv/media && echo there") == "there\n"


def test_a_second_reset_changes_nothing(lab: Lab) -> None:
    assert changed(play(lab, *RESET)) == {}
