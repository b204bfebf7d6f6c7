"""Kubernetes that another installed is seen by what it leaves on the machine."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.holdfast.nfs.plugins.module_utils.kubernetes_node.others import (
    busy_ports,
    others,
)

OURS = "/opt/kubernetes"
HEAD = (
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout\n"
)


def has(root: Path, path: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).touch()


def links(root: Path, target: str) -> None:
    (root / "usr/local/bin").mkdir(parents=True, exist_ok=True)
    (root / "usr/local/bin/kubectl").symlink_to(target)


def listens(root: Path, table: str, *lines: str) -> None:
    (root / "proc/net").mkdir(parents=True, exist_ok=True)
    (root / "proc/net" / table).write_text(HEAD + "".join(f"{line} 0 0\n" for line in lines))


def test_a_bare_machine_has_none(tmp_path: Path) -> None:
    assert others(tmp_path, OURS) == []
    assert busy_ports(tmp_path) == []


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("usr/local/bin/k3s", "k3s"),
        ("var/lib/rancher/rke2", "RKE2"),
        ("var/snap/microk8s", "MicroK8s"),
        ("etc/k0s", "k0s"),
        ("var/snap/k8s", "Canonical Kubernetes"),
        ("snap/docker/current/bin/containerd", "containerd of a snap"),
        ("snap/other/current/usr/bin/containerd", "containerd of a snap"),
        ("usr/bin/kubelet", "a kubelet of a package"),
    ],
)
def test_a_distribution_is_told_with_the_path_that_it_was_known_by(
    tmp_path: Path, path: str, name: str
) -> None:
    has(tmp_path, path)

    assert others(tmp_path, OURS) == [f"{name} (/{path})"]


def test_programs_of_the_role_are_no_others(tmp_path: Path) -> None:
    links(tmp_path, f"{OURS}/v1.36.3/kubectl")

    assert others(tmp_path, OURS) == []


@pytest.mark.parametrize("target", ["k3s", "/opt/kubernetes-of-mine/kubectl", "/gone"])
def test_a_link_that_leads_elsewhere_is_anothers(tmp_path: Path, target: str) -> None:
    links(tmp_path, target)

    assert others(tmp_path, OURS) == ["another kubectl (/usr/local/bin/kubectl)"]


def test_a_program_in_place_of_the_link_is_anothers(tmp_path: Path) -> None:
    has(tmp_path, "usr/local/bin/kubeadm")

    assert others(tmp_path, OURS) == ["another kubeadm (/usr/local/bin/kubeadm)"]


def test_a_port_is_busy_when_a_program_listens_there(tmp_path: Path) -> None:
    listens(tmp_path, "tcp", "0: 0100007F:280A 00000000:0000 0A", "1: 0100007F:192B 0:0 01")
    listens(tmp_path, "tcp6", "0: 00000000000000000000000000000000:094B 0:0 0A", "1: 0:0016 0:0 0A")

    assert busy_ports(tmp_path) == [2379, 10250]
