"""What a machine is already is told by its files."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from roles.kubernetes_node.library.kubernetes_state import state


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    (tmp_path / "etc/kubernetes/pki").mkdir(parents=True)
    return tmp_path


def test_a_bare_machine_is_nothing(tmp_path: Path) -> None:
    assert not any(state(tmp_path).values())


@pytest.mark.parametrize(
    ("file", "what"),
    [
        ("kubelet.conf", "node"),
        ("admin.conf", "control_plane"),
        ("kubeadm-unfinished.yaml", "unfinished"),
    ],
)
def test_a_file_tells_what_the_machine_is(machine: Path, file: str, what: str) -> None:
    (machine / "etc/kubernetes" / file).touch()

    assert [name for name, value in state(machine).items() if value] == [what]


def test_the_cluster_is_known_by_its_certificate(machine: Path) -> None:
    (machine / "etc/kubernetes/pki/ca.crt").write_bytes(b"certificate")

    assert state(machine)["authority"] == hashlib.sha256(b"certificate").hexdigest()


def test_the_program_in_use_is_where_the_link_leads(machine: Path) -> None:
    (machine / "usr/local/bin").mkdir(parents=True)
    (machine / "usr/local/bin/kubelet").symlink_to("/opt/kubernetes/v1.36.3/kubelet")

    assert state(machine)["program"] == "/opt/kubernetes/v1.36.3/kubelet"


def test_a_kernel_with_modules_has_a_folder_of_them(machine: Path) -> None:
    (machine / "lib/modules" / os.uname().release).mkdir(parents=True)

    assert state(machine)["modular"]


def test_the_configuration_is_as_kubeadm_read_it(machine: Path) -> None:
    (machine / "etc/kubernetes/kubeadm.yaml").write_text("kind: ClusterConfiguration\n")

    assert state(machine)["configuration"] == "kind: ClusterConfiguration\n"
