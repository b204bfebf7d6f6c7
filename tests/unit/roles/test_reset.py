"""What a reset ends is read from the machines, and refused where others would lose their files."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.holdfast.nfs.plugins.filter.reset import reset_faults, reset_plan

from tests.unit.roles.nfs_server.given import looked_at
from tests.unit.roles.reading import HERE, load

GROUPS = {
    "nfs_servers": ["nfs"],
    "kubernetes": ["control", "worker1"],
    "control_plane": ["control"],
    "workers": ["worker1"],
}
WORKER, STRANGER = "192.168.41.21", "192.168.41.30"
ALL = ["nfs", "control", "worker1"]


def machines(*connected: str, **variables: Any) -> dict[str, dict[str, Any]]:
    node = {"ansible_facts": {"all_ipv4_addresses": [WORKER], "all_ipv6_addresses": ["fd00::21"]}}
    nfs = looked_at(connected=[*connected]) | variables
    return {"nfs": nfs, "control": {}, "worker1": node}


def plan(nfs: dict[str, Any]) -> str:
    return reset_plan(["nfs"], GROUPS, {"nfs": nfs})


def test_what_is_confirmed_is_what_the_machine_has_and_not_what_the_inventory_says() -> None:
    """Seen: with a copied inventory "none in the inventory" was confirmed, and all ended."""
    assert plan(looked_at() | {"nfs_server_exports": []}).startswith(
        "nfs: the exports end (/srv/a); the data there stays."
    )
    assert plan(looked_at(exported=[]) | {"nfs_server_exports": [{"path": "/srv/b"}]}).startswith(
        "nfs: these playbooks export nothing there; data stays."
    )


@pytest.mark.parametrize("name", ["control", "worker1"])
def test_what_a_node_loses_besides_its_pods_is_said(name: str) -> None:
    """kubeadm empties the kubelet's folder, where an administrator may have put something."""
    said = reset_plan([name], GROUPS, machines())

    assert "/var/lib/kubelet is emptied, also of what somebody else put there" in said


@pytest.mark.parametrize(("given", "said"), [("yes", True), (True, True), ("false", False)])
def test_that_a_strangers_node_may_go_is_said(given: Any, *, said: bool) -> None:
    """As with a mistyped ansible_host."""
    shown = reset_plan(["worker1"], GROUPS, {"worker1": {"kubernetes_node_remove_any": given}})

    assert ("also one of another cluster that lives, which loses it" in shown) is said


def test_who_is_connected_and_what_stays_is_said() -> None:
    said = plan(looked_at(connected=[WORKER, STRANGER], others=["/srv/media"]))

    assert f"Connected: {WORKER}, {STRANGER}. What others export stays (/srv/media)." in said


def test_a_server_that_was_not_looked_at_is_not_reset() -> None:
    """As with --start-at-task."""
    assert "not looked at" in plan({})
    (fault,) = reset_faults(["nfs"], GROUPS, {"nfs": {}})
    assert fault.startswith("nfs was not looked at")


@pytest.mark.parametrize("connected", [[], [WORKER, "fd00::21"]])
def test_clients_that_are_removed_in_the_same_run_lose_nothing(connected: list[str]) -> None:
    assert reset_faults(ALL, GROUPS, machines(*connected)) == []


@pytest.mark.parametrize("names", [["nfs"], ["nfs", "control"]])
def test_a_node_outside_the_limit_keeps_its_exports(names: list[str]) -> None:
    """As with --limit nfs: its pods live on."""
    (fault,) = reset_faults(names, GROUPS, machines(WORKER))

    assert fault.startswith(f"nfs: {WORKER} is connected and no node that this run removes")
    assert fault.endswith('if it is a node, or set nfs_server_withdraw to ["/srv/a"].')


def test_a_client_that_is_no_node_keeps_its_exports_until_that_is_asked_for() -> None:
    assert STRANGER in reset_faults(ALL, GROUPS, machines(WORKER, STRANGER))[0]
    for told in ("/srv/a", "*"):
        given = machines(WORKER, STRANGER, nfs_server_withdraw=[told])
        assert reset_faults(ALL, GROUPS, given) == []


def test_a_client_of_what_others_export_holds_nothing_up() -> None:
    assert reset_faults(ALL, GROUPS, machines("192.0.2.9")) == []


def test_a_reset_without_a_server_asks_for_none() -> None:
    assert reset_faults(["worker1"], GROUPS, machines(STRANGER)) == []


def test_the_machines_are_inspected_before_the_reset_is_confirmed() -> None:
    plays = {play["name"]: play for play in load(HERE / "playbooks/reset.yml")}
    inspect, confirm = plays["Inspect"], plays["Confirm"]
    __, task = inspect["tasks"]

    assert inspect["any_errors_fatal"] is True
    assert task["ansible.builtin.include_role"] == {
        "name": "holdfast.nfs.nfs_server",
        "tasks_from": "inspect",
    }
    assert "reset_faults" in str(confirm["tasks"][0])


def test_the_inspection_changes_nothing() -> None:
    tasks = load(HERE / "roles/nfs_server/tasks/inspect.yml")
    looking = ("ansible.builtin.assert", "holdfast.nfs.nfs_server_state")

    assert all(task.get("check_mode") or any(name in task for name in looking) for task in tasks)
