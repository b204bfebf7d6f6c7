"""containerd reads what the variables say."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from ansible_collections.holdfast.nfs.plugins.filter.containerd import container_runtime_faults

from tests.unit.roles.reading import HERE, load
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


@pytest.mark.parametrize(
    "variable",
    [
        "container_runtime_sandbox_image",
        "container_runtime_program",
        "container_runtime_cni_bin_dir",
    ],
)
@pytest.mark.parametrize("value", ['/a"', "/a\\b", "/a\nb = 1", "", "a b"])
def test_what_containerd_could_not_use_is_refused_and_would_break_no_file(
    variable: str, value: str
) -> None:
    """Seen: a quote in one of them, and containerd was restarted with a file it cannot read."""
    (fault,) = container_runtime_faults({variable: value}, "worker1")

    assert fault.startswith(f'{variable} is "{value}" on worker1; write ')
    found = configuration(**{variable: value})
    runtime = found["containerd"]["runtimes"]["runc"]["options"]["BinaryName"]
    assert value in {found["sandbox_image"], found["cni"]["bin_dir"], runtime}


def test_the_defaults_and_other_programs_of_containerd_are_allowed() -> None:
    wanted = {
        "container_runtime_sandbox_image": "mirror.example.com:5000/k8s/pause@sha256:0a1b",
        "container_runtime_program": "/usr/bin/crun",
        "container_runtime_cni_bin_dir": "/opt/cni/bin/",
    }

    assert container_runtime_faults(wanted, "worker1") == []


def test_the_check_before_any_change_looks_at_them() -> None:
    (first, *_) = load(HERE / "roles/container_runtime/tasks/preflight.yml")

    assert "holdfast.nfs.container_runtime_faults" in str(first["vars"])


def test_mirrors_plugins_and_the_pods_image_are_where_the_variables_say() -> None:
    found = configuration(container_runtime_cni_bin_dir="/opt/cni/bin")

    assert found["registry"]["config_path"] == "/etc/containerd/certs.d"
    assert found["cni"]["bin_dir"] == "/opt/cni/bin"
    assert found["sandbox_image"] == "registry.k8s.io/pause:3.10.2"
