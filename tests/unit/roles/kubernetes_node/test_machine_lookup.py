"""What a machine knows of users, times and names; a line of these roles' own does not count."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.nfs.plugins.module_utils.kubernetes_node.machine import HOSTS_MARK
from ansible_collections.holdfast.nfs.plugins.modules import machine_lookup

from tests.unit.roles.running import Programs

OURS = f"192.0.2.11 control-plane.internal {HOSTS_MARK}\n"
GETENT = "getent --service=hosts:dns ahostsv4 "
RESOLVED = "resolvectl query --legend=no --synthesize=no -4 "


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    """A machine on which programs know nothing."""
    monkeypatch.setattr(machine_lookup, "ROOT", tmp_path)
    monkeypatch.setattr(AnsibleModule, "get_bin_path", lambda _, name, *__: f"/usr/bin/{name}")
    (tmp_path / "etc").mkdir()
    made = Programs(monkeypatch)
    made.answers["getent"] = made.answers["resolvectl"] = (2, "", "")
    return made


def unknown(programs: Programs, **asked: list[str]) -> dict[str, list[str]]:
    result = programs.result(machine_lookup.main, check=True, **asked)
    assert not result.get("changed")
    return {kind: found for kind, found in result["unknown"].items() if found}


def test_users_are_looked_up(programs: Programs) -> None:
    assert unknown(programs, users=["root", "nobodyofthisname"]) == {"users": ["nobodyofthisname"]}


def test_a_time_is_one_that_systemd_takes_and_that_comes_again(programs: Programs) -> None:
    programs.answers["systemd-analyze calendar -- full moon"] = (1, "", "Failed to parse")
    past = "Normalized form: 2020-01-01 00:00:00\n    Next elapse: never\n"
    programs.answers["systemd-analyze calendar -- 2020-01-01"] = (0, past, "")

    found = unknown(programs, calendars=["daily", "full moon", "2020-01-01"])

    assert found == {"calendars": ["full moon", "2020-01-01"]}


def test_a_machine_without_systemd_is_not_asked(
    programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(AnsibleModule, "get_bin_path", lambda *_: None)

    assert unknown(programs, calendars=["full moon"]) == {}
    assert programs.ran == []


def test_a_name_is_known_by_the_hosts_file_or_by_name_servers(
    programs: Programs, tmp_path: Path
) -> None:
    programs.answers[f"{GETENT}api.example.com"] = (0, "192.0.2.1 STREAM api.example.com\n", "")
    (tmp_path / "etc/hosts").write_text("192.0.2.2 a A.example.com # b\n\n# c\n")

    found = unknown(programs, names=["api.example.com", "a.example.com", "b", "10.0.0.1"])

    assert found == {"names": ["b"]}


def test_the_line_that_these_roles_wrote_does_not_count(programs: Programs, tmp_path: Path) -> None:
    (tmp_path / "etc/hosts").write_text(OURS)

    name = "control-plane.internal"

    assert unknown(programs, names=[name]) == {"names": [name]}


def test_systemd_resolved_is_asked_without_its_hosts_file(
    programs: Programs, tmp_path: Path
) -> None:
    """Its stub answers from /etc/hosts as well, with the line of these roles."""
    (tmp_path / "etc/resolv.conf").write_text("# of resolved\nnameserver 127.0.0.53\n\n")
    programs.answers["getent"] = (0, "192.0.2.11", "")

    assert unknown(programs, names=["control-plane.internal"]) != {}
    assert programs.ran == [f"{RESOLVED}control-plane.internal"]
