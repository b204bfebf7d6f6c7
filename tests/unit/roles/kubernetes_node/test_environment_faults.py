"""A proxy in a machine's own environment is between no two machines of the cluster."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.nfs.plugins.filter.cluster_destinations import (
    cluster_destinations,
)
from ansible_collections.holdfast.nfs.plugins.filter.environment_faults import environment_faults
from ansible_collections.holdfast.nfs.plugins.module_utils.no_proxy import not_covered
from jinja2 import UndefinedError

from tests.unit.roles.playing import Site
from tests.unit.roles.reading import HERE, load

DIRECT = ["control", "192.168.41.11", "10.244.0.0/16", "10.96.0.0/12", ".cluster.local", ".svc"]
NEAR = "control,192.168.0.0/16,10.244.0.0/16,10.96.0.0/12,cluster.local,.svc"


def faults(variable: str = "https_proxy", no_proxy: str = "", exceptions: str = "") -> list[str]:
    environment = {"https_proxy": variable, "exceptions": exceptions, "no_proxy": no_proxy}
    return environment_faults(environment, DIRECT, "worker1")


def test_a_proxy_that_is_asked_for_the_cluster_is_refused_with_what_to_add() -> None:
    (fault,) = faults()

    assert fault == (
        "https_proxy is set in the environment of worker1, and kubeadm and kubectl would ask that "
        "proxy for the cluster itself. Remove it there (/etc/environment, or the shell where the "
        "connection is local) and set holdfast_proxy in the inventory; or add to no_proxy there: "
        f"{','.join(DIRECT)}."
    )


def test_only_what_is_missing_is_to_be_added_and_to_the_variable_that_counts() -> None:
    (fault,) = faults("HTTPS_PROXY", "control,.svc,10.96.0.0/12,local", "NO_PROXY")

    assert fault.startswith("HTTPS_PROXY is set in the environment of worker1, ")
    assert fault.endswith("add to NO_PROXY there: 192.168.41.11,10.244.0.0/16.")


@pytest.mark.parametrize("no_proxy", [NEAR, NEAR.replace(",", " , ").upper(), "*", "a,*"])
def test_a_proxy_that_is_not_asked_for_it_is_none_of_our_business(no_proxy: str) -> None:
    assert faults(no_proxy=no_proxy, exceptions="no_proxy") == []
    assert faults(variable="") == []


@pytest.mark.parametrize(
    ("element", "covered"),
    [
        ("example.com", ["example.com", "a.example.com", "A.Example.com"]),
        (".example.com", ["a.example.com", ".example.com"]),
        ("*.example.com", ["a.example.com"]),
        ("10.0.0.0/8", ["10.0.0.1", "10.244.0.0/16", "10.0.0.0/8"]),
        ("10.0.0.1", ["10.0.0.1"]),
        ("fd00::/8", ["fd00::1"]),
        ("svc", [".svc"]),
        ("", ["localhost", "127.0.0.1", "::1"]),
    ],
)
def test_an_element_covers_what_programs_in_go_take_it_for(
    element: str, covered: list[str]
) -> None:
    assert not_covered(element, covered) == []


@pytest.mark.parametrize(
    ("no_proxy", "destination"),
    [
        (".example.com", "example.com"),
        ("*.example.com", "example.com"),
        ("ample.com", "example.com"),
        ("example.com:6443", "example.com"),
        ("10.0.0.1:6443", "10.0.0.1"),
        ("10.0.0.0/16", "10.0.0.0/8"),
        ("10.0.0.", "10.0.0.1"),
        ("10.0.0.*", "10.0.0.1"),
        ("10.0.0.1 example.com", "example.com"),
        ("fd00::/8", "10.0.0.1"),
        ("a,,.,", "example.com"),
        (".svc.cluster.local", ".svc"),
    ],
)
def test_an_element_covers_no_more_than_that(no_proxy: str, destination: str) -> None:
    assert not_covered(no_proxy, [destination]) == [destination]


class Unknown(dict[str, Any]):
    """A machine with a variable that is made of facts which nobody has yet."""

    def get(self, key: str, default: Any = None) -> Any:
        if key == "kubernetes_node_address":
            raise UndefinedError
        return super().get(key, default)


def test_the_cluster_is_its_machines_its_networks_and_its_names() -> None:
    groups = {"kubernetes": ["control", "worker1"], "control_plane": ["control"]}
    control = {"control_plane_endpoint": "api.example.com", "ansible_host": "192.168.41.11"}
    machines: dict[str, dict[str, Any]] = defaultdict(
        dict, control=control, worker1=Unknown(kubernetes_node_name="w1")
    )

    assert cluster_destinations({**groups, "nfs_servers": ["stor"]}, machines) == [
        *("control", "192.168.41.11", "worker1", "w1", "stor"),
        *("10.244.0.0/16", "10.96.0.0/12", "api.example.com", ".cluster.local", ".svc"),
    ]


def test_the_checks_before_any_change_know_what_the_cluster_is() -> None:
    cluster, checks = (
        [play["vars"] for play in load(HERE / f"playbooks/{name}.yml") if "vars" in play]
        for name in ("cluster", "preflight")
    )
    wanted = "{{ groups | holdfast.nfs.cluster_destinations(hostvars) }}"

    assert [own.get("holdfast_direct") for own in cluster if "holdfast_control_plane" in own] == [
        wanted
    ]
    assert wanted in [own.get("holdfast_direct") for own in checks]


@pytest.mark.parametrize("is_node", [False, True])
def test_a_machine_is_refused_before_anything_is_changed_but_no_node_that_lives(
    tmp_path: Path, *, is_node: bool
) -> None:
    """One that reaches its cluster does so with the no_proxy that it has."""
    environment = {"https_proxy": "https_proxy", "exceptions": "", "no_proxy": "a"}
    tasks = load(HERE / "roles/kubernetes_node/tasks/preflight.yml")
    (check,) = [task for task in tasks if "environment_faults" in str(task)]

    done = Site(tmp_path).played(
        [check],
        kubernetes_node_now={"state": {"environment": environment, "node": is_node}},
        kubernetes_node_direct=["a", "b"],
    )

    assert (done.returncode == 0) is is_node
    assert ("or add to no_proxy there: b." in " ".join(done.stdout.split())) is not is_node
