"""What cannot become a node is refused by a sentence, and what another built is left as it is."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.holdfast.nfs.plugins.filter.kubernetes_preflight import (
    node_faults,
    removal_fault,
)

BARE = {
    "address": "192.168.41.21",
    "addresses": ["192.168.41.21"],
    "program": "",
    "node": False,
    "control_plane": False,
    "unfinished": False,
    "running": False,
    "others": [],
    "busy_ports": [],
}
OURS = {"program": "/opt/kubernetes/v1.36.3/kubelet", "node": True}
WANTED = {
    "version": "v1.36.3",
    "name": "worker1",
    "address": "192.168.41.21",
    "directory": "/opt/kubernetes",
    "control_plane": False,
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


def test_another_version_of_a_node_is_left_to_the_upgrade() -> None:
    (fault,) = faults(OURS, version="v1.37.0")

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


def test_ports_of_an_initialisation_that_was_interrupted_are_its_own() -> None:
    assert faults({"program": OURS["program"], "busy_ports": [6443], "unfinished": True}) == []


@pytest.mark.parametrize("state", [{}, OURS, {"program": OURS["program"]}])
def test_what_these_playbooks_built_may_be_removed(state: dict[str, Any]) -> None:
    assert removal_fault(BARE | state, "worker1") == ""


@pytest.mark.parametrize("state", [{"others": ["k3s (/etc/k3s)"]}, {"node": True}])
def test_what_another_built_is_not_removed(state: dict[str, Any]) -> None:
    assert removal_fault(BARE | state, "worker1").startswith("worker1 ")
