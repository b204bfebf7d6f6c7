"""A machine that cannot be reached stops a playbook that takes things apart, as a failure does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.unit.roles.nfs_server.given import looked_at
from tests.unit.roles.reading import HERE, ROLES, load, mappings
from tests.unit.roles.stubs import Stubbed, write

LOCAL: Final = {"ansible_connection": "local"}
DOWN: Final = {"ansible_host": "127.0.0.1", "ansible_port": 1}
DEBUG: Final = "ansible.builtin.debug"
INCLUDE: Final = "ansible.builtin.include_role"
# What takes things apart, and the entry points of roles that do it.
GUARDED: Final = ("reset", "upgrade", "remove_node", "restore_etcd")
CHANGES: Final = {
    *("remove", "remove_image", "upgrade", "programs", "kubeconfig", "restore"),
    *("drain", "delete"),
}


def file(name: str) -> Path:
    """The playbook of this name."""
    return HERE / f"playbooks/{name}.yml"


def hosts(*down: str) -> dict[str, Any]:
    """An inventory with some machines that are down."""
    of = {n: DOWN if n in down else LOCAL for n in ("nfs", "control", "worker1", "worker2")}
    workers = {name: of[name] for name in ("worker1", "worker2")}
    groups = {"control_plane": {"hosts": {"control": of["control"]}}, "workers": {"hosts": workers}}
    return {
        "nfs_servers": {"hosts": {"nfs": of["nfs"]}},
        "kubernetes": {"children": groups},
        "all": {"vars": {"nfs_server_exports": []}},
    }


class Site:
    """Roles whose tasks only tell that they were run."""

    def __init__(self, folder: Path) -> None:
        self.collection = Stubbed(folder)
        for role in ROLES:
            self.collection.role(role.name, "main", "")
            text = "argument_specs: {}"
            write(self.collection.root / "roles" / role.name / "meta/argument_specs.yml", text)
            for tasks in role.glob("tasks/*.yml"):
                told = f"RAN {role.name} {tasks.stem} on {{{{ inventory_hostname }}}}"
                stub: list[dict[str, Any]] = [{DEBUG: {"msg": told}}]
                if (role.name, tasks.stem) == ("nfs_server", "inspect"):
                    stub.append({"ansible.builtin.set_fact": looked_at()})
                self.collection.role(role.name, tasks.stem, yaml.safe_dump(stub))

    def run(
        self, name: str, *arguments: str, down: str = "", **variables: Any
    ) -> tuple[set[str], str]:
        """What was run, and what was said."""
        books = self.collection.root / "playbooks"
        given = {"reset_confirm": "control", **variables}
        done = self.collection.play(books / file(name).name, hosts(down), *arguments, **given)
        said = " ".join(done.stdout.split())
        return set(re.findall(r"RAN (\w+ \w+ on \w+)", said)), said


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_the_storage_stays_while_a_worker_is_not_reset(site: Site) -> None:
    ran, said = site.run("reset", down="worker1")

    assert "nfs_server remove on nfs" not in ran
    assert "worker1" in said


def test_the_nodes_stay_while_the_provisioner_is_not_removed(site: Site) -> None:
    ran, __ = site.run("reset", down="control")

    assert not {line for line in ran if " remove on " in line}


def test_all_goes_when_all_is_reached(site: Site) -> None:
    ran, __ = site.run("reset")

    assert {line for line in ran if line.startswith(("kubernetes_node", "nfs_server"))} >= {
        "kubernetes_node remove on control",
        "kubernetes_node remove on worker1",
        "kubernetes_node remove on worker2",
        "nfs_server remove on nfs",
    }


def test_a_worker_that_is_left_out_is_not_waited_for(site: Site) -> None:
    ran, __ = site.run("reset", "--limit", "!worker1", down="worker1")

    assert "nfs_server remove on nfs" in ran
    assert "kubernetes_node remove on worker2" in ran


def test_the_question_is_not_passed_by_starting_behind_it(site: Site) -> None:
    ran, said = site.run("reset", "--start-at-task", "Remove the exports")

    assert ran == set()
    assert "because the first play did not run" in said


def test_no_worker_is_upgraded_without_the_control_plane(site: Site) -> None:
    ran, said = site.run("upgrade", down="control")

    assert ran == set()
    assert "because control failed, or was not reached" in said


def test_the_next_worker_waits_for_one_that_is_not_reached(site: Site) -> None:
    """It is reached at first, and is down when its turn has come."""
    tasks = [
        {
            "ansible.builtin.set_fact": {
                "ansible_connection": "ssh",
                "ansible_host": "127.0.0.1",
                "ansible_port": 1,
            },
            "when": "inventory_hostname == 'worker1'",
        },
        {"ansible.builtin.ping": None},
        {DEBUG: {"msg": "RAN upgrade all on {{ inventory_hostname }}"}},
    ]
    site.collection.role("kubernetes_node", "upgrade", yaml.safe_dump(tasks))

    ran, said = site.run("upgrade")

    assert "upgrade all on control" in ran
    assert "upgrade all on worker2" not in ran
    assert "because worker1 failed, or was not reached" in said


def test_all_nodes_are_upgraded_when_all_are_reached(site: Site) -> None:
    ran, __ = site.run("upgrade")

    assert {line for line in ran if " upgrade on " in line} == {
        f"kubernetes_node upgrade on {name}" for name in ("control", "worker1", "worker2")
    }


@pytest.mark.parametrize(
    "arguments", [("--limit", "worker2"), ("--start-at-task", "Remove the node")]
)
def test_a_node_is_not_reset_before_it_is_drained(site: Site, arguments: tuple[str, str]) -> None:
    ran, said = site.run("remove_node", *arguments, remove_node="worker2")

    assert ran <= {"kubernetes_node refuse_removal on worker2"}
    assert "because the first play did not run" in said


def test_a_node_that_is_down_is_not_said_to_be_removed_before_it_is(site: Site) -> None:
    ran, said = site.run("remove_node", "--limit", "worker2", down="worker2", remove_node="worker2")

    assert ran == set()
    assert "was removed from the cluster" not in said
    assert "because the first play did not run" in said


def test_a_node_that_is_down_is_removed_from_the_cluster_if_somebody_says_that_it_is_off(
    site: Site,
) -> None:
    given = {"remove_node": "worker2", "remove_node_is_off": "worker2"}

    ran, said = site.run("remove_node", down="worker2", **given)

    assert ran == {
        "kubernetes_node drain on control",
        "kubernetes_node delete on control",
        "pod_network refresh on control",
    }
    assert "it was removed from the cluster" in said


@pytest.mark.parametrize("off", [{}, {"remove_node_is_off": "worker1"}])
def test_a_node_that_is_perhaps_only_cut_off_is_not_removed(
    site: Site, off: dict[str, str]
) -> None:
    """Seen: it was deleted; its pods went on writing there, and began elsewhere."""
    ran, said = site.run("remove_node", down="worker2", remove_node="worker2", **off)

    assert ran == set()
    assert "Nothing was changed. worker2 cannot be reached. If it is only cut off, its pods" in said
    assert "-e remove_node_is_off=worker2" in said


def test_a_node_whose_machine_was_not_reset_is_not_deleted(site: Site) -> None:
    """Seen: it was deleted first; where the reset failed, its containers went on unseen."""
    failing = [{"ansible.builtin.fail": {"msg": "containers run"}}]
    site.collection.role("kubernetes_node", "remove", yaml.safe_dump(failing))

    ran, said = site.run("remove_node", remove_node="worker2")

    assert ran == {"kubernetes_node refuse_removal on worker2", "kubernetes_node drain on control"}
    assert "containers run" in said


def test_nor_is_one_whose_machine_is_lost_before_it_was_reset(site: Site) -> None:
    lost = {"ansible_connection": "ssh", **DOWN}
    tasks = [{"ansible.builtin.set_fact": lost}, {"ansible.builtin.ping": None}]
    site.collection.role("kubernetes_node", "remove", yaml.safe_dump(tasks))

    ran, said = site.run("remove_node", remove_node="worker2")

    assert ran == {"kubernetes_node refuse_removal on worker2", "kubernetes_node drain on control"}
    assert "unreachable=1" in said


def test_a_node_is_not_drained_if_its_machine_is_refused(site: Site) -> None:
    refusal = [{"ansible.builtin.fail": {"msg": "another cluster's"}}]
    site.collection.role("kubernetes_node", "refuse_removal", yaml.safe_dump(refusal))

    ran, said = site.run("remove_node", remove_node="worker2")

    assert ran == set()
    assert "another cluster's" in said


def test_a_node_is_drained_then_reset_and_then_deleted(site: Site) -> None:
    ran, said = site.run("remove_node", remove_node="worker2")

    wanted = ("drain on control", "remove on worker2", "delete on control")
    places = [said.index(f"RAN kubernetes_node {one}") for one in wanted]
    assert places == sorted(places)
    assert "nfs_client remove on worker2" in ran


def test_etcd_is_not_restored_without_the_question(site: Site) -> None:
    ran, said = site.run(
        "restore_etcd", "--start-at-task", "Restore the snapshot", restore_snapshot="/x.db"
    )

    assert ran == set()
    assert "because the first play did not run" in said


def test_the_provisioner_waits_for_a_control_plane_that_was_lost(tmp_path: Path) -> None:
    *_, complete = load(HERE / "playbooks/cluster.yml")
    plays = [
        {"hosts": "all", "gather_facts": False, "tasks": [{"ansible.builtin.ping": None}]},
        complete,
        {
            "hosts": "api",
            "gather_facts": False,
            "tasks": [{DEBUG: {"msg": "ON"}}],
        },
    ]
    book = write(tmp_path / "site.yml", yaml.safe_dump(plays))
    given = hosts("control") | {"kubernetes_api": {"hosts": {"api": LOCAL}}}

    done = Stubbed(tmp_path).play(book, given)

    assert "control cannot be reached" in " ".join(done.stdout.split())
    assert "msg: ON" not in done.stdout


def includes() -> list[Any]:
    """Each role of the playbooks that take things apart."""
    return [
        pytest.param(task, id=f"{name}: {task['name']}")
        for name in GUARDED
        for task in mappings(load(file(name)))
        if task.get(INCLUDE, {}).get("tasks_from") in CHANGES
    ]


@pytest.mark.parametrize("task", includes())
def test_no_task_can_be_started_at_that_takes_something_apart(task: dict[str, Any]) -> None:
    conditions = task.get("when", [])

    assert re.search(r"__\w+_faults is falsy", str(conditions))
