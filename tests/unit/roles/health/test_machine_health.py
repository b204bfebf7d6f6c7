"""The module looks at what the machine has, and one look that fails hides no other."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.nfs.plugins.filter.health import health_report
from ansible_collections.holdfast.nfs.plugins.module_utils.care import etcd
from ansible_collections.holdfast.nfs.plugins.module_utils.care.errors import Trouble
from ansible_collections.holdfast.nfs.plugins.module_utils.care.shelf import Shelf
from ansible_collections.holdfast.nfs.plugins.module_utils.health import machine, server
from ansible_collections.holdfast.nfs.plugins.modules import machine_health

from tests.unit.roles.care.given import certificate, manifest, snapshot, write
from tests.unit.roles.reading import HERE, load, mappings
from tests.unit.roles.running import Programs, run

FAILED = "systemctl list-units --state=failed"


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with nothing on it, and room."""
    monkeypatch.setattr(machine_health, "ROOT", tmp_path)
    monkeypatch.setattr(machine_health, "TIMER", tmp_path / "timer")
    monkeypatch.setattr(etcd, "MANIFEST", tmp_path / "etcd.yaml")
    monkeypatch.setattr(machine, "read", lambda _: "")
    return tmp_path


@pytest.fixture
def programs(bare: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    """Its programs."""
    assert bare.is_dir()
    return Programs(monkeypatch)


def look(programs: Programs, **given: Any) -> dict[str, Any]:
    return programs.result(machine_health.main, machine="node", **given)


def test_any_machine_has_disks_units_and_mounts(programs: Programs) -> None:
    assert look(programs) == {
        "changed": False,
        "faults": [],
        "looked_at": ["disks", "units", "mounts"],
    }


def test_a_check_looks_as_well(programs: Programs) -> None:
    programs.answers[FAILED] = (0, "x.service loaded failed failed X\n", "")

    assert len(look(programs, check=True)["faults"]) == 1


def test_a_clock_is_compared_with_that_of_the_machine_that_asks(programs: Programs) -> None:
    assert "behind" in look(programs, asked=time.time() + 100)["faults"][0]
    assert look(programs, asked=time.time())["faults"] == []


def test_a_node_s_certificates_are_looked_at(programs: Programs, tmp_path: Path) -> None:
    now = datetime.now(tz=UTC)
    write(tmp_path / "etc/kubernetes/pki/apiserver.crt", certificate(10, now))

    (said,) = look(programs)["faults"]

    assert said.startswith("The certificate /etc/kubernetes/pki/apiserver.crt of node ends in")


def test_a_server_s_exports_are_looked_at(
    programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "silence", lambda: iter(()))
    wanted = [{"path": "/srv/v{1..2}", "clients": ["*"]}, {"path": "/srv/x", "state": "absent"}]

    said = look(programs, exports=wanted)["faults"]

    assert [line.split()[0] for line in said] == ["/srv/v1", "/srv/v2"]


def test_etcd_and_its_snapshots_are_looked_at_where_there_are_some(
    programs: Programs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = etcd.read_manifest(write(tmp_path / "etcd.yaml", manifest(tmp_path)))
    (tmp_path / "timer").touch()
    monkeypatch.setattr(etcd, "read_manifest", lambda: own)
    Shelf(tmp_path, "control", 1, "a-former-cluster").add([snapshot()], datetime.now(tz=UTC))
    monkeypatch.setattr(etcd, "status", lambda _: {"leader": "1", "errors": ["alarm:NOSPACE"]})

    result = look(programs, snapshots=str(tmp_path))

    assert result["looked_at"][-2:] == ["etcd", "snapshots"]
    assert [line.split()[0] for line in result["faults"]] == ["etcd", "There"]


def test_the_cluster_is_looked_at_with_a_kubeconfig(programs: Programs) -> None:
    programs.answers["kubectl --kubeconfig=/x get nodes,pods,deployments"] = (
        0,
        json.dumps({"items": []}),
        "",
    )

    said = look(programs, kubeconfig="/x", nodes=["worker1"], namespace="storage")["faults"]

    assert said[0].startswith("The cluster has no node worker1")
    assert "in the namespace storage" in said[1]


def test_a_look_that_fails_hides_no_other(
    programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: str) -> str:
        raise OSError("no such table")

    monkeypatch.setattr(machine, "read", broken)
    programs.answers["kubectl"] = (1, "", "noise\nconnection refused\n")
    programs.answers[FAILED] = (0, "x.service loaded failed failed X\n", "")

    said = look(programs, kubeconfig="/x")["faults"]

    assert said[0] == "It cannot be looked at (OSError('no such table'))."
    assert said[1].startswith("The unit x.service has failed")
    assert said[-1] == "kubectl does not tell how things are: connection refused."


def test_a_program_that_is_not_there_hides_no_other_fault(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen: without kubectl on its path a machine's full disk was not told."""
    monkeypatch.setenv("PATH", str(bare))
    monkeypatch.setattr(machine, "full_disks", lambda *_: ["The file system / is full."])

    result = run(machine_health.main, machine="node", kubeconfig="/x", asked=time.time() + 100)

    assert "failed" not in result
    assert [fault.split(":")[0] for fault in result["faults"]] == [
        "The file system / is full.",
        "systemctl cannot be run on node",
        "The clock is 100 s behind; let a time service set it.",
        "kubectl cannot be run on node",
    ]


def test_a_trouble_is_a_sentence(programs: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: str) -> str:
        raise Trouble("It is not there.")

    monkeypatch.setattr(machine, "read", broken)

    assert look(programs)["faults"] == ["It is not there."] * 2


def report(**machines: Any) -> dict[str, Any]:
    variables = {name: {"__health_check_found": found} for name, found in machines.items()}
    return health_report([*machines, "refused"], {**variables, "refused": {}})


def test_the_report_has_sentences_for_each_machine() -> None:
    found = report(
        a={"faults": [], "looked_at": ["disks", "units"]},
        b={"faults": ["One.", "Two."], "looked_at": ["disks"]},
        c={"unreachable": True, "msg": "Failed to connect"},
        d={"msg": "no Python", "rc": 127},
    )

    assert found["lines"] == [
        "a: nothing is wrong with its disks, units.",
        "b: One.",
        "b: Two.",
        "c: It cannot be reached.",
        "d: It cannot be looked at: no Python",
        "refused: It was not looked at; see above what was said of it.",
    ]
    assert found["faults"] == found["lines"][1:]


def test_a_report_of_machines_that_are_well_has_no_faults() -> None:
    variables = {"a": {"__health_check_found": {"faults": [], "looked_at": ["disks"]}}}

    assert health_report(["a"], variables)["faults"] == []


# What they do is to look, or to say something.
HARMLESS = {
    "ansible.builtin.assert",
    "ansible.builtin.debug",
    "ansible.builtin.include_role",
    "holdfast.nfs.machine_health",
}


def test_check_yml_has_no_task_that_could_change_anything() -> None:
    limit, *plays = load(HERE / "playbooks/check.yml")
    role = load(HERE / "roles/health_check/tasks/main.yml")
    used = {key for task in mappings([plays, role]) for key in task if "." in key}

    assert used == HARMLESS
    assert limit["ansible.builtin.import_playbook"] == "limit.yml"  # which only asserts


def test_check_yml_looks_at_every_machine_and_ends_with_a_failure() -> None:
    _, looking, reporting = load(HERE / "playbooks/check.yml")
    last = reporting["tasks"][-1]["ansible.builtin.assert"]

    assert looking["hosts"] == reporting["hosts"] == "nfs_servers:kubernetes:kubernetes_api"
    assert looking["ignore_unreachable"] is True
    assert last["that"] == "__check_report.faults is falsy"
