"""An inventory that cannot be meant is refused before any machine is asked."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest
from ansible_collections.holdfast.nfs.plugins.filter.inventory import (
    inventory_faults,
    node_names,
    preflight_faults,
)
from ansible_collections.holdfast.nfs.plugins.filter.reset import reset_plan
from jinja2 import UndefinedError

from tests.unit.roles.nfs_server.given import looked_at

GROUPS = {
    "all": ["nfs", "control", "worker1"],
    "nfs_servers": ["nfs"],
    "kubernetes": ["control", "worker1"],
    "control_plane": ["control"],
    "workers": ["worker1"],
}
UNCHANGED = "Nothing was changed on any machine."
Machines = dict[str, dict[str, Any]]


def faults(groups: dict[str, list[str]], **machines: dict[str, Any]) -> list[str]:
    variables: Machines = defaultdict(dict, machines)
    return inventory_faults(GROUPS | groups, variables)


def test_the_sentences_of_modules_end_with_a_full_stop() -> None:
    """Theirs have none, and ran into the next machine's."""
    refused: Machines = defaultdict(dict)
    refused["nfs"] = {"__preflight_fault": "the disk is in use\n"}
    refused["worker1"] = {"__preflight_fault": "worker1 has k3s."}

    assert preflight_faults(GROUPS, refused, GROUPS["all"], GROUPS["all"])[1:] == [
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


ONE = {"nfs_servers": ["one"], "kubernetes": ["one"], "control_plane": ["one"], "workers": []}


@pytest.mark.parametrize("address", ["127.0.0.1", "localhost", "::1"])
def test_the_volumes_of_a_single_machine_do_not_keep_its_loopback(address: str) -> None:
    """Another machine may join later, and a volume's server never changes."""
    (fault,) = faults(ONE, one={"ansible_host": address})

    assert f"one, the NFS server, is reached as {address}" in fault
    assert "which volumes keep" in fault
    assert "set provisioner_nfs_server." in fault


def test_a_single_machine_may_be_reached_on_its_loopback_where_volumes_have_another_address() -> (
    None
):
    one = {"ansible_host": "127.0.0.1", "provisioner_nfs_server": "192.0.2.1"}

    assert faults(ONE, one=one) == []


@pytest.mark.parametrize("address", ["127.0.0.1", "localhost", "localhost.localdomain", "[::1]"])
def test_the_provisioner_is_told_no_loopback(address: str) -> None:
    exports = [{"name": "a", "server": address, "path": "/x"}]

    (fault,) = faults({}, control={"provisioner_nfs_server": address})
    (other,) = faults({}, control={"provisioner_exports": exports})

    assert fault.startswith(f"provisioner_nfs_server of control is {address}, under which each")
    assert other.startswith(f"provisioner_exports of control is {address}, under which each")


def test_a_cluster_elsewhere_does_not_look_for_the_export_on_itself() -> None:
    groups = {"nfs_servers": ["localhost"], "kubernetes": [], "control_plane": [], "workers": []}

    (fault,) = faults(groups | {"kubernetes_api": ["api"]})

    assert fault.startswith("localhost, the NFS server, is reached as localhost")


def test_a_server_without_a_cluster_may_be_reached_on_its_loopback() -> None:
    groups = {"nfs_servers": ["localhost"], "kubernetes": [], "control_plane": [], "workers": []}

    assert faults(groups) == []


def test_two_nodes_of_one_name_are_refused() -> None:
    """Seen: a node was removed from the cluster, and the other machine reset."""
    (fault,) = faults({}, control={"kubernetes_node_name": "worker1"})

    assert fault.startswith("control and worker1 have the same kubernetes_node_name (worker1)")


@pytest.mark.parametrize("variable", ["ansible_host", "kubernetes_node_address"])
def test_two_nodes_of_one_address_are_refused(variable: str) -> None:
    same = {variable: "192.0.2.1"}

    (fault,) = faults({}, control=same, worker1=same)

    assert fault.startswith(f"control and worker1 have the same {variable} (192.0.2.1)")


def test_an_address_that_is_another_machines_name_is_refused() -> None:
    (fault,) = faults({}, control={"ansible_host": "worker1"})

    assert fault.startswith("control and worker1 have the same ansible_host (worker1)")


def test_machines_behind_one_address_have_ports_of_their_own() -> None:
    host = {"ansible_host": "192.0.2.1"}

    assert faults({}, control=host, worker1=host | {"ansible_port": 2222}) == []
    (fault,) = faults({}, control=host, worker1=host | {"ansible_port": 22})
    assert fault.startswith("control and worker1 have the same ansible_host")


def test_a_server_may_be_a_node_under_another_name() -> None:
    same = {"ansible_host": "192.0.2.1"}

    assert faults({}, nfs=same, worker1=same) == []


def test_a_value_that_is_made_of_facts_is_not_looked_at_yet() -> None:
    class Unknown(dict[str, Any]):
        def get(self, name: str, default: Any = None) -> Any:
            if name == "kubernetes_node_address":
                raise UndefinedError(name)
            return super().get(name, default)

    assert inventory_faults(GROUPS, defaultdict(Unknown)) == []


def checked(left: list[str], **machines: dict[str, Any]) -> list[str]:
    variables: Machines = defaultdict(dict, machines)
    return preflight_faults(GROUPS, variables, GROUPS["all"], left)


def test_nothing_is_said_when_all_machines_passed() -> None:
    assert checked(GROUPS["all"]) == []


def test_each_machine_says_what_it_was_refused_for() -> None:
    said = checked(
        GROUPS["all"], nfs={"__preflight_fault": "no disk."}, worker1={"__preflight_fault": "k3s."}
    )

    assert said == [UNCHANGED, "nfs: no disk.", "worker1: k3s."]


def test_a_worker_that_is_down_holds_up_nobody() -> None:
    assert checked(["nfs", "control"]) == []


def test_a_server_or_a_control_plane_that_is_down_is_named() -> None:
    said = checked(["worker1"])

    assert said[0] == UNCHANGED
    assert [sentence.partition(", or Ansible")[0] for sentence in said[1:]] == [
        "nfs cannot be reached",
        "control cannot be reached",
    ]


def test_one_that_failed_after_the_checks_is_not_called_unreachable() -> None:
    """site.yml asks before the cluster again, and by then the storage is changed."""
    passed = {"__preflight_passed": True, "__preflight_complete": True}

    (said,) = checked(["nfs", "worker1"], nfs=passed, control=passed, worker1=passed)

    assert said.startswith("control failed in an earlier part of this run, or was no longer rea")


def test_a_node_has_the_name_that_its_variable_gives_it() -> None:
    variables: Machines = {"a": {"kubernetes_node_name": "node-a"}, "b": {}}

    assert node_names(["a", "b"], variables) == ["node-a", "b"]


def test_a_reset_says_of_each_machine_what_goes() -> None:
    variables: Machines = defaultdict(dict, nfs=looked_at())

    control, worker1, nfs = reset_plan(GROUPS["all"], GROUPS, variables).splitlines()

    assert control.startswith(
        "control: the cluster goes, with etcd and all objects in it; its pods are ended, and"
    )
    assert worker1.startswith("worker1: the node leaves the cluster; its pods are ended, and")
    assert nfs == "nfs: the exports end (/srv/a); the data there stays."


def test_a_reset_that_destroys_data_says_so() -> None:
    nfs = looked_at(destroyed=["/dev/vdb", "/srv/a"])

    (said,) = reset_plan(["nfs"], GROUPS, {"nfs": nfs}).splitlines()

    assert "THE DATA THERE IS DESTROYED (/dev/vdb, /srv/a)." in said


ELSEWHERE = {"nfs_servers": ["nfs"], "kubernetes": [], "kubernetes_api": ["api"]}


def test_a_reset_says_that_it_uninstalls_the_provisioner_of_a_cluster_that_stays() -> None:
    variables: Machines = defaultdict(dict, api={"provisioner_helm": "helm"})

    said = reset_plan(["api", "nfs"], ELSEWHERE, variables).splitlines()

    assert said[0] == (
        "api: the provisioner, release holdfast in the namespace holdfast, is uninstalled, with "
        "its classes and its static volumes that no claim has; the other volumes and their data "
        "stay, but claims get no new ones."
    )
    assert said[1].startswith("nfs: the exports of these playbooks end")


def test_a_reset_names_the_release_as_the_inventory_does_and_the_helm_that_goes() -> None:
    api = {
        "provisioner_release": "r",
        "provisioner_namespace": "n",
        "provisioner_helm_folder": "/x",
    }

    (said,) = reset_plan(["api"], ELSEWHERE, {"api": api}).splitlines()

    assert "release r in the namespace n" in said
    assert said.endswith("The helm that the role installed in /x goes as well.")


def test_a_cluster_that_is_removed_takes_the_provisioner_along() -> None:
    said = reset_plan(GROUPS["all"], GROUPS, defaultdict(dict))

    assert "uninstalled" not in said


@pytest.mark.parametrize(
    ("names", "groups"), [(["nfs"], GROUPS), (["nfs", "control"], GROUPS), (["nfs"], ELSEWHERE)]
)
def test_a_reset_says_what_becomes_of_pods_that_use_the_exports(
    names: list[str], groups: dict[str, list[str]]
) -> None:
    *_, said = reset_plan(names, groups, defaultdict(dict)).splitlines()

    assert said.endswith("Pods that use them hang or get errors; delete them before.")


def test_a_machine_that_is_server_and_node_has_one_domain() -> None:
    both = {"nfs_servers": ["worker1"]}
    served = {"nfs_server_idmap_domain": "example.org"}

    assert faults(both, worker1=served) == []
    assert faults(both, worker1=served | {"nfs_client_idmap_domain": "example.org"}) == []
    (fault,) = faults(both, worker1=served | {"nfs_client_idmap_domain": "example.net"})
    assert "nfs_client_idmap_domain example.net; a machine has one domain" in fault


def test_an_image_that_is_always_built_needs_nodes_to_load_it_into() -> None:
    elsewhere: dict[str, list[str]] = {name: [] for name in GROUPS} | {"kubernetes_api": ["own"]}

    (said,) = faults(elsewhere, own={"provisioner_image_build": "always"})

    assert "provisioner_image_build is always on own, and the inventory has no nodes" in said
    assert faults(elsewhere, own={"provisioner_image_build": "auto"}) == []
    assert faults({}, control={"provisioner_image_build": "always"}) == []
