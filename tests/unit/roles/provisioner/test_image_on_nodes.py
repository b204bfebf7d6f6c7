"""playbooks/image.yml, run by Ansible on machines that are folders of this one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from testbed.names import names
from tests.unit.roles.guard import guard
from tests.unit.roles.provisioner.images import Machine, labels
from tests.unit.roles.reading import HERE

NAMES = ("control", "worker1", "worker2")
IMAGE = f"{names()['image']}:9.9"


class Nodes:
    """A control plane, two workers and a controller."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.temporary = folder / "temporary"
        self.controller = folder / "controller"
        self.controller.mkdir()
        self.temporary.mkdir()
        self.machines: dict[str, Machine] = {}
        for name in NAMES:
            (folder / name).mkdir()
            self.machines[name] = Machine(folder / name, monkeypatch)
            guard(folder / name)
        (folder / "hosts.json").write_text(json.dumps(self._inventory()))

    def _inventory(self) -> dict[str, Any]:
        control = {"hosts": {"control": {"provisioner_image_tag": "9.9"}}}
        workers: dict[str, Any] = {"hosts": {"worker1": {}, "worker2": {}}}
        variables = {
            "ansible_connection": "local",
            "ansible_become": False,
            "ansible_python_interpreter": sys.executable,
            "provisioner_image_directory": str(self.temporary),
            "provisioner_packages": [],
        }
        groups = {"kubernetes": {"children": {"control_plane": control, "workers": workers}}}
        return {"all": {"vars": variables, "children": groups}}

    def play(self, *words: str) -> dict[str, Any]:
        """What Ansible counted on each machine, and `said`, all of its output."""
        # The programs of a machine are those of its folder, also where another builds for it.
        path = f"{self.folder}/{{{{ inventory_hostname }}}}:/usr/bin:/bin"
        book = self.folder / "book.yml"
        book.write_text(
            (HERE / "playbooks/image.yml")
            .read_text()
            .replace("  vars:\n", f"  environment: {{PATH: '{path}'}}\n  vars:\n")
        )
        done = subprocess.run(
            [Path(sys.executable).with_name("ansible-playbook"), "-i", "hosts.json", *words, book],
            cwd=self.folder,
            env=os.environ
            | {
                "ANSIBLE_COLLECTIONS_PATH": str(HERE / "collections"),
                "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
                "ANSIBLE_LOCAL_TEMP": str(self.folder / "local"),
                "TMPDIR": str(self.controller),
            },
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
        )
        counted: dict[str, Any] = json.loads(done.stdout)["stats"]
        return {**counted, "said": done.stdout}

    def have(self) -> dict[str, str]:
        """What the image of each node was built from."""
        found = {name: machine.images().get(IMAGE, {}) for name, machine in self.machines.items()}
        return {name: of.get("holdfast.io/built-from", "") for name, of in found.items()}

    def left(self) -> list[str]:
        """What is left of a build, anywhere."""
        return [path.name for folder in (self.temporary, self.controller) for path in
                folder.glob("holdfast-image*")]  # fmt: skip


@pytest.fixture
def nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Nodes:
    path = os.environ["PATH"]
    made = Nodes(tmp_path, monkeypatch)
    monkeypatch.setenv("PATH", path)  # the machines' programs are not the controller's
    return made


def changed(counted: dict[str, Any]) -> dict[str, int]:
    return {name: counted[name]["changed"] for name in NAMES if counted[name]["changed"]}


def test_an_image_that_no_node_can_pull_is_built_once_and_loaded_into_each(nodes: Nodes) -> None:
    nodes.play()

    (key,) = set(nodes.have().values())
    assert key
    assert [call for one in nodes.machines.values() for call in one.calls()].count(
        "buildah build"
    ) == 1
    assert nodes.left() == []

    again = nodes.play()
    assert changed(again) == {}


def test_a_node_gets_what_it_lacks_and_the_others_keep_what_they_pulled(nodes: Nodes) -> None:
    for name in ("control", "worker1"):
        nodes.machines[name].set("registry", IMAGE)

    nodes.play()

    found = nodes.have()
    assert (found["control"], found["worker1"]) == ("", "")
    assert found["worker2"]
    assert IMAGE in nodes.machines["worker1"].images()


def test_an_image_of_another_content_is_replaced(nodes: Nodes) -> None:
    for machine in nodes.machines.values():
        machine.have({IMAGE: labels("old")})

    assert set(changed(nodes.play("--check"))) == set(NAMES)
    assert set(nodes.have().values()) == {"old"}

    nodes.play()
    (key,) = set(nodes.have().values())
    assert key != "old"


def test_a_build_that_fails_leaves_nothing_and_says_what_to_do(nodes: Nodes) -> None:
    for machine in nodes.machines.values():
        machine.set("broken", "ERROR: No matching distribution found")

    counted = nodes.play()

    assert "failed at the step `RUN pip install" in counted["said"]
    assert "ERROR: No matching distribution found" in counted["said"]
    assert "provisioner_image_repository" in counted["said"]
    assert sum(counted[name]["failures"] for name in NAMES) == 1
    assert nodes.left() == []
    assert set(nodes.have().values()) == {""}


def test_a_node_that_cannot_load_it_holds_up_no_other_and_nothing_is_left(nodes: Nodes) -> None:
    program = nodes.machines["worker1"].folder / "ctr"
    program.write_text(program.read_text().replace('"import":', '"import":\n    sys.exit("full")'))

    counted = nodes.play()

    assert [name for name in NAMES if counted[name]["failures"]] == ["worker1"]
    assert [name for name, key in nodes.have().items() if key] == ["control", "worker2"]
    assert nodes.left() == []


@pytest.mark.parametrize(
    "variables",
    [
        {"provisioner_image_build": "never"},
        {"provisioner_image_login": {"registry": "r", "username": "u", "password": "p"}},
    ],
)
def test_who_has_a_registry_gets_nothing_built(nodes: Nodes, variables: dict[str, Any]) -> None:
    counted = nodes.play("-e", json.dumps(variables))

    assert changed(counted) == {}
    assert [one.calls() for one in nodes.machines.values()] == [[], [], []]
