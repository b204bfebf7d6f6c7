"""Which node a machine is, is told by its kubelet's certificate."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from ansible_collections.holdfast.nfs.plugins.module_utils.kubernetes_node.identity import (
    CERTIFICATE,
    KUBECONFIG,
    node_name,
)

from testbed.certificates import Authority


def certificate(folder: Path, user: str) -> bytes:
    """One as the cluster signs it for a client."""
    pair = Authority(folder / "authority").client("client", user, ["system:nodes"])
    return pair.certificate.read_bytes()


def write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


@pytest.mark.parametrize("name", ["worker1", "a", "node-0.example.com", "w" * 52])
def test_a_joined_node_has_its_name_in_a_file_of_the_kubelet(tmp_path: Path, name: str) -> None:
    key = b"-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n"
    write(tmp_path / CERTIFICATE, certificate(tmp_path, f"system:node:{name}") + key)

    assert node_name(tmp_path) == name


def test_a_new_control_plane_has_it_in_the_kubelets_kubeconfig(tmp_path: Path) -> None:
    data = base64.b64encode(certificate(tmp_path, "system:node:control"))
    write(tmp_path / KUBECONFIG, b"users:\n- user:\n    client-certificate-data: " + data + b"\n")

    assert node_name(tmp_path) == "control"


def test_the_certificate_of_somebody_else_names_no_node(tmp_path: Path) -> None:
    write(tmp_path / CERTIFICATE, certificate(tmp_path, "kubernetes-admin"))

    assert node_name(tmp_path) == ""


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"client-certificate-data: A\n",
        b"-----BEGIN CERTIFICATE-----\nA\n-----END CERTIFICATE-----\n",
    ],
)
def test_a_file_that_cannot_be_read_names_no_node(tmp_path: Path, data: bytes) -> None:
    for path in (CERTIFICATE, KUBECONFIG):
        write(tmp_path / path, data)

    assert node_name(tmp_path) == ""
