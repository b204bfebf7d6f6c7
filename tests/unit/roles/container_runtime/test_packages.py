"""With the runtime's packages apt removes neither others' nor those that were there before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.nfs.plugins.modules import runtime_packages

from tests.unit.roles.reading import HERE, ROLES, load, mappings
from tests.unit.roles.running import Programs

USUAL = ["containerd", "runc", "containernetworking-plugins"]
STATUS = "dpkg-query --show"
SIMULATED = "apt-get --simulate --quiet --purge remove"


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> Programs:
    return Programs(monkeypatch)


@pytest.fixture
def note(tmp_path: Path) -> Path:
    return tmp_path / "container_runtime/packages"


def has(programs: Programs, *names: str) -> None:
    """From now on these are installed."""
    programs.answers[STATUS] = (1, "".join(f"{name} installed\n" for name in names), "")


def call(programs: Programs, note: Path, state: str, **more: Any) -> dict[str, Any]:
    given = {"packages": USUAL, "note": str(note), "state": state, **more}
    return programs.result(runtime_packages.main, **given)


def test_what_was_there_before_the_role_is_not_removed(programs: Programs, note: Path) -> None:
    has(programs, "containerd", "runc")
    assert call(programs, note, "noted") == {"changed": True}

    has(programs, *USUAL)
    found = call(programs, note, "removable")
    assert found["removable"] == ["containernetworking-plugins"]
    assert found["kept"] == ["containerd", "runc"]


def test_a_second_run_changes_no_note(programs: Programs, note: Path) -> None:
    call(programs, note, "noted")
    has(programs, *USUAL)

    assert call(programs, note, "noted") == {"changed": False}
    assert call(programs, note, "removable")["removable"] == sorted(USUAL)


def test_a_dry_run_notes_nothing(programs: Programs, note: Path) -> None:
    assert call(programs, note, "noted", check=True) == {"changed": True}
    assert not note.parent.exists()


def test_without_a_note_nothing_is_removed(programs: Programs, note: Path) -> None:
    has(programs, *USUAL)

    found = call(programs, note, "removable")
    assert found == {"changed": False, "removable": [], "kept": sorted(USUAL)}


def test_packages_that_are_gone_are_not_said_to_be_kept(programs: Programs, note: Path) -> None:
    has(programs)

    assert call(programs, note, "removable")["kept"] == []


def test_docker_is_not_removed_with_the_containerd_that_it_needs(
    programs: Programs, note: Path
) -> None:
    """Its postrm removes every volume."""
    call(programs, note, "noted")
    has(programs, *USUAL)
    programs.answers[SIMULATED] = (0, "Purg docker.io [26.1]\nPurg containerd [1.7]\n", "")

    said = call(programs, note, "removable")["msg"]

    assert "apt would remove docker.io from this machine with containerd" in said
    assert "nothing was removed" in said


def test_packages_of_another_architecture_are_known_by_their_names(
    programs: Programs, note: Path
) -> None:
    call(programs, note, "noted")
    has(programs, *USUAL)
    programs.answers[SIMULATED] = (0, "Purg containerd:arm64 [1.7]\nRemv runc [1.1]\n", "")

    assert call(programs, note, "removable")["removable"] == sorted(USUAL)


def test_an_apt_that_does_not_answer_removes_nothing(programs: Programs, note: Path) -> None:
    call(programs, note, "noted")
    has(programs, *USUAL)
    programs.answers[SIMULATED] = (100, "", "E: dpkg was interrupted")

    assert "apt does not say what it would remove" in call(programs, note, "removable")["msg"]


def tasks() -> list[dict[str, Any]]:
    files = [file for role in ROLES for file in (role / "tasks").glob("*.yml")]
    return [node for file in files for node in mappings(load(file))]


def test_apt_removes_only_what_the_role_was_told_that_it_may() -> None:
    removals = [
        task["ansible.builtin.apt"]
        for task in tasks()
        if task.get("ansible.builtin.apt", {}).get("state") in {"absent", "build-dep", "fixed"}
        or task.get("ansible.builtin.apt", {}).get("autoremove")
    ]

    assert [task["name"] for task in removals] == ["{{ __container_runtime_removable.removable }}"]


def test_no_package_is_installed_by_a_module_that_may_remove_others() -> None:
    assert [task["name"] for task in tasks() if "ansible.builtin.package" in task] == []


def test_the_note_is_written_before_the_packages_come() -> None:
    nodes = [*mappings(load(HERE / "roles/container_runtime/tasks/main.yml"))]
    order = [key for node in nodes for key in node if key.endswith(("runtime_packages", ".apt"))]

    assert order.index("holdfast.nfs.runtime_packages") < len(order) - 1
    assert order[-1] == "ansible.builtin.apt"
