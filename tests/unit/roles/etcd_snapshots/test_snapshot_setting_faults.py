"""Settings with which no snapshot can be taken are refused before anything is changed."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.holdfast.nfs.plugins.filter.etcd_snapshots import snapshot_setting_faults

from tests.unit.roles.reading import HERE, load


def faults(**given: Any) -> list[str]:
    usual = {"directory": "/var/backups/etcd", "keep": 7, "copy_to": ""}
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


@pytest.mark.parametrize("directory", ["", "/", "backups", "/etc/", "/var/lib/etcd"])
def test_a_folder_that_cannot_be_meant_is_refused(directory: str) -> None:
    (said,) = faults(directory=directory)

    assert "name a folder for snapshots by its whole path" in said


@pytest.mark.parametrize("keep", [0, -1])
def test_to_keep_none_is_refused(keep: int) -> None:
    assert faults(keep=keep) == [f"etcd_snapshots_keep is {keep} on control; keep at least 1."]


def test_the_playbooks_ask_before_they_change_anything() -> None:
    text = (HERE / "playbooks/preflight.yml").read_text()
    first = load(HERE / "roles/etcd_snapshots/tasks/main.yml")[0]

    assert "holdfast.nfs.etcd_snapshots" in text
    assert first["ansible.builtin.include_tasks"] == "preflight.yml"
