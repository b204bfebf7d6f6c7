"""containerd reads what the variables say."""

from __future__ import annotations

import tomllib
from typing import Any

from tests.unit.roles.rendering import render


def configuration(**variables: Any) -> dict[str, Any]:
    text = render("container_runtime", "config.toml.j2", **variables)
    found: dict[str, Any] = tomllib.loads(text)["plugins"]["io.containerd.grpc.v1.cri"]
    return found


def test_systemd_keeps_the_cgroups_of_every_container() -> None:
    runtime = configuration()["containerd"]["runtimes"]["runc"]

    assert runtime["options"] == {"BinaryName": "/usr/sbin/runc", "SystemdCgroup": True}


def test_another_program_starts_the_containers_when_it_is_named() -> None:
    runtime = configuration(container_runtime_program="/usr/bin/crun")

    assert runtime["containerd"]["runtimes"]["runc"]["options"]["BinaryName"] == "/usr/bin/crun"


def test_mirrors_plugins_and_the_pods_image_are_where_the_variables_say() -> None:
    found = configuration(container_runtime_cni_bin_dir="/opt/cni/bin")

    assert found["registry"]["config_path"] == "/etc/containerd/certs.d"
    assert found["cni"]["bin_dir"] == "/opt/cni/bin"
    assert found["sandbox_image"] == "registry.k8s.io/pause:3.10.2"
