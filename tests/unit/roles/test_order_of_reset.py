"""reset.yml refuses before it takes anything, from the cluster and from what cares for it."""

from __future__ import annotations

from typing import Any

from tests.unit.roles.reading import HERE, load, mappings

INCLUDE = "ansible.builtin.include_role"
REFUSE = {"name": "holdfast.nfs.kubernetes_node", "tasks_from": "refuse_removal"}


def included(play: dict[str, Any]) -> list[dict[str, Any]]:
    return [task[INCLUDE] for task in mappings(play) if INCLUDE in task]


def test_a_machine_with_another_kubernetes_is_refused_before_anything_is_removed() -> None:
    """Seen: a worker had k3s; the cluster lived on without snapshots and renewals."""
    plays = load(HERE / "playbooks/reset.yml")
    removing = [
        number
        for number, play in enumerate(plays)
        if any(str(one["tasks_from"]).startswith("remove") for one in included(play))
    ]
    refusing = next(number for number, play in enumerate(plays) if REFUSE in included(play))

    assert refusing < removing[0]
    assert plays[refusing]["hosts"] == "kubernetes"
    assert plays[refusing]["any_errors_fatal"] is True


def test_the_refusal_changes_nothing_and_asks_the_machine_anew() -> None:
    tasks = load(HERE / "roles/kubernetes_node/tasks/refuse_removal.yml")
    modules = [key for task in tasks for key in task if "." in key]

    assert modules == [
        "ansible.builtin.include_tasks",
        "holdfast.nfs.kubernetes_state",
        "ansible.builtin.assert",
    ]
    assert tasks[0]["ansible.builtin.include_tasks"] == "ask.yml"
    assert "holdfast.nfs.removal_fault" in str(tasks[2])


def removals(playbook: str) -> set[tuple[str, str]]:
    """What a playbook removes from a worker: the role and its entry point."""
    plays = load(HERE / f"playbooks/{playbook}.yml")
    return {
        (task[INCLUDE]["name"], task[INCLUDE]["tasks_from"])
        for play in plays
        if play.get("name") in {"Cluster", "Reset the machine"}
        for task in mappings(play)
        if task.get(INCLUDE, {}).get("tasks_from", "").startswith("remove")
        and "groups['control_plane']" not in str(task["when"])
    }


def test_a_worker_that_is_removed_alone_loses_what_a_reset_removes() -> None:
    """Seen: rpcbind and rpc.statd stayed masked, and the domain of NFSv4 stayed set."""
    assert removals("remove_node") == removals("reset")
    assert ("holdfast.nfs.nfs_client", "remove") in removals("remove_node")


def test_an_nfs_server_keeps_its_settings_when_it_is_a_node_no_more() -> None:
    (task,) = [
        task
        for task in mappings(load(HERE / "playbooks/remove_node.yml"))
        if task.get(INCLUDE, {}).get("name") == "holdfast.nfs.nfs_client"
    ]

    assert "inventory_hostname not in groups['nfs_servers'] | default([])" in task["when"]
