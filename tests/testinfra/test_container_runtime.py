"""containerd, runc and the CNI plugins, on every node."""

from __future__ import annotations

import re
import tomllib
from urllib.parse import urlsplit

import pytest
from testinfra.host import Host

from tests.testinfra.looking import settings

testinfra_hosts = ["ansible://kubernetes?sudo=true"]


@pytest.fixture(scope="module")
def configured(host: Host) -> str:
    """The configuration as containerd understood it, with its own defaults filled in."""
    return str(host.check_output("containerd config dump"))


def test_every_package_of_the_runtime_is_installed(host: Host) -> None:
    names = settings(host, "container_runtime")["container_runtime_packages"]

    assert [name for name in names if not host.package(name).is_installed] == []


def test_containerd_runs_now_and_after_a_restart(host: Host) -> None:
    containerd = host.service("containerd")

    assert containerd.is_running
    assert containerd.is_enabled


def test_only_root_talks_to_containerd(host: Host) -> None:
    socket = host.file("/run/containerd/containerd.sock")

    assert socket.is_socket
    assert (socket.user, socket.mode & 0o007) == ("root", 0)


def test_containerd_leaves_cgroups_to_systemd(configured: str) -> None:
    assert "SystemdCgroup = true" in configured


def test_containers_are_started_by_the_program_of_the_inventory(
    host: Host, configured: str
) -> None:
    """By default it is the one of the packages."""
    program = settings(host, "container_runtime")["container_runtime_program"]
    found = re.findall(r'BinaryName = ["\'](.+)["\']', configured)

    assert host.file(found[0]).is_executable
    if "{{" in program:
        pytest.skip("the inventory has a template for it, which is not evaluated here")
    assert found == [program]


def test_the_pause_image_is_the_one_that_was_chosen(host: Host, configured: str) -> None:
    image = settings(host, "container_runtime")["container_runtime_sandbox_image"]

    # containerd 2 calls it `sandbox`, and quotes in its own way.
    assert re.search(rf"sandbox(_image)? = ['\"]{re.escape(image)}['\"]", configured)


def test_the_plugins_that_make_a_pods_network_are_where_containerd_looks(
    host: Host, configured: str
) -> None:
    folder = settings(host, "container_runtime")["container_runtime_cni_bin_dir"]

    assert re.search(rf"bin_dir = ['\"]{re.escape(folder)}['\"]", configured)
    assert {"bridge", "host-local", "loopback", "portmap"} <= set(host.file(folder).listdir())


def test_every_mirror_is_asked_and_no_other(host: Host) -> None:
    mirrors = settings(host, "container_runtime")["container_runtime_mirrors"]
    folder = "/etc/containerd/certs.d"
    named = host.file(folder).listdir() if host.file(folder).is_directory else []
    asked = {
        name: tomllib.loads(host.file(f"{folder}/{name}/hosts.toml").content_string)
        for name in named
    }
    wanted = {
        name: entry if isinstance(entry, dict) else {"url": entry}
        for name, entry in mirrors.items()
    }

    assert set(asked) == set(wanted)
    for name, mirror in wanted.items():
        (server,) = asked[name]["host"]

        assert urlsplit(server).netloc == urlsplit(mirror["url"]).netloc
        assert asked[name].get("server") == (None if mirror.get("fallback") else server)


def test_the_runtime_is_ready_for_the_kubelet(host: Host) -> None:
    """The CRI plugin is the part that a mistake in the configuration takes away."""
    plugins = host.check_output("ctr plugins list").splitlines()

    assert [line.split()[-1] for line in plugins if " cri " in f"{line} "] == ["ok"]
