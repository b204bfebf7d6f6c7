"""What Ansible itself refuses, by the role's specification, before a task has run."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.disks import (
    LONGEST_LABEL,
    MAKE,
)
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.exports import ENTRY
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.settings import (
    PORTS,
    VERSIONS,
)

from tests.unit.roles.nfs_server.given import entry
from tests.unit.roles.reading import HERE, load

FOUND = load(HERE / "roles/nfs_server/meta/argument_specs.yml")
OPTIONS = FOUND["argument_specs"]["main"]["options"]
DISK = {"device": "/dev/vdb", "path": "/srv/nfs", "label": "export"}


def mistakes(name: str, value: Any) -> str:
    result = ArgumentSpecValidator({name: OPTIONS[name]}).validate({name: value})
    return "; ".join(result.error_messages)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("nfs_server_exports", [entry("/data/v{1..5}", clients=["*"], mode="0770")]),
        ("nfs_server_exports", [{"path": "/srv", "clients": "*", "options": "rw"}]),
        ("nfs_server_filesystems", [DISK, DISK | {"fstype": "ext4", "quota": "none"}]),
        ("nfs_server_versions", [3, 4.2]),
        ("nfs_server_threads", "32"),
        ("nfs_server_wipe", "yes"),
    ],
)
def test_what_an_inventory_may_say_is_taken(name: str, value: Any) -> None:
    assert mistakes(name, value) == ""


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("nfs_server_exports", [{"clients": ["*"]}], "missing required arguments: path"),
        ("nfs_server_exports", ["/srv *(rw)"], "dictionary requested"),
        ("nfs_server_exports", [entry(state="gone")], "must be one of: present, absent, got: gone"),
        ("nfs_server_exports", [entry(hosts=["*"])], "nfs_server_exports.hosts. Supported"),
        ("nfs_server_filesystems", [{"path": "/srv"}], "required arguments: device, label"),
        ("nfs_server_filesystems", [DISK | {"fstype": "btrfs"}], "must be one of: xfs, ext4"),
        ("nfs_server_filesystems", [DISK | {"quota": "user"}], "must be one of: project, none"),
        ("nfs_server_filesystems", [DISK | {"force": True}], "force. Supported parameters"),
        ("nfs_server_versions", ["4"], "must be one or more of: 3, 4.0, 4.1, 4.2. Got no match"),
        ("nfs_server_threads", "many", "unable to convert to int"),
        ("nfs_server_grace_time", "1m", "unable to convert to int"),
        ("nfs_server_lease_time", None, "nfs_server_lease_time"),
        ("nfs_server_manage_gids", "perhaps", "unable to convert to bool"),
        ("nfs_server_mountd_port", {"tcp": 20048}, "unable to convert to int"),
        ("nfs_server_firewall", "on request", "unable to convert to bool"),
        ("nfs_server_wipe", "everything", "unable to convert to bool"),
    ],
)
def test_what_it_may_not_say_is_refused(name: str, value: Any, sentence: str) -> None:
    found = mistakes(name, value)

    assert name in found
    assert sentence in found


def test_the_modules_take_what_the_specification_says() -> None:
    keys = ("type", "elements", "choices", "default", "required")
    exports = OPTIONS["nfs_server_exports"]["options"]
    file_systems = OPTIONS["nfs_server_filesystems"]["options"]

    assert {
        name: {key: option[key] for key in keys if key in option}
        for name, option in exports.items()
    } == ENTRY
    assert file_systems["fstype"]["choices"] == list(MAKE) == list(LONGEST_LABEL)
    assert OPTIONS["nfs_server_versions"]["choices"] == list(VERSIONS)
    assert {f"nfs_server_{name}" for name in PORTS} <= set(OPTIONS)
