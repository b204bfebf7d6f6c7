"""What a machine is already is told by its files."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.nfs.plugins.module_utils.kubernetes_node.machine import (
    HOSTS_MARK,
    SETTINGS,
    SETTINGS_FILE,
)
from ansible_collections.holdfast.nfs.plugins.module_utils.kubernetes_node.machine import (
    machine as machine_state,
)


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    (tmp_path / "etc/kubernetes/pki").mkdir(parents=True)
    set_all(tmp_path)
    return tmp_path


def state(root: Path) -> dict[str, Any]:
    return machine_state(root, "/opt/kubernetes")


def set_all(root: Path) -> None:
    """The kernel's settings as a node needs them, now and after a start."""
    for name in SETTINGS:
        write(root / "proc/sys" / name.replace(".", "/"), "1\n")
    write(root / SETTINGS_FILE, "".join(f"{name}=1\n" for name in SETTINGS))


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_bare_machine_is_nothing_and_its_kernel_has_all_to_be_set(tmp_path: Path) -> None:
    found = state(tmp_path)

    assert found.pop("unset") == list(SETTINGS)
    assert not any(found.values())


def test_what_a_node_needs_of_the_kernel_has_to_be_so_now_and_after_a_start(machine: Path) -> None:
    assert state(machine)["unset"] == []

    write(machine / "proc/sys/net/ipv4/ip_forward", "0\n")
    assert state(machine)["unset"] == ["net.ipv4.ip_forward"]

    set_all(machine)
    write(machine / SETTINGS_FILE, f"{SETTINGS[0]}=1\n{SETTINGS[1]}=0\n")
    assert state(machine)["unset"] == list(SETTINGS[1:])


def test_a_machine_swaps_when_the_kernel_lists_where_to(machine: Path) -> None:
    write(machine / "proc/swaps", "Filename Type Size Used Priority\n")
    assert not state(machine)["swap"]

    write(machine / "proc/swaps", "Filename Type Size Used Priority\n/dev/sdb partition 1 0 -2\n")
    assert state(machine)["swap"]


@pytest.mark.parametrize(
    ("file", "what"),
    [
        ("kubelet.conf", ["node", "begun"]),
        ("admin.conf", ["control_plane"]),
        ("kubeadm-unfinished.yaml", ["unfinished", "begun"]),
        ("kubeadm.yaml", ["begun"]),
        ("pki/etcd/ca.key", ["pki"]),
        ("../../var/lib/etcd/default/member/wal/0.wal", ["etcd_data"]),
        ("../../var/lib/kubelet/config.yaml", ["begun"]),
        ("../../var/lib/kubelet/config.json", ["kubelet_files"]),
        ("../../var/lib/kubelet/seccomp/profiles/mine.json", ["kubelet_files"]),
        ("manifests/etcd.yaml", []),  # of somebody: kubeadm made none here
    ],
)
def test_a_file_tells_what_the_machine_is(machine: Path, file: str, what: list[str]) -> None:
    write(machine / "etc/kubernetes" / file, "")

    assert [name for name, value in state(machine).items() if value] == what


def test_empty_folders_are_nobodys(machine: Path) -> None:
    empty = ("var/lib/etcd/lost+found", "etc/kubernetes/pki/etcd", "var/lib/kubelet/plugins")
    for name in empty:
        (machine / name).mkdir(parents=True)

    assert not state(machine)["etcd_data"]
    assert not state(machine)["pki"]
    assert not state(machine)["kubelet_files"]


def test_the_files_of_a_kubelet_that_kubeadm_began_are_not_searched(machine: Path) -> None:
    """Volumes are mounted among them, and a server that is gone would hold up the search."""
    write(machine / "etc/kubernetes/kubelet.conf", "")
    write(machine / "var/lib/kubelet/config.json", "{}")

    assert not state(machine)["kubelet_files"]


def test_where_volumes_may_be_mounted_a_folder_counts_and_is_not_entered(machine: Path) -> None:
    (machine / "var/lib/kubelet/pods/uid").mkdir(parents=True)

    assert state(machine)["kubelet_files"]


@pytest.mark.parametrize("name", ["kubeadm.yaml", "kubeadm-unfinished.yaml"])
def test_etcd_is_the_clusters_where_kubeadm_makes_one(machine: Path, name: str) -> None:
    write(machine / "etc/kubernetes" / name, "kind: JoinConfiguration\n")
    assert not state(machine)["etcd"]

    write(machine / "etc/kubernetes" / name, "a: b\n---\nkind: ClusterConfiguration\n")
    assert state(machine)["etcd"]


def test_etcd_is_known_by_its_manifest_beside_that_of_the_api_server(machine: Path) -> None:
    for name in ("etcd", "kube-apiserver"):
        write(machine / f"etc/kubernetes/manifests/{name}.yaml", "")

    assert state(machine)["etcd"]


def test_the_cluster_is_known_by_its_certificate(machine: Path) -> None:
    (machine / "etc/kubernetes/pki/ca.crt").write_bytes(b"certificate")

    assert state(machine)["authority"] == hashlib.sha256(b"certificate").hexdigest()


def test_the_program_in_use_is_where_the_link_leads(machine: Path) -> None:
    (machine / "usr/local/bin").mkdir(parents=True)
    (machine / "usr/local/bin/kubelet").symlink_to("/opt/kubernetes/v1.36.3/kubelet")

    assert state(machine)["program"] == "/opt/kubernetes/v1.36.3/kubelet"


@pytest.mark.parametrize(
    "line",
    [
        "    image: registry.k8s.io/kube-apiserver:v1.36.3",
        "  - image: reg.example:5000/x/kube-apiserver:v1.36.3@sha256:0123",
        '    image: "kube-apiserver:v1.36.3"',
    ],
)
def test_the_version_of_the_api_server_is_that_of_its_manifest(machine: Path, line: str) -> None:
    manifest = f"spec:\n  containers:\n  - command: [kube-apiserver]\n{line}\n    name: x\n"
    write(machine / "etc/kubernetes/manifests/kube-apiserver.yaml", manifest)

    assert state(machine)["server_version"] == "v1.36.3"


def test_a_kernel_with_modules_has_a_folder_of_them(machine: Path) -> None:
    (machine / "lib/modules" / os.uname().release).mkdir(parents=True)

    assert state(machine)["modular"]


def test_the_configuration_is_as_kubeadm_read_it(machine: Path) -> None:
    (machine / "etc/kubernetes/kubeadm.yaml").write_text("kind: ClusterConfiguration\n")

    assert state(machine)["configuration"] == "kind: ClusterConfiguration\n"


def test_of_two_configurations_that_of_the_unfinished_initialisation_counts(machine: Path) -> None:
    write(machine / "etc/kubernetes/kubeadm.yaml", "kind: Former\n")
    write(machine / "etc/kubernetes/kubeadm-unfinished.yaml", "kind: Latter\n")

    assert state(machine)["configuration"] == "kind: Latter\n"


@pytest.mark.parametrize(
    ("words", "running"),
    [
        (("kubeadm", "init", "--config", "x"), True),
        (("/usr/local/bin/kubeadm", "join"), True),
        (("kubeadm", "token", "create"), False),
        (("grep", "kubeadm", "init"), False),
        (("",), False),
    ],
)
def test_a_kubeadm_that_runs_is_seen(
    machine: Path, words: tuple[str, ...], *, running: bool
) -> None:
    write(machine / "proc/42/cmdline", "\0".join(words) + "\0")

    assert state(machine)["running"] is running


SHIM = "/usr/bin/containerd-shim-runc-v2"


@pytest.mark.parametrize(
    ("words", "run"),
    [
        ((SHIM, "-namespace", "k8s.io", "-id", "a", "-address", "/run/containerd.sock"), True),
        ((SHIM, "-namespace", "moby", "-id", "a"), False),  # Docker's
        (("ctr", "--namespace", "k8s.io", "tasks", "list"), False),
        (("",), False),
    ],
)
def test_containers_of_pods_are_seen_without_containerd(
    machine: Path, words: tuple[str, ...], *, run: bool
) -> None:
    write(machine / "proc/42/cmdline", "\0".join(words) + "\0")

    assert state(machine)["containers"] is run


def test_the_line_of_hosts_is_known_by_its_mark(machine: Path) -> None:
    write(machine / "etc/hosts", f"127.0.0.1 localhost\n192.0.2.1 api.example {HOSTS_MARK}\n")

    assert state(machine)["hosts_entry"] == "192.0.2.1 api.example"
    assert state(machine)["hosts_files"] == ["/etc/hosts"]


def test_cloud_inits_file_is_written_too_where_it_is_there(machine: Path) -> None:
    for name in ("etc/hosts", "etc/cloud/templates/hosts.debian.tmpl"):
        write(machine / name, "")

    assert state(machine)["hosts_files"] == ["/etc/hosts", "/etc/cloud/templates/hosts.debian.tmpl"]


@pytest.mark.parametrize(
    ("swaps", "available", "lacking"),
    [
        ("", 1000, 0),
        ("/a file 4096 300 -2\n", 1000, 0),
        ("/a file 9 700 -2\n/b f 9 400 -3\n", 1000, 100),
    ],
)
def test_memory_that_is_too_small_for_what_is_swapped_out_is_counted(
    machine: Path, swaps: str, available: int, lacking: int
) -> None:
    write(machine / "proc/swaps", f"Filename Type Size Used Priority\n{swaps}")
    write(machine / "proc/meminfo", f"MemTotal: 9000 kB\nMemAvailable: {available} kB\n")

    assert state(machine)["swap_lacking"] == lacking
