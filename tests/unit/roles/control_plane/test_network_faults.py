"""No network of a new cluster has the address of a machine in it, whosever it is."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.holdfast.nfs.plugins.filter.network_faults import network_faults

from tests.unit.roles.reading import HERE, load
from tests.unit.roles.stubs import Stubbed, write

GROUPS = {
    "nfs_servers": ["stor"],
    "kubernetes": ["control", "worker1"],
    "control_plane": ["control"],
    "workers": ["worker1"],
}
SERVICES = "control_plane_service_network (10.96.0.0/12) has 10.100.3.4 in it, "


def faults(groups: dict[str, list[str]] | None = None, **machines: dict[str, Any]) -> list[str]:
    return network_faults(GROUPS | (groups or {}), defaultdict(dict, machines))


def test_machines_in_other_networks_have_no_fault() -> None:
    assert faults(stor={"ansible_host": "192.0.2.10"}, worker1={"ansible_host": "w1.example"}) == []


@pytest.mark.parametrize("machine", ["stor", "control", "worker1"])
@pytest.mark.parametrize(
    "variables",
    [
        {"ansible_host": "10.100.3.4"},
        {"kubernetes_node_address": "10.100.3.4"},
        {"kubernetes_node_now": {"state": {"address": "10.100.3.4"}}},
    ],
)
def test_a_machine_in_the_network_of_services_is_refused_by_name(
    machine: str, variables: dict[str, Any]
) -> None:
    (fault,) = faults(**{machine: variables})

    remedy = "nodes and pods would not reach it. Choose another network."
    assert fault == f"{SERVICES}the address of {machine}; {remedy}"


def test_a_machine_that_is_called_by_its_address_is_one_too() -> None:
    (fault,) = faults({"nfs_servers": ["10.244.9.9"]})

    assert fault.startswith("control_plane_pod_network (10.244.0.0/16) has 10.244.9.9 in it, the")


def test_the_servers_that_the_provisioner_is_told_are_compared() -> None:
    (server,) = faults(control={"provisioner_nfs_server": "10.100.3.4"})
    exports = [{"name": "a", "server": "10.100.3.4"}, {"server": "nas.example.com"}, "x"]
    (export,) = faults({"kubernetes_api": ["admin"]}, admin={"provisioner_exports": exports})

    assert server.startswith(f"{SERVICES}provisioner_nfs_server; ")
    assert export.startswith(f"{SERVICES}a server of provisioner_exports; ")


def test_the_networks_are_those_of_the_control_plane() -> None:
    control = {"control_plane_service_network": "10.60.0.0/16"}

    assert faults(control=control, worker1={"ansible_host": "10.100.3.4"}) == []
    assert faults(control={"control_plane_pod_network": "pods"}) == []


@pytest.mark.parametrize(("configuration", "refused"), [("", True), ("kind: x", False)])
def test_the_checks_before_any_change_compare_them_for_a_new_cluster(
    tmp_path: Path,
    configuration: str,
    refused: bool,  # noqa: FBT001 - a case of the table
) -> None:
    plays = load(HERE / "playbooks/preflight.yml")
    (check,) = [play for play in plays if play["name"] == "Check the networks"]
    book = write(tmp_path / "site.yml", yaml.safe_dump([check, plays[-1]]))
    state = {"kubernetes_node_now": {"state": {"configuration": configuration}}}
    local = {"ansible_connection": "local"}
    hosts = {
        "nfs_servers": {"hosts": {"10.100.3.4": local}},
        "kubernetes": {"children": {"control_plane": {"hosts": {"control": local | state}}}},
    }

    done = Stubbed(tmp_path).play(book, hosts)

    assert (SERVICES in " ".join(done.stdout.split())) is refused
    assert bool(done.returncode) is refused
