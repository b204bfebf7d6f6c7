"""What cannot become a node is refused by a sentence, and what another built is left as it is."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.holdfast.nfs.plugins.filter.kubernetes_preflight import (
    node_faults,
    removal_fault,
    reset_obstacle,
)

from tests.unit.roles.reading import ROLES, load, mappings
from tests.unit.roles.rendering import evaluate

BARE = {
    "address": "192.168.41.21",
    "addresses": ["192.168.41.21"],
    "program": "",
    "node": False,
    "name": "",
    "authority": "",
    "control_plane": False,
    "unfinished": False,
    "running": False,
    "configuration": "",
    "server_version": "",
    "others": [],
    "busy_ports": [],
    "etcd_data": False,
    "pki": False,
    "kubelet_files": False,
    "swap_lacking": 0,
}
OURS = {"program": "/opt/kubernetes/v1.36.3/kubelet", "node": True}
WANTED = {
    "version": "v1.36.3",
    "name": "worker1",
    "address": "192.168.41.21",
    "directory": "/opt/kubernetes",
    "control_plane": False,
    "ignored": [],
}


def faults(state: dict[str, Any], **wanted: Any) -> list[str]:
    return node_faults(BARE | state, WANTED | wanted, "worker1")


@pytest.mark.parametrize("state", [{}, OURS, OURS | {"busy_ports": [10250]}])
def test_a_bare_machine_and_a_node_of_these_playbooks_have_no_fault(state: dict[str, Any]) -> None:
    assert faults(state) == []


@pytest.mark.parametrize("version", ["1.36.3", "v1.36", "v1.36.3\n", "latest"])
def test_a_version_that_is_none_is_refused_by_the_variables_name(version: str) -> None:
    (fault,) = faults({}, version=version)

    assert fault.startswith("kubernetes_node_version is ")


@pytest.mark.parametrize("name", ["Worker1", "worker_1", "-a", "a" * 64, "w\n"])
def test_a_name_that_no_node_can_have_is_refused_by_the_variables_name(name: str) -> None:
    (fault,) = faults({}, name=name)

    assert fault.startswith("kubernetes_node_name is ")


def test_swap_that_memory_has_no_room_for_is_not_switched_off() -> None:
    (fault,) = faults({"swap_lacking": 307_200})

    assert fault.startswith("worker1 has 300 MiB more in swap than it has free memory for")
    assert "Kubernetes runs without swap" in fault


def test_an_address_that_the_machine_has_not_is_refused_with_those_that_it_has() -> None:
    (fault,) = faults({"address": "", "addresses": ["10.0.0.5", "10.1.0.5"]}, address="192.0.2.1")

    assert 'kubernetes_node_address is "192.0.2.1"' in fault
    assert "it has 10.0.0.5, 10.1.0.5" in fault


@pytest.mark.parametrize("state", [{}, {"node": True}, {"busy_ports": [6443, 10250]}])
def test_another_kubernetes_is_named_and_left_as_it_is(state: dict[str, Any]) -> None:
    fault, *_ = faults(state | {"others": ["k3s (/etc/rancher/k3s)"]})

    assert fault.startswith("worker1 has k3s (/etc/rancher/k3s), which these playbooks did not ins")


@pytest.mark.parametrize("what", ["node", "control_plane"])
def test_a_node_that_another_made_is_refused(what: str) -> None:
    (fault,) = faults({what: True})

    assert fault.startswith("worker1 is a node of a cluster that these playbooks did not build")
    assert fault.index("Correct ansible_host") < fault.index("kubeadm reset")


def test_another_version_of_a_node_is_left_to_the_upgrade() -> None:
    (fault,) = faults(OURS, version="v1.37.0")

    assert "upgrade it with playbooks/upgrade.yml" in fault


@pytest.mark.parametrize("running", ["v1.36.4", "v1.36.10", "v1.37.0", "v2.0.0"])
def test_where_the_newer_version_runs_the_inventory_is_what_has_to_change(running: str) -> None:
    """Seen: after `upgrade.yml -e kubernetes_node_version=v1.36.4` site.yml wanted an upgrade."""
    (fault,) = faults({"program": f"/opt/kubernetes/{running}/kubelet", "node": True})

    assert fault.endswith(f"set kubernetes_node_version: {running} in the inventory.")
    assert "upgrade.yml" not in fault


@pytest.mark.parametrize("running", ["v1.36.2", "v1.35.10", "v1.9.9"])
def test_where_an_older_one_runs_the_node_is_upgraded(running: str) -> None:
    (fault,) = faults({"program": f"/opt/kubernetes/{running}/kubelet", "node": True})

    assert "upgrade it with playbooks/upgrade.yml" in fault


@pytest.mark.parametrize(
    "directory", ["/opt/kubernetes/", "/opt//kubernetes", "/opt/../opt/kubernetes"]
)
def test_another_spelling_of_the_programs_directory_is_the_same_directory(directory: str) -> None:
    """Seen: the second run refused the node that the first had made."""
    assert faults(OURS, directory=directory) == []


@pytest.mark.parametrize("directory", ["opt/kubernetes", "", "/"])
def test_a_directory_that_is_no_place_of_its_own_is_refused(directory: str) -> None:
    (fault,) = faults({}, directory=directory)

    assert fault.startswith(f'kubernetes_node_directory is "{directory}"')


def test_a_kubeadm_that_still_runs_is_waited_for_by_the_person() -> None:
    """A connection was lost in the middle; kubeadm goes on without."""
    (fault,) = faults(OURS | {"running": True, "unfinished": True})

    assert fault.startswith("kubeadm runs on worker1")


def test_a_busy_port_is_named() -> None:
    (fault,) = faults({"busy_ports": [6443, 10250]})

    assert "listens on port 10250, which" in fault


def test_a_control_plane_needs_more_ports() -> None:
    (fault,) = faults({"busy_ports": [6443, 10250]}, control_plane=True)

    assert "listens on port 6443 and 10250, which" in fault


@pytest.mark.parametrize("control_plane", [True, False])
def test_anothers_etcd_is_refused_on_each_machine(*, control_plane: bool) -> None:
    """Seen: a reset emptied /var/lib/etcd of a worker, in which a database's etcd had its data."""
    (port,) = faults({"busy_ports": [2379, 2380]}, control_plane=control_plane)
    (data,) = faults({"etcd_data": True}, control_plane=control_plane)

    assert "listens on port 2379 and 2380, " in port
    assert data.startswith("worker1 has files in /var/lib/etcd")


def test_who_says_that_another_etcd_may_be_there_has_it_there() -> None:
    ignored = ["Port-2379", "port-2380", "DirAvailable--var-lib-etcd"]

    assert faults({"busy_ports": [2379, 2380], "etcd_data": True}, ignored=ignored) == []


def test_certificates_that_somebody_keeps_on_a_worker_are_refused() -> None:
    (fault,) = faults({"pki": True})

    assert fault.startswith("worker1 has files in /etc/kubernetes/pki")


def test_a_control_plane_may_have_a_ca_of_its_own() -> None:
    assert faults({"pki": True}, control_plane=True) == []


@pytest.mark.parametrize("state", [OURS, {"program": OURS["program"], "unfinished": True}])
def test_etcd_and_certificates_of_a_node_are_the_clusters(state: dict[str, Any]) -> None:
    assert faults(state | {"etcd_data": True, "pki": True, "busy_ports": [2379]}) == []


@pytest.mark.parametrize(
    ("state", "ignored", "why"),
    [
        ({"unfinished": True}, [], "an earlier run"),
        ({"pki": True}, [], "/etc/kubernetes/pki had files before"),
        ({"kubelet_files": True}, [], "/var/lib/kubelet had files before"),
        ({}, ["DirAvailable--var-lib-etcd"], "kubernetes_node_ignored_checks"),
        ({}, ["all"], "kubernetes_node_ignored_checks"),
    ],
)
def test_a_reset_that_would_take_others_files_along_does_not_come(
    state: dict[str, Any], ignored: list[str], why: str
) -> None:
    """Seen: the checks of kubeadm's init see no CA, and the reset of a failed one deleted it."""
    assert reset_obstacle(BARE | state, ignored).startswith(why)


@pytest.mark.parametrize("ignored", [[], ["Mem", "Port-2379"]])
def test_what_kubeadm_began_on_a_blank_machine_is_reset(ignored: list[str]) -> None:
    assert reset_obstacle(BARE, ignored) == ""


def test_ports_of_an_initialisation_that_was_interrupted_are_its_own() -> None:
    assert faults({"program": OURS["program"], "busy_ports": [6443], "unfinished": True}) == []


KUBEADM = "/opt/kubernetes/v1.36.3/kubeadm"
NAMED = OURS | {
    "begun": True,
    "kubeadm": KUBEADM,
    "name": "worker1",
    "authority": "a" * 64,
    "etcd": False,
}
CLUSTER = {"authority": "a" * 64}


def kept(state: dict[str, Any], **wanted: Any) -> str:
    """Why the node of the machine that the inventory calls worker1 is not removed."""
    usual = {"name": "worker1", "control_plane": False, "cluster": CLUSTER, "any": False}
    bare = BARE | {"etcd": False, "begun": False}
    return removal_fault(bare | state, "worker1", usual | wanted)


@pytest.mark.parametrize("state", [{}, NAMED, {"program": OURS["program"]}])
def test_what_these_playbooks_built_may_be_removed(state: dict[str, Any]) -> None:
    assert kept(state) == ""


@pytest.mark.parametrize("state", [{"others": ["k3s (/etc/k3s)"]}, {"node": True}])
@pytest.mark.parametrize("word", [True, False])
def test_what_another_built_is_not_removed(state: dict[str, Any], *, word: bool) -> None:
    assert kept(state, any=word).startswith("worker1 ")


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"name": "worker2"}, "worker1 should be the node worker1, but is worker2"),
        ({"name": ""}, "worker1 should be the node worker1, but is one whose"),
        ({"authority": "b" * 64}, "worker1 is a node of another cluster"),
        ({"authority": ""}, "worker1 is a node of another cluster"),
        ({"etcd": True}, "worker1 is a control plane, and in the inventory a worker"),
        ({"etcd": True, "node": False}, "worker1 is a control plane"),
    ],
)
def test_a_machine_that_a_wrong_address_led_to_is_not_reset(
    state: dict[str, Any], said: str
) -> None:
    """Seen: whatever answered was reset, another cluster's node or its control plane."""
    assert kept(NAMED | state).startswith(said)
    assert kept(NAMED | state, any=True) == ""


def test_a_control_plane_is_known_by_its_name() -> None:
    control = NAMED | {"name": "control", "etcd": True}

    assert kept(control, name="control", control_plane=True) == ""
    assert kept(control, name="control2", control_plane=True).startswith("worker1 should be")


def test_a_node_whose_cluster_cannot_be_asked_is_not_reset() -> None:
    assert kept(NAMED, cluster={}).startswith("The control plane cannot be asked whether worker1")
    assert kept(NAMED, cluster={}, any=True) == ""


def test_a_node_outlives_a_control_plane_that_was_reset_before() -> None:
    assert kept(NAMED, cluster={"authority": ""}) == ""


def test_a_node_without_the_kubeadm_that_would_reset_it_stays() -> None:
    for word in (True, False):
        fault = kept(NAMED | {"kubeadm": ""}, any=word)
        assert fault.startswith("worker1 has a node, but not the kubeadm that would reset it")


@pytest.mark.parametrize("more", [{}, {"version": "v1.37.0"}])
def test_a_node_of_another_name_is_refused_with_all_that_may_have_been_meant(
    more: dict[str, Any],
) -> None:
    """Seen: a line of the inventory was renamed, and a node waited for that could not come."""
    (fault,) = faults(OURS | {"name": "worker2"}, **more)

    assert fault.startswith(
        "worker1 should be the node worker1, but is worker2. Set kubernetes_node_name back to "
        "worker2, or correct ansible_host"
    )
    assert "playbooks/remove_node.yml" in fault


@pytest.mark.parametrize("name", ["", "worker1"])
def test_a_node_whose_name_cannot_be_read_is_not_refused_for_it(name: str) -> None:
    assert faults(OURS | {"name": name}) == []


def meant(control: dict[str, Any], asked: dict[str, Any]) -> Any:
    """What the role expects of worker1, with what is known of its control plane."""
    return evaluate(
        "kubernetes_node",
        "{{ __kubernetes_node_meant }}",
        inventory_hostname="worker1",
        holdfast_control_plane="control",
        hostvars={"control": control},
        kubernetes_node_remove_any="no",
        __kubernetes_node_cluster=asked,
    )


def test_the_control_plane_is_known_by_this_run_or_asked_or_silent() -> None:
    state = {"state": CLUSTER}

    for control, asked in (({"kubernetes_node_now": state}, {"skipped": True}), ({}, state)):
        assert meant(control, asked) == {
            "name": "worker1",
            "control_plane": False,
            "cluster": CLUSTER,
            "any": False,
        }
    assert meant({}, {"unreachable": True})["cluster"] == {}


def test_a_machine_that_may_be_silent_ends_no_play() -> None:
    """Seen: where any error ends the play, an unreachable machine does that is ignored."""
    tasks = [
        task
        for role in ROLES
        for file in sorted(role.glob("tasks/*.yml"))
        for task in mappings(load(file))
        if task.get("ignore_unreachable")
    ]

    assert tasks
    assert [task["name"] for task in tasks if task.get("any_errors_fatal") is not False] == []
