"""Behind a proxy: every download goes through it, and nothing of the cluster's own does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.nfs.plugins.filter.inventory import PROXIES, inventory_faults
from ansible_collections.holdfast.nfs.plugins.module_utils.proxy import (
    direct_destinations,
    proxy_environment,
    proxy_faults,
)

from tests.unit.roles.reading import HERE, ROLES, load, mappings, options
from tests.unit.roles.rendering import render

PROXY = "http://proxy.example.com:3128"
OTHER = "https://proxy.example.net:8443/"
# What asks a server that may be beyond the proxy.
DOWNLOADS = (
    "ansible.builtin.apt",
    "ansible.builtin.package",
    "ansible.builtin.get_url",
    "holdfast.nfs.helm_program",
    "holdfast.nfs.kubernetes_programs",
)


def test_without_a_proxy_the_environment_stays_as_it_is() -> None:
    assert proxy_environment({}) == proxy_environment({"http": "", "no_proxy": ["a"]}) == {}


def test_programs_find_it_under_either_spelling() -> None:
    found = proxy_environment({"http": PROXY, "https": OTHER})

    assert found["http_proxy"] == found["HTTP_PROXY"] == PROXY
    assert found["https_proxy"] == found["HTTPS_PROXY"] == OTHER


@pytest.mark.parametrize("key", ["http", "https"])
def test_one_address_stands_for_both(key: str) -> None:
    found = proxy_environment({key: PROXY})

    assert found["http_proxy"] == found["https_proxy"] == PROXY


@pytest.mark.parametrize("given", [[".example.com", "192.0.2.1"], ".example.com, 192.0.2.1"])
def test_what_is_near_is_reached_without_it(given: object) -> None:
    found = proxy_environment({"http": PROXY, "no_proxy": given}, ["10.96.0.0/12"])

    assert found["no_proxy"] == found["NO_PROXY"]
    assert found["no_proxy"] == "localhost,127.0.0.1,::1,10.96.0.0/12,.example.com,192.0.2.1"


def test_the_nodes_and_networks_of_the_cluster_are_near() -> None:
    machines: dict[str, dict[str, Any]] = {
        "control": {"ansible_host": "192.168.41.11"},
        "worker1": {"kubernetes_node_name": "w1", "kubernetes_node_address": "10.0.0.5"},
    }

    found = direct_destinations(["control", "worker1"], machines, ["10.96.0.0/12", ".local"])

    assert found == [
        *("control", "192.168.41.11", "worker1", "w1", "10.0.0.5"),
        *("10.96.0.0/12", ".local", ".svc"),
    ]


@pytest.mark.parametrize(
    ("proxy", "sentence"),
    [
        (PROXY, "has to be a dictionary"),
        ({"htp": PROXY}, "htp is no key of a proxy; they are http, https, no_proxy."),
        ({"http": "proxy.example.com:3128"}, "http is no URL as http://proxy"),
        ({"https": "socks5://proxy.example.com"}, "https is no URL"),
        ({"http": f'{PROXY}"\nExecStart=/bin/sh'}, "http is no URL"),
        ({"http": f"{PROXY}$(id)"}, "http is no URL"),
        ({"http": PROXY, "no_proxy": ["a b"]}, "no_proxy has 'a b'"),
        ({"http": PROXY, "no_proxy": ['a"']}, "no_proxy has 'a\"'"),
    ],
)
def test_what_is_no_proxy_is_refused_by_the_variables_name(proxy: object, sentence: str) -> None:
    (fault,) = proxy_faults(proxy, "holdfast_proxy")

    assert fault.startswith("holdfast_proxy")
    assert sentence in fault


def test_a_proxys_password_is_not_repeated() -> None:
    assert "geheim" not in str(proxy_faults({"http": "http://me:geheim @x"}, "holdfast_proxy"))


@pytest.mark.parametrize("login", ["me:geheim", "me", "me:p%40ss", ":"])
@pytest.mark.parametrize("key", ["http", "https"])
def test_a_proxy_with_a_login_is_refused_with_a_way_out(key: str, login: str) -> None:
    """Seen: Ansible gives the environment to sudo as words, which its log and `ps` show."""
    (fault,) = proxy_faults({key: f"http://{login}@proxy.example.com:3128"}, "holdfast_proxy")

    assert fault.startswith(f"holdfast_proxy: {key} has a login, which would be readable in the")
    assert "geheim" not in fault


def test_the_environment_of_a_task_has_no_login() -> None:
    harmless = {"KUBECONFIG", "LC_ALL", "PYTHONDONTWRITEBYTECODE"}
    given = [
        task["environment"]
        for role in ROLES
        for path in sorted((role / "tasks").glob("*.yml"))
        for task in mappings(load(path))
        if "environment" in task
    ]
    others = [
        one
        for one in given
        if "| holdfast.nfs.proxy_environment" not in str(one) and not {*one} <= harmless
    ]

    assert given
    assert others == []
    with pytest.raises(ValueError, match="has a login"):
        proxy_environment({"http": "http://me:geheim@proxy.example.com:3128"})


@pytest.mark.parametrize("variable", PROXIES)
def test_it_is_refused_before_any_machine_is_asked_and_once(variable: str) -> None:
    machines = {name: {variable: {"http": "x"}} for name in ("control", "worker1")}
    groups = {"kubernetes": ["control", "worker1"], "control_plane": ["control"]}

    faults = inventory_faults(groups | {"workers": ["worker1"]}, machines)

    assert faults == [f"{variable}: http is no URL as http://proxy.example.com:3128."]


def test_every_proxy_of_a_role_is_looked_at() -> None:
    named = {name for role in ROLES for name in options(role) if name.endswith("_proxy")}

    assert named | {"holdfast_proxy"} == set(PROXIES)


def downloads() -> list[tuple[Path, dict[str, Any]]]:
    return [
        (path, task)
        for role in ROLES
        for path in sorted((role / "tasks").glob("*.yml"))
        for task in mappings(load(path))
        if {*DOWNLOADS} & {*task} and "absent" not in str(task)
    ]


def test_every_task_that_downloads_has_the_proxy_of_its_role() -> None:
    found = downloads()
    without = [
        f"{path.relative_to(HERE)}: {task['name']}"
        for path, task in found
        if f"{path.parents[1].name}_proxy" not in str(task.get("environment"))
    ]

    assert found
    assert without == []


@pytest.mark.parametrize("role", ["container_runtime", "kubernetes_node"])
def test_a_unit_reads_what_the_variables_say(role: str) -> None:
    environment = proxy_environment({"http": OTHER}, ["10.96.0.0/12"])

    text = render(role, "proxy.j2", **{f"__{role}_proxy_environment": environment})

    assert f'\nHTTPS_PROXY="{OTHER}"\n' in text
    assert '\nno_proxy="localhost,127.0.0.1,::1,10.96.0.0/12"\n' in text


def test_the_kubelet_reads_it_only_where_there_is_one() -> None:
    now: dict[str, Any] = {"state": {"address": "192.0.2.1"}}
    file = "EnvironmentFile=/etc/default/kubelet-proxy"

    units = [
        render("kubernetes_node", "kubelet.service.j2", kubernetes_node_now=now, **proxy)
        for proxy in ({}, {"kubernetes_node_proxy": {"https": PROXY}})
    ]

    assert [file in unit for unit in units] == [False, True]


def test_what_is_on_the_machine_or_in_the_cluster_is_asked_without_a_proxy() -> None:
    """urlopen takes that of the environment."""
    folders = (HERE / "plugins", HERE / "tests/testinfra")
    files = [path for folder in folders for path in folder.rglob("*.py")]

    asking = [path.name for path in files if "urlopen(" in path.read_text()]

    # It asks for a release, which may be beyond the proxy.
    assert asking == ["looking.py"]
