"""What the provisioner could not do is refused before storage and cluster are built for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.nfs.plugins.filter.provisioner import (
    export_faults,
    rule_faults,
)
from ansible_collections.holdfast.nfs.plugins.lookup import option_faults

from tests.unit.roles.guard import guard
from tests.unit.roles.reading import HERE, ROLES, load, mappings, specifications

GROUPS = {"nfs_servers": ["storage"]}
STORAGE = {
    "ansible_host": "192.0.2.10",
    "nfs_server_exports": [
        {"path": "/srv/nfs/k8s", "clients": ["192.0.2.0/24"]},
        {"path": "/data/v{1..3}", "clients": ["192.0.2.0/24"]},
        {"path": "/gone", "state": "absent"},
    ],
}


def faults(storage: dict[str, Any] | None = None, **settings: Any) -> list[str]:
    given = {"server": "192.0.2.10", "path": "/srv/nfs/k8s", "exports": [], "static_volumes": []}
    return export_faults(given | settings, GROUPS, {"storage": STORAGE | (storage or {})})


@pytest.mark.parametrize("path", ["/srv/nfs/k8s", "/srv/nfs/k8s/", "/srv/nfs/k8s/a", "/data/v2"])
def test_a_path_that_is_exported_or_below_one_that_is_has_no_fault(path: str) -> None:
    assert faults(path=path) == []


@pytest.mark.parametrize("server", ["192.0.2.10", "storage"])
@pytest.mark.parametrize("path", ["/srv/nfs", "/srv/nfs/k8s2", "/data/v4", "/gone"])
def test_a_path_that_is_not_exported_is_refused_with_those_that_are(server: str, path: str) -> None:
    (fault,) = faults(path=path, server=server)

    assert fault == (
        f"provisioner_nfs_path is {path}, which storage does not export; it exports /srv/nfs/k8s, "
        "/data/v1, /data/v2, /data/v3. Name one of these, or add it to nfs_server_exports of "
        "storage."
    )


def test_a_server_that_exports_nothing_is_refused() -> None:
    (fault,) = faults({"nfs_server_exports": []})

    assert "which storage does not export; it exports nothing." in fault


def test_another_server_is_not_asked_what_it_exports() -> None:
    assert faults(server="nas.example.com", path="/x") == []


@pytest.mark.parametrize("wrong", ["/srv/nfs/k8s *(rw)", [{"path": "k8s"}]])
def test_exports_that_are_none_are_left_to_the_servers_own_check(wrong: object) -> None:
    assert faults({"nfs_server_exports": wrong}) == []


def test_one_of_several_exports_and_a_static_volume_are_refused_by_their_variables() -> None:
    exports = [{"name": "a", "server": "storage", "path": "/srv/x"}]
    volumes = [{"name": "pv", "path": "/y"}, {"name": "pv2", "server": "nas", "path": "/z"}]

    said = faults(exports=exports, static_volumes=volumes)

    assert [sentence.split(",")[0] for sentence in said] == [
        "provisioner_exports has /srv/x",
        "provisioner_static_volumes has /y",
    ]


def test_a_rule_that_is_broken_names_variable_machine_and_remedy() -> None:
    rules = [
        {"variable": "provisioner_nfs_server", "holds": False, "allowed": "an address"},
        {"variable": "provisioner_namespace", "holds": True, "allowed": "a name"},
    ]

    assert rule_faults(rules, "control") == [
        "provisioner_nfs_server on control must be an address."
    ]


def preflight() -> list[dict[str, Any]]:
    return list(load(HERE / "playbooks/preflight.yml"))


def checked() -> set[str]:
    """The roles of which preflight.yml runs the checks."""
    return {
        node["name"].removeprefix("holdfast.nfs.")
        for node in mappings(preflight())
        if node.get("tasks_from") == "preflight"
    }


def test_the_checks_of_every_role_that_site_yml_runs_are_run_first() -> None:
    used = {
        node["role"].removeprefix("holdfast.nfs.")
        for name in ("storage", "cluster", "provisioner", "verify")
        for node in mappings(load(HERE / f"playbooks/{name}.yml"))
        if "role" in node
    }

    assert used - checked() == set()
    assert {role.name for role in ROLES if "preflight" in specifications(role)} == checked()


def test_the_checks_see_the_nfs_server_that_the_role_will_see() -> None:
    *_, play = load(HERE / "playbooks/provisioner.yml")
    (check,) = [one for one in preflight() if one["name"] == "Check the provisioner"]

    assert check["vars"]["holdfast_nfs_server"] == play["vars"]["holdfast_nfs_server"]
    assert load(HERE / "playbooks/site.yml")[0]["vars"] == {"preflight_provisioner": True}


CLUSTER: dict[str, Any] = {
    "control_plane": {"hosts": {"control": {}}},
    "kubernetes": {"children": {"control_plane": {}}},
}
ELSEWHERE: dict[str, Any] = {"kubernetes_api": {"hosts": {"control": {}}}}


def said_of(
    folder: Path, nfs_servers: dict[str, Any], cluster: dict[str, Any] = CLUSTER, **variables: Any
) -> str:
    """What the play of the provisioner's checks says, on a machine that is this one."""
    plays = [
        one for one in preflight() if one["name"] in {"Check the provisioner", "Checks passed"}
    ]
    inventory = cluster | {"nfs_servers": {"hosts": nfs_servers}}
    plain = {
        "ansible_connection": "local",
        "ansible_become": False,
        "ansible_python_interpreter": sys.executable,
    }
    (folder / "hosts.json").write_text(json.dumps(inventory | {"all": {"vars": plain | variables}}))
    (folder / "play.yml").write_text(json.dumps(plays))
    guard(folder / "bin")
    path = f"{folder / 'bin'}:{os.environ['PATH']}"
    done = subprocess.run(
        [
            Path(sys.executable).with_name("ansible-playbook"),
            *("-i", folder / "hosts.json", "-e", "preflight_provisioner=true"),
            folder / "play.yml",
        ],
        cwd=HERE,
        env={**os.environ, "PATH": path, "ANSIBLE_REMOTE_TEMP": str(folder / "tmp")},
        capture_output=True,
        text=True,
        timeout=55,
        check=False,
    )
    return " ".join((done.stdout + done.stderr).split())


def test_a_cluster_without_an_nfs_server_is_refused(tmp_path: Path) -> None:
    said = said_of(tmp_path, {})

    assert "Nothing was changed on any machine. control: provisioner_nfs_server on control" in said


def test_a_path_that_nobody_exports_is_refused(tmp_path: Path) -> None:
    exported = [{"path": "/data", "clients": ["192.0.2.0/24"]}]

    said = said_of(tmp_path, {"storage": {"nfs_server_exports": exported}})

    assert "control: provisioner_nfs_path is /srv/nfs/k8s, which storage does not export" in said


def test_a_machine_of_kubernetes_api_is_told_what_a_variable_may_be(tmp_path: Path) -> None:
    said = said_of(tmp_path, {"storage": STORAGE}, provisioner_image_build=True)

    assert "control: provisioner_image_build is True on control; use one of auto, always," in said


def test_what_can_be_done_passes(tmp_path: Path) -> None:
    said = said_of(tmp_path, {"storage": STORAGE})

    assert "failed=0" in said
    assert "failed=1" not in said


def programs(folder: Path, **scripts: str) -> dict[str, str]:
    """Variables that name programs, each a shell script of one line."""
    for name, script in scripts.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    return {f"provisioner_{name}": str(folder / name) for name in scripts}


READY = 'test "$*" = "--kubeconfig /own/config --request-timeout=20s get --raw /readyz"'


@pytest.mark.parametrize(
    ("kubectl", "helm", "told"),
    [
        (
            "echo no such file >&2; exit 1",
            "exit 0",
            "(provisioner_kubectl) and /own/config (provisioner_kubeconfig); set them to a program",
        ),
        (READY, "exit 1", "/helm (provisioner_helm) does not run on control; set it to a program"),
    ],
)
def test_a_cluster_that_is_elsewhere_and_not_reached_is_refused_before_storage_is_built(
    tmp_path: Path, kubectl: str, helm: str, told: str
) -> None:
    given = programs(tmp_path, kubectl=kubectl, helm=helm)

    said = said_of(
        tmp_path, {"storage": STORAGE}, ELSEWHERE, provisioner_kubeconfig="/own/config", **given
    )

    assert told in said
    assert "Nothing was changed on any machine." in said


def test_a_program_that_is_not_there_is_told_too(tmp_path: Path) -> None:
    said = said_of(tmp_path, {"storage": STORAGE}, ELSEWHERE, provisioner_kubectl="/no/kubectl")

    assert "with /no/kubectl (provisioner_kubectl)" in said
    assert "The reason: the program cannot be run." in said


def test_a_cluster_that_is_elsewhere_and_reached_passes(tmp_path: Path) -> None:
    given = programs(tmp_path, kubectl=READY, helm="exit 0")

    said = said_of(
        tmp_path, {"storage": STORAGE}, ELSEWHERE, provisioner_kubeconfig="/own/config", **given
    )

    assert "failed=0" in said
    assert "failed=1" not in said


OPTIONS = option_faults.options([])


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("pod_network_provider", "calico", "is calico on a; use one of flannel, routes, none."),
        ("provisioner_image_build", True, "is True on a; use one of auto, always, never."),
        ("nfs_server_versions", ["4.2", "5"], "is 5 on a; use one of 3, 4.0, 4.1, 4.2."),
        ("verify_seconds", "soon", "is 'soon' on a; write a whole number."),
        ("nfs_server_firewall", "perhaps", "is 'perhaps' on a; write true or false."),
    ],
)
def test_a_value_that_a_role_cannot_have_is_refused_with_those_that_it_can(
    name: str, value: object, sentence: str
) -> None:
    assert list(option_faults.faults(name, OPTIONS[name], value, "a")) == [f"{name} {sentence}"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("pod_network_provider", "none"),
        ("nfs_server_versions", ["4.2", 4.1]),
        ("verify_seconds", "600"),
        ("nfs_server_firewall", "yes"),
    ],
)
def test_a_value_that_a_role_can_have_is_not(name: str, value: object) -> None:
    assert list(option_faults.faults(name, OPTIONS[name], value, "a")) == []
