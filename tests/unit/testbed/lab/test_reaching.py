"""The inventory and the ssh configuration that a lab writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from testbed.lab.layout import Layout
from testbed.lab.machines import MACHINES
from testbed.lab.reaching import inventory, known_hosts, ssh_config

LAYOUT = Layout("mine")


def tree(text: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(text)["all"]
    return loaded


def test_the_groups_are_those_of_every_other_inventory() -> None:
    children = tree(inventory(LAYOUT, MACHINES))["children"]

    assert list(children["nfs_servers"]["hosts"]) == ["nfs"]
    nodes = children["kubernetes"]["children"]
    assert list(nodes["control_plane"]["hosts"]) == ["control"]
    assert list(nodes["workers"]["hosts"]) == ["worker1", "worker2"]


def test_only_the_nfs_server_has_a_disk_for_the_export() -> None:
    children = tree(inventory(LAYOUT, MACHINES))["children"]

    assert children["nfs_servers"]["hosts"]["nfs"]["export_disk"] == "/dev/ubdb"
    assert "export_disk" not in children["kubernetes"]["children"]["workers"]["hosts"]["worker1"]


def test_a_small_lab_has_the_other_groups_empty() -> None:
    children = tree(inventory(LAYOUT, MACHINES[:1]))["children"]

    assert children["kubernetes"]["children"]["workers"]["hosts"] == {}


def test_what_a_user_gets_from_the_internet_comes_from_the_labs_own_end() -> None:
    variables = tree(inventory(LAYOUT, MACHINES))["vars"]

    assert variables["kubernetes_node_release_url"] == "http://192.168.41.1:8000/release"
    assert variables["provisioner_helm_url"] == "http://192.168.41.1:8000/helm"
    assert set(variables["container_runtime_mirrors"].values()) == {"http://192.168.41.1:5000"}


def test_ssh_checks_the_machines_keys() -> None:
    config = ssh_config(LAYOUT, MACHINES)

    assert "StrictHostKeyChecking yes" in config
    assert "UserKnownHostsFile /run/holdfast-lab/mine/known_hosts" in config


def test_ssh_goes_through_the_labs_network_by_name_and_by_address() -> None:
    config = ssh_config(LAYOUT, MACHINES[:2])

    assert "Host 192.168.41.* nfs control\n" in config
    assert "ProxyCommand nsenter --net=/run/netns/lab-mine nc %h %p" in config


def test_a_machines_key_is_known_by_its_name_and_its_address(tmp_path: Path) -> None:
    (tmp_path / "key.pub").write_text("ssh-ed25519 AAAA nfs\n")

    lines = known_hosts({MACHINES[0]: tmp_path / "key"})

    assert lines == "nfs,192.168.41.10 ssh-ed25519 AAAA nfs\n"
