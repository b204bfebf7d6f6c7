"""What a kubelet needs to mount exports, and a mount from every node."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from testinfra.host import Host

from tests.testinfra.looking import listeners, machines, needs_v3, settings

testinfra_hosts = ["ansible://kubernetes?sudo=true"]


@pytest.fixture(scope="module")
def export(host: Host) -> dict[str, Any]:
    """The first export of the first server of the inventory, with that server's address."""
    name, address = next(iter(machines(host, "nfs_servers").items()))
    return {"server": address, **settings(host, "nfs_server", name)["nfs_server_exports"][0]}


@pytest.fixture(scope="module")
def mounted(host: Host, export: dict[str, Any]) -> Iterator[str]:
    """A folder that the export is mounted at, as a kubelet would."""
    folder = host.check_output("mktemp --directory")
    source = f"{export['server']}:{export['path']}"
    options = "nfsvers=4.2,hard"
    host.check_output("timeout 30 mount -t nfs -o %s %s %s", options, source, folder)
    yield folder
    host.check_output("umount %s", folder)
    host.check_output("rmdir %s", folder)


@pytest.fixture
def file(host: Host, mounted: str) -> Iterator[str]:
    """A file that root on this machine writes into the export."""
    path = host.check_output("mktemp --tmpdir=%s .testinfra-XXXXXX", mounted)
    host.check_output("dd if=/dev/zero of=%s bs=64k count=4 conv=fsync status=none", path)
    yield path
    host.check_output("rm %s", path)


def test_the_program_that_mounts_is_there(host: Host) -> None:
    assert host.file("/sbin/mount.nfs").exists


@pytest.mark.parametrize("unit", ["rpcbind.socket", "rpcbind.service", "rpc-statd.service"])
def test_what_only_version_3_needs_cannot_start_without_it(host: Host, unit: str) -> None:
    """Those of a machine that is a server as well stay for the server."""
    assert host.service(unit).is_masked is not needs_v3(host)


def test_rpcbind_s_port_is_open_only_for_version_3(host: Host) -> None:
    ports = {port for _, port in listeners(host, "tcp") | listeners(host, "udp")}

    assert (111 in ports) is needs_v3(host)


def test_an_export_is_mounted_with_version_4_2(host: Host, mounted: str) -> None:
    mount = host.mount_point(mounted)

    assert mount.filesystem == "nfs4"
    assert {"vers=4.2", "hard", "proto=tcp"} <= set(mount.options)


def test_what_is_written_there_is_read_again(host: Host, file: str) -> None:
    assert host.file(file).size == 4 * 65536


def test_root_is_root_there_only_if_the_export_says_so(
    host: Host, export: dict[str, Any], file: str
) -> None:
    squashed = "no_root_squash" not in export.get("options", [])

    assert (host.file(file).uid != 0) is squashed


def test_the_domain_of_users_names_is_the_one_of_the_inventory(host: Host) -> None:
    """Without one, or with the server's on a machine that is both, there is nothing to see here."""
    domain = host.run("nfsconf --file /etc/idmapd.conf --get general domain").stdout.strip()
    wanted = settings(host, "nfs_client")["nfs_client_idmap_domain"]

    if "{{" in wanted:
        pytest.skip("the inventory has a template for it, which is not evaluated here")
    assert wanted in {"", domain}
