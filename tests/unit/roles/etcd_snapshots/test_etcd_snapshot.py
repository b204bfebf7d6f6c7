"""A run takes a snapshot where one is missing or failed, and fails as long as that does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.nfs.plugins.module_utils.care import copy_snapshot, etcd
from ansible_collections.holdfast.nfs.plugins.module_utils.care.errors import Trouble
from ansible_collections.holdfast.nfs.plugins.module_utils.care.shelf import Shelf
from ansible_collections.holdfast.nfs.plugins.modules import etcd_snapshot

from tests.unit.roles.care.given import NOW, manifest, snapshot, write
from tests.unit.roles.reading import HERE, load, mappings
from tests.unit.roles.running import Programs

START = "systemctl start holdfast-etcd-snapshot.service"
SHOW = "systemctl show --property=Result"


class Machine:
    """A control plane whose unit takes snapshots, and copies them where the server answers."""

    def __init__(self, root: Path, programs: Programs) -> None:
        self.programs = programs
        self.folder, self.export = root / "kept", root / "export"
        self.folder.mkdir()
        self.export.mkdir()
        self.own = etcd.read_manifest(write(root / "etcd.yaml", manifest(root / "data")))

    def took(self, *, copied_to: str = "", cluster: str = "") -> None:
        of = cluster or self.own.cluster
        path = Shelf(self.folder, "control", 3, of).add([snapshot()], NOW)
        if copied_to:
            notes = copy_snapshot.notes(self.folder, copied_to)
            copy_snapshot.put(path, Shelf(self.export, "control", 3, of, notes))

    def ended(self, result: str) -> None:
        self.programs.answers[SHOW] = (0, f"{result}\n", "")
        self.programs.answers[START] = (int(result != "success"), "", "Job failed.")

    def run(self, copy_to: str = "", *, check: bool = False) -> dict[str, Any]:
        self.programs.ran.clear()
        given = {"directory": str(self.folder), "copy_to": copy_to, "machine": "control"}
        return self.programs.result(etcd_snapshot.main, check=check, **given)

    @property
    def started(self) -> bool:
        return START in self.programs.ran


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(tmp_path, Programs(monkeypatch))
    made.ended("success")
    monkeypatch.setattr(etcd, "read_manifest", lambda: made.own)
    return made


def test_a_first_snapshot_is_taken_and_a_second_run_changes_nothing(machine: Machine) -> None:
    assert machine.run()["reasons"] == [f"there is none of this cluster in {machine.folder}"]
    assert machine.started

    machine.took()

    assert machine.run()["changed"] is False
    assert not machine.started


def test_a_cluster_that_is_built_again_gets_a_first_snapshot(machine: Machine) -> None:
    machine.took(cluster="of-a-former-one")

    assert machine.run()["changed"] is True
    assert machine.started


def test_an_export_that_is_added_later_is_tried_at_once(machine: Machine) -> None:
    machine.took(copied_to="nas:/former")

    assert machine.run("nas:/former")["changed"] is False
    assert machine.run("nas:/new")["reasons"] == ["none was copied to nas:/new"]
    assert machine.started


def test_a_copy_that_fails_is_told_in_each_run_until_it_ends_well(machine: Machine) -> None:
    machine.took()
    machine.ended("exit-code")

    for _ in range(2):
        said = machine.run("nas:/x")["msg"]
        assert said.startswith("A snapshot of etcd was not taken, or not copied, on control; see")

    machine.took(copied_to="nas:/x")
    machine.ended("success")
    assert machine.run("nas:/x")["changed"] is False


def test_a_unit_that_failed_last_is_tried_again_though_there_are_snapshots(
    machine: Machine,
) -> None:
    machine.took(copied_to="nas:/x")
    machine.ended("timeout")

    assert "was not taken, or not copied" in machine.run("nas:/x")["msg"]
    assert machine.started


def test_a_check_takes_none(machine: Machine) -> None:
    assert machine.run(check=True)["changed"] is True
    assert not machine.started


def test_a_check_of_a_machine_without_etcd_does_not_fail(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none() -> etcd.Etcd:
        raise Trouble("This machine runs no etcd of kubeadm's.")

    monkeypatch.setattr(etcd, "read_manifest", none)

    assert machine.run(check=True)["reasons"] == ["This machine runs no etcd of kubeadm's."]


def test_the_role_asks_after_the_timer_is_installed() -> None:
    tasks = [*mappings(load(HERE / "roles/etcd_snapshots/tasks/main.yml"))]
    order = [key for task in tasks for key in task if key.startswith("holdfast.nfs.")]

    assert order == ["holdfast.nfs.timed_program", "holdfast.nfs.etcd_snapshot"]
