"""An inventory that cannot be meant is refused before any machine is asked."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from ansible_collections.holdfast.nfs.plugins.filter.inventory import (
    inventory_faults,
    node_names,
    preflight_faults,
    reset_plan,
)

GROUPS = {
    "all": ["nfs", "control", "worker1"],
    "nfs_servers": ["nfs"],
    "kubernetes": ["control", "worker1"],
    "control_plane": ["control"],
    "workers": ["worker1"],
}
Machines = dict[str, dict[str, Any]]


def faults(groups: dict[str, list[str]], **machines: dict[str, Any]) -> list[str]:
    variables: Machines = defaultdict(dict, machines)
    return inventory_faults(GROUPS | groups, variables)


def test_the_sentences_of_modules_end_with_a_full_stop() -> None:
    """Theirs have none, and ran into the next machine's."""
    refused: Machines = defaultdict(dict)
    refused["nfs"] = {"__preflight_fault": "the disk is in use\n"}
    refused["worker1"] = {"__preflight_fault": "worker1 has k3s."}

    assert preflight_faults(GROUPS, refused, GROUPS["all"], GROUPS["all"]) == [
        "nfs: the disk is in use.",
        "worker1: worker1 has k3s.",
    ]


def test_the_usual_groups_have_no_fault() -> None:
    assert faults({}) == []


def test_an_inventory_may_lack_workers_and_servers() -> None:
    assert faults({"workers": [], "kubernetes": ["control"], "nfs_servers": []}) == []


def test_the_group_of_workers_may_be_missing() -> None:
    groups = {"kubernetes": ["control"], "control_plane": ["control"]}

    assert inventory_faults(groups, {"control": {}}) == []


def test_an_inventory_of_another_project_is_told_which_groups_it_lacks() -> None:
    groups = {"all": ["a"], "ungrouped": [], "kube_node": ["a"], "kube_control_plane": ["a"]}

    (fault,) = inventory_faults(groups, {"a": {}})

    assert "nfs_servers, kubernetes, kubernetes_api, control_plane" in fault
    assert "(its groups: kube_control_plane, kube_node)" in fault


def test_more_than_one_control_plane_is_refused_with_their_names() -> None:
    (fault,) = faults({"control_plane": ["control", "worker1"], "workers": []})

    assert "has 2 machines (control, worker1)" in fault


def test_nodes_without_a_control_plane_are_refused() -> None:
    said = faults({"control_plane": []})

    assert said[0].startswith("The group control_plane has 0 machines (none)")


def test_a_worker_has_to_be_a_machine_of_the_cluster() -> None:
    (fault,) = faults({"workers": ["worker1", "worker2"]})

    assert fault.startswith("worker2: ")


def test_a_node_is_either_a_worker_or_the_control_plane() -> None:
    (both,) = faults({"workers": ["worker1", "control"]})
    (neither,) = faults({"workers": []})

    assert both.startswith("control is in control_plane and in workers")
    assert neither.startswith("worker1: ")


def test_a_server_on_the_loopback_of_others_is_refused() -> None:
    """Each node would look for the export on itself."""
    for address in ("localhost", "127.0.0.1", "::1"):
        (fault,) = faults({}, nfs={"ansible_host": address})
        assert f"nfs, the NFS server, is reached as {address}" in fault

    (fault,) = faults({"nfs_servers": ["localhost"]})
    assert "localhost, the NFS server, is reached as localhost" in fault


def test_a_server_on_the_loopback_may_be_called_otherwise() -> None:
    told = {"provisioner_nfs_server": "192.0.2.1"}

    assert faults({}, nfs={"ansible_host": "127.0.0.1"}, control=told) == []


def test_a_single_machine_may_be_reached_on_its_loopback() -> None:
    groups = {
        "nfs_servers": ["one"],
        "kubernetes": ["one"],
        "control_plane": ["one"],
        "workers": [],
    }

    assert faults(groups, one={"ansible_host": "127.0.0.1"}) == []


def checked(left: list[str], **machines: dict[str, Any]) -> list[str]:
    variables: Machines = defaultdict(dict, machines)
    return preflight_faults(GROUPS, variables, GROUPS["all"], left)


def test_nothing_is_said_when_all_machines_passed() -> None:
    assert checked(GROUPS["all"]) == []


def test_each_machine_says_what_it_was_refused_for() -> None:
    said = checked(
        GROUPS["all"], nfs={"__preflight_fault": "no disk."}, worker1={"__preflight_fault": "k3s."}
    )

    assert said == ["nfs: no disk.", "worker1: k3s."]


def test_a_worker_that_is_down_holds_up_nobody() -> None:
    assert checked(["nfs", "control"]) == []


def test_a_server_or_a_control_plane_that_is_down_is_named() -> None:
    assert checked(["worker1"]) == ["nfs cannot be reached.", "control cannot be reached."]


def test_a_node_has_the_name_that_its_variable_gives_it() -> None:
    variables: Machines = {"a": {"kubernetes_node_name": "node-a"}, "b": {}}

    assert node_names(["a", "b"], variables) == ["node-a", "b"]


def test_a_reset_says_of_each_machine_what_goes() -> None:
    nfs = {"nfs_server_exports": [{"path": "/srv/a"}], "nfs_server_filesystems": []}
    variables: Machines = defaultdict(dict, nfs=nfs)

    said = reset_plan(GROUPS["all"], GROUPS, variables).splitlines()

    assert said == [
        "control: the cluster goes, with etcd and all objects in it; its pods are ended.",
        "worker1: the node leaves the cluster; its pods are ended.",
        "nfs: the exports end (/srv/a); the data there stays.",
    ]


def test_a_reset_that_destroys_data_says_so() -> None:
    nfs = {
        "nfs_server_exports": [{"path": "/srv/a"}],
        "nfs_server_filesystems": [{"device": "/dev/vdb"}],
        "nfs_server_wipe": "yes",  # as with -e
    }

    (said,) = reset_plan(["nfs"], GROUPS, {"nfs": nfs}).splitlines()

    assert said.endswith("THE DATA THERE IS DESTROYED (/dev/vdb, /srv/a).")


def test_a_machine_that_is_server_and_node_has_one_domain() -> None:
    both = {"nfs_servers": ["worker1"]}
    served = {"nfs_server_idmap_domain": "example.org"}

    assert faults(both, worker1=served) == []
    assert faults(both, worker1=served | {"nfs_client_idmap_domain": "example.org"}) == []
    (fault,) = faults(both, worker1=served | {"nfs_client_idmap_domain": "example.net"})
    assert "nfs_client_idmap_domain example.net; a machine has one domain" in fault
