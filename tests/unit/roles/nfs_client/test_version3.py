"""rpcbind and rpc.statd are not masked where something needs them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.nfs.plugins.filter.nfs_v3 import needs_nfs_v3
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_client.units import UNITS
from ansible_collections.holdfast.nfs.plugins.modules import nfs_v3_units

from tests.unit.roles.running import Programs

MASK = f"systemctl mask --now {' '.join(UNITS)}"
ONLY_NFS = """\
   program vers proto   port  service
    100000    4   tcp    111  portmapper
    100024    1   udp  32765  status
"""
NIS = "    100004    2   udp    834  ypserv\n"
SETTINGS = "etc/nfs.conf.d/50-holdfast.conf"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(nfs_v3_units, "ROOT", tmp_path)
    write(tmp_path / "proc/mounts", "nas:/v4 /srv nfs4 rw,vers=4.2 0 0\n/dev/sda1 / ext4 rw 0 0\n")
    write(tmp_path / "etc/fstab", "#nas:/v3 /old nfs vers=3 0 0\nnas:/any /any nfs rw 0 0\n")
    return tmp_path


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> Programs:
    """Of a machine whose units run as the packages leave them."""
    made = Programs(monkeypatch)
    shown = "\n\n".join(f"Id={unit}\nLoadState=loaded\nActiveState=active" for unit in UNITS)
    made.answers |= {"systemctl show": (0, shown, ""), "rpcinfo": (0, ONLY_NFS, "")}
    return made


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def serve(root: Path, versions: str) -> None:
    write(root / "proc/fs/nfsd/threads", "8\n")
    write(root / "proc/fs/nfsd/versions", versions)


def refusal(programs: Programs, **params: Any) -> str:
    """Why nothing was masked; empty if it was."""
    result = programs.result(nfs_v3_units.main, state="masked", **params)
    assert (MASK in programs.ran) is not result.get("failed", False)
    return str(result.get("msg", ""))


def test_they_are_masked_where_nothing_needs_them(programs: Programs, root: Path) -> None:
    serve(root, "-3 +4 +4.1 +4.2\n")

    assert refusal(programs) == ""


def test_a_mount_of_version_3_is_a_reason(programs: Programs, root: Path) -> None:
    write(root / "proc/mounts", "nas:/v3 /home nfs rw,vers=3,proto=tcp 0 0\n")

    said = refusal(programs)

    assert "this machine has mounted nas:/v3 at /home with NFSv3" in said
    assert "Set nfs_client_v3 to true for it" in said


@pytest.mark.parametrize("option", ["vers=3", "nfsvers=3", "rw,v3"])
def test_a_mount_of_fstab_is_a_reason(programs: Programs, root: Path, option: str) -> None:
    write(root / "etc/fstab", f"nas:/v3 /home nfs {option} 0 0\n")

    assert "mounts at each start (/etc/fstab) nas:/v3 at /home" in refusal(programs)


def test_what_others_registered_with_rpcbind_is_a_reason(programs: Programs, root: Path) -> None:
    assert root.exists()
    programs.answers["rpcinfo"] = (0, ONLY_NFS + NIS, "")

    assert "clients find through rpcbind (ypserv)" in refusal(programs)


def test_an_rpcbind_that_does_not_run_is_not_asked(programs: Programs, root: Path) -> None:
    assert root.exists()
    programs.answers |= {
        "rpcinfo": (0, ONLY_NFS + NIS, ""),
        "systemctl is-active --quiet rpcbind.service": (3, "", ""),
    }

    assert refusal(programs) == ""
    assert "rpcinfo -p" not in programs.ran


def test_a_server_of_version_3_that_another_set_up_is_a_reason(
    programs: Programs, root: Path
) -> None:
    serve(root, "+3 +4 +4.1 +4.2\n")

    assert 'on an NFS server, add "3" to nfs_server_versions' in refusal(programs)


def test_a_server_of_the_roles_own_may_change_its_mind(programs: Programs, root: Path) -> None:
    serve(root, "+3 +4 +4.1 +4.2\n")
    write(root / SETTINGS, "[nfsd]\n")

    assert refusal(programs) == ""


def test_a_check_refuses_as_well(programs: Programs, root: Path) -> None:
    write(root / "proc/mounts", "nas:/v3 /home nfs rw,vers=3 0 0\n")

    result = programs.result(nfs_v3_units.main, check=True, state="masked")

    assert result["failed"] is True


def test_a_check_says_whether_there_is_something_to_do(programs: Programs, root: Path) -> None:
    assert root.exists()
    assert programs.result(nfs_v3_units.main, check=True, state="masked")["pending"] is True
    assert MASK not in programs.ran

    shown = "\n\n".join(f"Id={unit}\nLoadState=masked\nActiveState=inactive" for unit in UNITS)
    programs.answers["systemctl show"] = (0, shown, "")
    assert programs.result(nfs_v3_units.main, check=True, state="masked")["pending"] is False


@pytest.mark.parametrize("state", ["answering", "allowed"])
def test_a_check_lets_nothing_run(programs: Programs, root: Path, state: str) -> None:
    assert root.exists()
    shown = "\n\n".join(f"Id={unit}\nLoadState=masked\nActiveState=inactive" for unit in UNITS)
    programs.answers["systemctl show"] = (0, shown, "")

    assert programs.result(nfs_v3_units.main, check=True, state=state)["changed"] is True
    assert [line for line in programs.ran if not line.startswith("systemctl show")] == []


def test_what_is_masked_already_is_not_asked_about(programs: Programs, root: Path) -> None:
    write(root / "proc/mounts", "nas:/v3 /home nfs rw,vers=3,nolock 0 0\n")
    shown = "\n\n".join(f"Id={unit}\nLoadState=masked\nActiveState=inactive" for unit in UNITS)
    programs.answers["systemctl show"] = (0, shown, "")

    assert programs.result(nfs_v3_units.main, state="masked")["changed"] is False


BOTH = ["nfs_servers", "kubernetes"]


@pytest.mark.parametrize(
    ("variables", "groups", "needed"),
    [
        ({}, BOTH, False),
        ({"nfs_server_versions": ["4.2"], "nfs_client_v3": False}, BOTH, False),
        ({"nfs_server_versions": ["3", "4.2"], "nfs_client_v3": False}, BOTH, True),
        ({"nfs_server_versions": [3]}, ["nfs_servers"], True),
        ({"nfs_server_versions": "3,4.2"}, ["nfs_servers"], True),
        ({"nfs_server_versions": ["3"]}, ["kubernetes"], False),
        ({"nfs_server_versions": ["4.2"], "nfs_client_v3": True}, BOTH, True),
        ({"nfs_client_v3": "yes"}, ["kubernetes"], True),
        ({"nfs_client_v3": "false"}, ["kubernetes"], False),
        ({"nfs_client_v3": True}, ["nfs_servers"], False),
    ],
)
def test_a_machine_that_is_server_and_node_has_one_decision(
    variables: dict[str, Any], groups: list[str], *, needed: bool
) -> None:
    assert needs_nfs_v3(variables, groups) is needed
