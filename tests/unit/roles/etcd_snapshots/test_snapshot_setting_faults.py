"""Settings with which no snapshot can be taken are refused before anything is changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.nfs.plugins.filter.etcd_snapshots import snapshot_setting_faults
from ansible_collections.holdfast.nfs.plugins.module_utils.kubernetes_node.removal import folders

from tests.unit.roles.reading import HERE, load


def faults(**given: Any) -> list[str]:
    usual = {"directory": "/var/backups/etcd", "keep": 7, "copy_to": "", "node": "/opt/kubernetes"}
    return snapshot_setting_faults({**usual, **given}, "control")


@pytest.mark.parametrize(
    "copy_to",
    ["", "192.0.2.10:/srv/backup", "nas.example.com:/", "[2001:db8::1]:/srv/backup", "nas:/a-b"],
)
def test_what_mount_takes_is_let_through(copy_to: str) -> None:
    assert faults(copy_to=copy_to) == []


@pytest.mark.parametrize("copy_to", ["/srv/backup", "nas", "nas:srv", "-o x:/srv", "nas:/a b"])
def test_what_names_no_export_is_refused_with_the_form(copy_to: str) -> None:
    (said,) = faults(copy_to=copy_to)

    assert said == (
        f'etcd_snapshots_copy_to is "{copy_to}" on control; write it as SERVER:PATH, such as '
        "192.0.2.10:/srv/backup."
    )


@pytest.mark.parametrize("directory", ["", "/", "//", "backups", "/etc/", "/x/../var/lib"])
def test_a_folder_that_cannot_be_meant_is_refused(directory: str) -> None:
    (said,) = faults(directory=directory)

    assert "name a folder for snapshots by its whole path" in said


@pytest.mark.parametrize(
    ("directory", "gone"),
    [
        ("/var/lib/etcd", "/var/lib/etcd"),
        ("/var/lib/etcd/member/snapshots", "/var/lib/etcd"),
        ("//var//lib/./etcd/", "/var/lib/etcd"),
        ("/srv/../var/lib/etcd", "/var/lib/etcd"),
        ("/etc/kubernetes/manifests", "/etc/kubernetes"),
        ("/var/lib/kubelet/b", "/var/lib/kubelet"),
        ("/opt/kubernetes/etcd", "/opt/kubernetes"),
        *((f"{folder}/etcd", folder) for folder in ("/run", "/tmp", "/proc", "/sys", "/dev")),
    ],
)
def test_a_folder_that_does_not_outlive_a_reset_is_refused(directory: str, gone: str) -> None:
    (said,) = faults(directory=directory)

    assert said.startswith(
        f'etcd_snapshots_directory is "{directory}" on control; what is in {gone} '
    )
    assert said.endswith("Name another, such as /var/backups/etcd.")


@pytest.mark.parametrize(
    "directory", ["/var/backups/etcd", "/srv/run", "/var/lib/etcd-snapshots", "/opt/kubernetes2"]
)
def test_a_folder_that_only_sounds_like_one_of_those_is_let_through(directory: str) -> None:
    assert faults(directory=directory) == []


def test_a_machine_whose_programs_are_the_system_s_has_no_directory_of_them() -> None:
    assert faults(node="") == []


def test_a_reset_removes_nothing_else_that_could_hold_snapshots(tmp_path: Path) -> None:
    """What the role removes as a folder is among what is refused."""
    removed = {f"/{path.relative_to(tmp_path)}" for path in folders(tmp_path, "/opt/kubernetes")}
    text = (HERE / "roles/etcd_snapshots/tasks/preflight.yml").read_text()

    assert [path for path in removed if not faults(directory=path)] == []
    assert "kubernetes_node_directory" in text


@pytest.mark.parametrize("keep", [0, -1])
def test_to_keep_none_is_refused(keep: int) -> None:
    assert faults(keep=keep) == [f"etcd_snapshots_keep is {keep} on control; keep at least 1."]


def test_the_playbooks_ask_before_they_change_anything() -> None:
    text = (HERE / "playbooks/preflight.yml").read_text()
    first = load(HERE / "roles/etcd_snapshots/tasks/main.yml")[0]

    assert "holdfast.nfs.etcd_snapshots" in text
    assert first["ansible.builtin.include_tasks"] == "preflight.yml"
