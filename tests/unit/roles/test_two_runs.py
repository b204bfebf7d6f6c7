"""What two runs at once do to one machine: the tasks, played with a folder in place of its root."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.roles.reading import HERE
from tests.unit.roles.stubs import Stubbed, write

INCLUDE = "ansible.builtin.include_role"
RUN = "1" * 32
KUBEADM = """#!/bin/sh
echo "kubeadm $*" >> "ROOT/calls"
case "$*" in
*preflight\\ --config*) cat > /dev/null ;;
init*) cd "ROOT/etc/kubernetes"; MEANWHILE; echo "error: timed out" >&2; exit 1 ;;
esac
"""
ANOTHER = "echo '# Of the run 0.' > kubeadm-unfinished.yaml"
COMPLETED = "mv kubeadm-unfinished.yaml kubeadm.yaml"
STATE: dict[str, Any] = {
    "program": "/opt/kubernetes/v1.36.3/kubelet",
    "node": False,
    "unfinished": False,
    "pki": False,
    "kubelet_files": False,
    "address": "127.0.0.1",
}


class Machine:
    """It has the tasks of a role, and a kubeadm that fails while another run does something."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        self.mark = self.root / "etc/kubernetes/kubeadm-unfinished.yaml"
        self.collection = Stubbed(folder)
        for name in ("control_plane", "worker"):
            self._role(name)
        for name in ("kubeadm_mark", "kubeadm_obstacle"):
            self._module(name)
        self.collection.module("kubernetes_state", state=STATE)
        write(self.root / "etc/kubernetes/.keep", "")

    def _role(self, name: str) -> None:
        for path in sorted((HERE / "roles" / name).glob("*/*.yml")):
            text = path.read_text().replace("/etc/kubernetes", f"{self.root}/etc/kubernetes")
            self.collection.role(name, "main", "")
            write(self.collection.root / "roles" / name / path.parent.name / path.name, text)

    def _module(self, name: str) -> None:
        self.collection.module(name)
        text = (HERE / f"plugins/modules/{name}.py").read_text()
        path = self.collection.root / f"plugins/modules/{name}.py"
        path.write_text(text.replace('Path("/")', f'Path("{self.root}")'))

    def run(self, role: str, entry: str, meanwhile: str = ":", **variables: Any) -> str:
        """What is said by a run that fails."""
        text = KUBEADM.replace("ROOT", str(self.root)).replace("MEANWHILE", meanwhile)
        program = write(self.root.parent / "bin/kubeadm", text)
        program.chmod(0o755)
        tasks = [{INCLUDE: {"name": f"holdfast.nfs.{role}", "tasks_from": entry}}]
        play = [{"hosts": "all", "gather_facts": False, "tasks": tasks}]
        done = self.collection.play(
            write(self.root.parent / "play.yml", json.dumps(play)),
            {"all": {"hosts": {"control": {"ansible_connection": "local"}}}},
            kubernetes_node_now={"state": STATE},
            kubernetes_node_ignored_checks=[],
            __control_plane_configuration="kind: ClusterConfiguration\n",
            **variables,
        )
        assert done.returncode != 0, done.stdout
        return " ".join(done.stdout.split())

    def calls(self) -> list[str]:
        return (self.root / "calls").read_text().splitlines()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def resets(machine: Machine) -> list[str]:
    return [call for call in machine.calls() if call.startswith("kubeadm reset")]


def test_what_a_run_alone_began_is_reset(machine: Machine) -> None:
    said = machine.run("control_plane", "initialise")

    assert "was not initialised, and its partial state was reset. error: timed out" in said
    assert resets(machine) == ["kubeadm reset --force"]
    assert not machine.mark.exists()


@pytest.mark.parametrize("meanwhile", [ANOTHER, COMPLETED])
def test_the_run_that_loses_does_not_reset_the_cluster_of_the_other(
    machine: Machine, meanwhile: str
) -> None:
    """Seen: two runs at once; the one whose kubeadm failed reset what the other had made."""
    said = machine.run("control_plane", "initialise", meanwhile)

    assert "was not initialised, and nothing was reset, because another run is at work" in said
    assert resets(machine) == []


def test_the_second_run_does_not_start_kubeadm(machine: Machine) -> None:
    write(machine.mark, "kind: ClusterConfiguration\n")

    said = machine.run("control_plane", "initialise")

    assert "another run is at work on it" in said
    assert [call for call in machine.calls() if "preflight --config" not in call] == []
    assert machine.mark.read_text() == "kind: ClusterConfiguration\n"


@pytest.mark.parametrize(
    ("of", "said", "ran"),
    [
        (RUN, "the node's partial state was reset", 1),
        ("0" * 32, "nothing was reset, because another run is at work on it", 0),
    ],
)
def test_a_failed_join_resets_only_what_its_own_run_began(
    machine: Machine, of: str, said: str, ran: int
) -> None:
    write(machine.mark, f"# Of the run {of}.\nkind: JoinConfiguration\n")
    write(machine.root / "calls", "")

    told = machine.run(
        "worker",
        "reset_failed",
        __worker_mark={"run": RUN},
        __worker_join={"rc": 1, "stderr": "error: timed out"},
    )

    assert f"control did not join the cluster, and {said}" in told
    assert len(resets(machine)) == ran
    assert machine.mark.exists() is (ran == 0)
