"""Where roles and playbooks look after a cluster: they install timers, and ask before a restore."""

from __future__ import annotations

from typing import Any

from tests.unit.roles.reading import HERE, ROLES, load, mappings

TIMED = "holdfast.nfs.timed_program"


def plays(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = load(HERE / f"playbooks/{name}.yml")
    return found


def included(tree: Any) -> list[tuple[str, str]]:
    """Role and entry point, in their order."""
    tasks = [node["ansible.builtin.include_role"] for node in mappings(tree) if is_include(node)]
    return [(task["name"], task.get("tasks_from", "main")) for task in tasks]


def is_include(node: dict[str, Any]) -> bool:
    return "ansible.builtin.include_role" in node


def timed() -> list[dict[str, Any]]:
    files = [path for role in ROLES for path in sorted(role.glob("tasks/*.yml"))]
    return [node[TIMED] for path in files for node in mappings(load(path)) if TIMED in node]


def test_each_timer_that_is_installed_can_be_removed() -> None:
    by_state: dict[str, set[str]] = {"present": set(), "absent": set()}
    for one in timed():
        by_state[one.get("state", "present")].add(one["name"])

    assert by_state["present"] == {"holdfast-certificates", "holdfast-etcd-snapshot"}
    assert by_state["absent"] == by_state["present"]


def test_a_reset_ends_the_timers_before_it_takes_away_what_they_need() -> None:
    order = included(next(play for play in plays("reset") if play["name"] == "Cluster"))

    node = order.index(("holdfast.nfs.kubernetes_node", "remove"))
    assert order.index(("holdfast.nfs.etcd_snapshots", "remove")) < node
    assert order.index(("holdfast.nfs.control_plane", "remove")) < node


def test_a_cluster_that_is_built_takes_snapshots() -> None:
    roles = [one["role"] for play in plays("cluster") for one in play.get("roles", ())]

    assert roles.index("holdfast.nfs.control_plane") < roles.index("holdfast.nfs.etcd_snapshots")


def test_the_control_plane_renews_its_certificates_last_of_all() -> None:
    last = load(HERE / "roles/control_plane/tasks/main.yml")[-1]

    assert last["ansible.builtin.include_tasks"] == "certificates.yml"


def test_an_upgrade_lets_kubeadm_renew_certificates_and_hands_out_the_kubeconfig() -> None:
    text = "".join(path.read_text() for path in (HERE / "roles").rglob("tasks/*.yml"))

    assert "--certificate-renewal" not in text
    assert ("holdfast.nfs.control_plane", "kubeconfig") in included(plays("upgrade"))


def test_verify_looks_at_when_certificates_end() -> None:
    tasks = load(HERE / "roles/verify/tasks/main.yml")

    assert [task for task in tasks if "holdfast.nfs.certificate_ends" in task]


def test_a_restore_is_shown_and_confirmed_before_it_begins() -> None:
    *__, play = plays("restore_etcd")
    seen, asked, stopped, marked, restored, *__ = play["tasks"][1:]

    assert seen["check_mode"] is True
    assert "holdfast.nfs.etcd_restore" in seen
    assert "restore_confirm is not defined" in asked["when"]
    assert "groups['control_plane'] | first" in play["vars"]["__restore_confirmed"]
    assert stopped["ansible.builtin.assert"]["that"] == "__restore_confirmed"
    assert "__restore_confirmed" in marked["when"]
    assert included([restored]) == [("holdfast.nfs.etcd_snapshots", "restore")]
    assert play["any_errors_fatal"] is True


def test_a_restore_waits_until_the_api_server_is_ready() -> None:
    last = load(HERE / "roles/etcd_snapshots/tasks/restore.yml")[-1]

    assert last["ansible.builtin.command"]["cmd"] == "kubectl get --raw /readyz"
    assert last["retries"] * last["delay"] >= 300
