"""The module's main(): what it asks, and that it changes nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.nfs.plugins.module_utils.kubernetes_node.environment import (
    EXCEPTIONS,
    PROXIES,
)
from ansible_collections.holdfast.nfs.plugins.modules import kubernetes_state

from tests.unit.roles.running import Programs, run

LINKS = [
    {"ifname": "lo", "addr_info": [{"local": "127.0.0.1", "scope": "host"}]},
    {"ifname": "eth0", "addr_info": [{"local": "192.168.41.21", "scope": "global"}]},
]


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> Programs:
    return Programs(monkeypatch)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the machine was asked: programs, and the folders in which files were looked for."""
    noted: list[Any] = []

    def run_command(_: AnsibleModule, words: list[str], **_more: Any) -> tuple[int, str, str]:
        noted.append(words)
        return 0, json.dumps(LINKS), ""

    def machine(root: Path, directory: str) -> dict[str, Any]:
        noted.append((root, directory))
        return {"node": False}

    monkeypatch.setattr(AnsibleModule, "run_command", run_command)
    monkeypatch.setattr(kubernetes_state, "machine", machine)
    monkeypatch.setattr(AnsibleModule, "get_bin_path", lambda *_: None)
    return noted


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*PROXIES, *EXCEPTIONS):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("check", [True, False])
def test_the_state_is_told_and_nothing_changed(asked: list[Any], *, check: bool) -> None:
    result = run(kubernetes_state.main, check=check, address="192.168.41.21", directory="/opt/k")

    assert not result.get("changed")
    assert result["state"] == {
        "node": False,
        "addresses": ["192.168.41.21"],
        "address": "192.168.41.21",
        "environment": {"https_proxy": "", "exceptions": "", "no_proxy": ""},
        "forward_policy": "",
    }
    assert asked == [["ip", "-json", "-4", "address"], (Path("/"), "/opt/k")]


def test_the_packages_that_are_missing_are_told_if_any_is_asked_about(
    programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kubernetes_state, "machine", lambda *_: {})
    programs.answers["ip -json"] = (0, json.dumps(LINKS), "")
    programs.answers["dpkg-query --show"] = (1, "kmod installed\niptables config-files\n", "")

    told = programs.result(kubernetes_state.main, packages=["iptables", "kmod", "socat"])

    assert told["state"]["missing"] == ["iptables", "socat"]
    assert "missing" not in programs.result(kubernetes_state.main)["state"]


@pytest.mark.parametrize(
    ("said", "policy"),
    [
        ((0, "-P FORWARD DROP\n-A FORWARD -j DOCKER-USER\n", ""), "DROP"),
        ((0, "-P FORWARD ACCEPT\n", ""), "ACCEPT"),
        ((3, "", "iptables: Permission denied"), ""),
    ],
)
def test_what_happens_to_forwarded_traffic_is_told(
    programs: Programs, monkeypatch: pytest.MonkeyPatch, said: tuple[int, str, str], policy: str
) -> None:
    monkeypatch.setattr(kubernetes_state, "machine", lambda *_: {})
    monkeypatch.setattr(AnsibleModule, "get_bin_path", lambda *_: "/usr/sbin/iptables")
    programs.answers["ip -json"] = (0, json.dumps(LINKS), "")
    programs.answers["/usr/sbin/iptables"] = said

    assert programs.result(kubernetes_state.main)["state"]["forward_policy"] == policy


def test_a_machine_without_iptables_forwards_as_it_is_told(
    programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kubernetes_state, "machine", lambda *_: {})
    monkeypatch.setattr(AnsibleModule, "get_bin_path", lambda *_: None)
    programs.answers["ip -json"] = (0, json.dumps(LINKS), "")

    assert programs.result(kubernetes_state.main)["state"]["forward_policy"] == ""


def test_without_arguments_the_defaults_are_those_of_the_roles(asked: list[Any]) -> None:
    result = run(kubernetes_state.main)

    assert result["state"]["address"] == "192.168.41.21"
    assert asked[-1] == (Path("/"), "/opt/kubernetes")


@pytest.mark.usefixtures("asked")
@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"https_proxy": "http://me:geheim@proxy"}, ("https_proxy", "", "")),
        ({"HTTPS_PROXY": "http://a", "https_proxy": "http://b"}, ("HTTPS_PROXY", "", "")),
        ({"no_proxy": "a", "NO_PROXY": "b"}, ("", "NO_PROXY", "b")),
        ({"no_proxy": "a", "NO_PROXY": ""}, ("", "no_proxy", "a")),
        ({"http_proxy": "http://a"}, ("", "", "")),
    ],
)
def test_the_proxy_of_the_environment_is_told_as_programs_in_go_find_it_and_without_its_login(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], told: tuple[str, str, str]
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(name, value)

    found = run(kubernetes_state.main)["state"]["environment"]

    assert tuple(found.values()) == told
    assert "geheim" not in str(found)
