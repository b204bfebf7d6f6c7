"""The NFS server: its disk, its settings, its ports, and what it exports to whom."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from testinfra.host import Host

from tests.testinfra.looking import (
    listeners,
    may_mount,
    needs_v3,
    settings,
    shown_exports,
    spoken_versions,
)

testinfra_hosts = ["ansible://nfs_servers?sudo=true"]

# A default of exports(5) that the role writes out as well; each undone by its opposite.
USUAL = {"sync": "async", "no_subtree_check": "subtree_check", "root_squash": "no_root_squash"}

# Of a network for documentation, in which no machine is.
SERVER, STRANGER = "198.51.100.1", "198.51.100.2"
CONNECT = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 5)"


@pytest.fixture(scope="module")
def wanted(host: Host) -> dict[str, Any]:
    return settings(host, "nfs_server")


@pytest.fixture(scope="module")
def exported(host: Host) -> dict[tuple[str, str], set[str]]:
    """The options of each path and client, as the kernel's server has them."""
    lines = host.check_output("exportfs -s").splitlines()
    found = [re.fullmatch(r"(\S+)\s+(\S+)\((\S+)\)", line) for line in lines]
    return {(match[1], match[2]): set(match[3].split(",")) for match in found if match}


def paths(pattern: str) -> Iterator[str]:
    """What /data/v{1..5} stands for."""
    match = re.fullmatch(r"(.*)\{(\d+)\.\.(\d+)\}(.*)", pattern)
    if match is None:
        yield pattern
        return
    for number in range(int(match[2]), int(match[3]) + 1):
        yield f"{match[1]}{number}{match[4]}"


def entries(wanted: dict[str, Any]) -> dict[tuple[str, str], set[str]]:
    """The options of each path and client, as the inventory has them."""
    return {
        (path, client): set(entry.get("options", ["rw"]))
        for entry in wanted["nfs_server_exports"]
        if entry.get("state") != "absent"
        for path in paths(entry["path"])
        for client in entry["clients"]
    }


def serves_version_3(wanted: dict[str, Any]) -> bool:
    return "3" in map(str, wanted["nfs_server_versions"])


def test_the_server_runs_now_and_after_a_restart(host: Host) -> None:
    server = host.service("nfs-server")

    assert server.is_running
    assert server.is_enabled


def test_exactly_the_exports_of_the_inventory_are_in_force(
    wanted: dict[str, Any], exported: dict[tuple[str, str], set[str]]
) -> None:
    assert set(exported) == set(entries(wanted))


def test_every_export_has_the_options_of_the_inventory(
    wanted: dict[str, Any], exported: dict[tuple[str, str], set[str]]
) -> None:
    lacking = {key: options - exported.get(key, set()) for key, options in entries(wanted).items()}

    assert {key: options for key, options in lacking.items() if options} == {}


def test_what_an_export_does_not_say_is_on_the_safe_side(
    wanted: dict[str, Any], exported: dict[tuple[str, str], set[str]]
) -> None:
    for key, given in entries(wanted).items():
        safe = {usual for usual, opposite in USUAL.items() if opposite not in given}

        assert safe - exported[key] == set()


def test_the_file_of_the_exports_says_the_same_as_the_kernel(
    host: Host, exported: dict[tuple[str, str], set[str]]
) -> None:
    """So that a restart changes nothing."""
    text = "\n".join(
        host.file(path).content_string
        for path in host.check_output("find /etc/exports /etc/exports.d -type f").splitlines()
    )
    lines = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
    written = {(path, client.partition("(")[0]) for path, *clients in lines for client in clients}

    assert written == set(exported)


def test_an_exported_directory_is_a_directory(
    host: Host, exported: dict[tuple[str, str], set[str]]
) -> None:
    assert [path for path, _ in exported if not host.file(path).is_directory] == []


def test_the_list_of_exports_is_shown_to_clients_of_version_3_only(
    host: Host, wanted: dict[str, Any], exported: dict[tuple[str, str], set[str]]
) -> None:
    listed = serves_version_3(wanted)

    assert shown_exports(host, listed=listed) == (
        {path for path, _ in exported} if listed else set()
    )


def test_nothing_but_the_servers_ports_is_open(host: Host, wanted: dict[str, Any]) -> None:
    ports = {port for _, port in listeners(host, "tcp") | listeners(host, "udp")}
    for_v3 = {111, *(wanted[f"nfs_server_{name}_port"] for name in ("mountd", "statd", "lockd"))}
    expected = {2049} | (for_v3 if serves_version_3(wanted) else set())

    # sshd, the resolver, DHCP and the clock belong to the machine.
    assert ports - {22, 53, 68, 123, 5355} == expected


@pytest.mark.parametrize("unit", ["rpcbind.socket", "rpcbind.service", "rpc-statd.service"])
def test_what_only_version_3_needs_cannot_start_without_it(host: Host, unit: str) -> None:
    assert host.service(unit).is_masked is not needs_v3(host)


def test_the_kernel_speaks_the_versions_of_the_inventory(
    host: Host, wanted: dict[str, Any]
) -> None:
    shown = host.file("/proc/fs/nfsd/versions").content_string

    assert spoken_versions(shown) == {str(version) for version in wanted["nfs_server_versions"]}


def test_the_kernel_has_as_many_threads_as_were_configured(host: Host) -> None:
    configured = int(host.check_output("nfsconf --get nfsd threads"))

    assert configured >= 16
    assert int(host.file("/proc/fs/nfsd/threads").content_string) == configured


@pytest.mark.parametrize(
    ("file", "variable"),
    [("nfsv4leasetime", "nfs_server_lease_time"), ("nfsv4gracetime", "nfs_server_grace_time")],
)
def test_the_kernel_waits_for_clients_as_long_as_it_should(
    host: Host, wanted: dict[str, Any], file: str, variable: str
) -> None:
    assert int(host.file(f"/proc/fs/nfsd/{file}").content_string) == wanted[variable]


def test_the_groups_that_pods_send_are_believed_unless_told_otherwise(
    host: Host, wanted: dict[str, Any]
) -> None:
    """Debian's own setting looks users up on the server, which knows none of a pod's."""
    managed = host.check_output("nfsconf --get mountd manage-gids") in {"y", "yes", "1", "true"}

    assert managed is wanted["nfs_server_manage_gids"]


def test_every_file_system_is_mounted_with_its_quota_now_and_after_a_restart(
    host: Host, wanted: dict[str, Any]
) -> None:
    for entry in wanted["nfs_server_filesystems"]:
        mount = host.mount_point(entry["path"])
        fstab = host.check_output("findmnt --fstab --noheadings --output OPTIONS %s", entry["path"])

        assert mount.exists
        assert mount.filesystem == entry.get("fstype", "xfs")
        if entry.get("quota", "project") == "project":
            assert "prjquota" in mount.options
            assert "prjquota" in fstab.split(",")


def test_project_quota_is_enforced_on_xfs(host: Host, wanted: dict[str, Any]) -> None:
    for entry in wanted["nfs_server_filesystems"]:
        if (entry.get("fstype", "xfs"), entry.get("quota", "project")) == ("xfs", "project"):
            state = host.check_output("xfs_quota -x -c 'state -p' %s", entry["path"])

            assert "Accounting: ON" in state
            assert "Enforcement: ON" in state


def test_every_export_of_the_second_disk_is_on_it(
    host: Host, wanted: dict[str, Any], exported: dict[tuple[str, str], set[str]]
) -> None:
    """A directory below a mount point that was not mounted would fill the system's disk."""
    for entry in wanted["nfs_server_filesystems"]:
        for path in {path for path, _ in exported if path.startswith(f"{entry['path']}/")}:
            found = host.check_output("findmnt --noheadings --output TARGET --target %s", path)

            assert found == entry["path"]


def test_the_rules_of_the_firewall_are_loaded_if_that_was_asked_for(
    host: Host, wanted: dict[str, Any]
) -> None:
    """The unit says that they were; somebody may have flushed them since."""
    unit, table = host.service("holdfast-nfs-firewall"), "inet holdfast_nfs"
    loaded = host.run(f"nft list table {table}").stdout

    # systemctl ends with an error of its own where there is no such unit.
    states = [unit.exists, unit.exists and unit.is_running, unit.exists and unit.is_enabled]
    assert states == [wanted["nfs_server_firewall"]] * 3
    assert (" drop\n" in loaded) is wanted["nfs_server_firewall"]


@pytest.fixture
def stranger(host: Host) -> Iterator[str]:
    """The beginning of a command that comes to the server from an address nobody exports to."""
    name = "testinfra"
    script = f"""
        ip netns add {name} &&
        ip link add {name}0 type veth peer name {name}1 netns {name} &&
        ip address add {SERVER}/30 dev {name}0 && ip link set {name}0 up &&
        ip -netns {name} address add {STRANGER}/30 dev {name}1 &&
        ip -netns {name} link set {name}1 up
    """
    try:
        host.check_output(script)
        yield f"ip netns exec {name}"
    finally:
        host.run(f"ip link delete {name}0; ip netns delete {name}")


def test_a_stranger_reaches_the_server_only_if_there_is_no_firewall(
    host: Host, wanted: dict[str, Any], exported: dict[tuple[str, str], set[str]], stranger: str
) -> None:
    everybody = "*" in {client for _, client in exported}
    named = host.ansible.get_variables()["inventory_hostname"]

    def reached(port: int) -> bool:
        return bool(host.run(f"{stranger} python3 -c %s {SERVER} {port}", CONNECT).rc == 0)

    assert reached(22), f"the way to {named} is not open at all"
    assert reached(2049) is (everybody or not wanted["nfs_server_firewall"])


def test_a_stranger_is_refused_a_mount_of_each_export(
    host: Host, wanted: dict[str, Any], exported: dict[tuple[str, str], set[str]], stranger: str
) -> None:
    public = {path for path, client in exported if client == "*"}
    if wanted["nfs_server_firewall"] and not public:
        pytest.skip("the firewall lets no stranger ask, which the test before sees")
    closed = [
        path
        for path in sorted({path for path, _ in exported} - public)
        if not any(path.startswith(f"{one}/") for one in public)
    ]

    allowed = [
        (path, version)
        for path in closed
        for version in map(str, wanted["nfs_server_versions"])
        if may_mount(host, stranger, f"{SERVER}:{path}", version)
    ]

    assert allowed == []


def test_the_domain_of_users_names_is_the_one_of_the_inventory(
    host: Host, wanted: dict[str, Any]
) -> None:
    """Without one the machine keeps its own."""
    domain = host.run("nfsconf --file /etc/idmapd.conf --get general domain").stdout.strip()

    assert wanted["nfs_server_idmap_domain"] in {"", domain}
