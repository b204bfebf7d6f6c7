"""Which distributions the roles are for: what is said of each, and that others are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.nfs.plugins.filter.distributions import distribution_faults

from tests.unit.roles.reading import HERE, ROLES, defaults, load, mappings

UBUNTU = {"name": "Ubuntu", "versions": ["noble"]}
# Of Ubuntu 24.04's archive, main and universe; where Debian's own packages have their files.
NOBLE_PACKAGES = {
    *("containerd", "runc", "containernetworking-plugins", "iptables", "kmod"),
    *("nfs-kernel-server", "nfs-common", "nftables", "xfsprogs", "e2fsprogs"),
    *("buildah", "netavark"),
}
NOBLE_PATHS = {
    # The profile of AppArmor, /etc/apparmor.d/runc, is for the program of this path.
    "container_runtime_program": "/usr/sbin/runc",
    "container_runtime_cni_bin_dir": "/usr/lib/cni",
}


def facts(family: str, distribution: str, version: str) -> dict[str, str]:
    return {
        "os_family": family,
        "distribution": distribution,
        "distribution_version": version,
    }


@pytest.mark.parametrize(
    ("distribution", "version"),
    [
        *(("Debian", "12"), ("Debian", "12.11"), ("Debian", "13.2"), ("Debian", "trixie/sid")),
        *(("Ubuntu", "24.04"), ("Ubuntu", "24.10"), ("Ubuntu", "26.04"), ("Raspbian", "12")),
        ("Linux Mint", "22"),
    ],
)
def test_debian_ubuntu_and_what_is_made_of_them_is_let_through(
    distribution: str, version: str
) -> None:
    assert distribution_faults(facts("Debian", distribution, version), "node") == []


@pytest.mark.parametrize(
    ("family", "distribution", "version"),
    [
        *(("RedHat", "Rocky", "9.4"), ("RedHat", "Fedora", "43"), ("Suse", "SLES", "15.6")),
        *(("Archlinux", "Archlinux", "rolling"), ("Alpine", "Alpine", "3.22")),
        *(("Debian", "Debian", "11.9"), ("Debian", "Ubuntu", "22.04"), ("Debian", "Ubuntu", "24")),
    ],
)
def test_another_distribution_is_refused_with_those_that_are_supported(
    family: str, distribution: str, version: str
) -> None:
    (sentence,) = distribution_faults(facts(family, distribution, version), "node")

    assert sentence == (
        f"node runs {distribution} {version}, on which these roles install nothing; they support "
        "Debian 12 and 13, and Ubuntu 24.04. Name another machine in the inventory."
    )


def test_a_machine_of_which_nothing_is_known_is_refused() -> None:
    (sentence,) = distribution_faults({}, "node")

    assert sentence == (
        "The facts of node were not gathered; set gather_facts to true in the play."
    )


def installed(role: Path) -> list[Any]:
    """The packages of each task that installs some."""
    tasks = [node for file in role.glob("tasks/*.yml") for node in mappings(load(file))]
    called = [task[name] for task in tasks for name in task if name.endswith((".apt", ".package"))]
    return [options["name"] for options in called if "name" in options]


# The provisioner's image is built on a node, which the role of its container runtime has checked.
INSTALLERS = [role for role in ROLES if installed(role) and role.name != "provisioner"]


@pytest.mark.parametrize("role", INSTALLERS, ids=lambda role: role.name)
def test_a_role_that_installs_packages_refuses_other_distributions_before(role: Path) -> None:
    first = load(role / "tasks/preflight.yml")[0]
    main = load(role / "tasks/main.yml")[0]

    assert "holdfast.nfs.distribution_faults(inventory_hostname)" in str(first["vars"])
    assert main["ansible.builtin.include_tasks"] == "preflight.yml"


def test_preflight_asks_each_role_that_installs_packages() -> None:
    included = {
        node["ansible.builtin.include_role"]["name"]
        for node in mappings(load(HERE / "playbooks/preflight.yml"))
        if "ansible.builtin.include_role" in node
    }

    assert {f"holdfast.nfs.{role.name}" for role in INSTALLERS} - included == set()


def test_no_task_installs_packages_of_another_family() -> None:
    files = [path for path in (HERE / "roles").rglob("*") if path.is_file()]
    texts = {path: path.read_text(encoding="utf-8") for path in files}

    assert [path for path, text in texts.items() if "RedHat" in text or "Suse" in text] == []


def test_ubuntu_has_the_packages_by_the_names_that_the_roles_use() -> None:
    found: set[str] = set()
    for role in ROLES:
        own = defaults(role)
        lists = [value for name, value in own.items() if name == f"{role.name}_packages"]
        found.update(name for value in lists for name in value)
        found.update(name for name in map(str, installed(role)) if "{" not in name)
    server = load(HERE / "roles/nfs_server/vars/main.yml")
    found.update(server["__nfs_server_tools"].values())

    assert found <= NOBLE_PACKAGES
    assert "nfs-kernel-server" in server["__nfs_server_packages"]


@pytest.mark.parametrize("name", sorted(NOBLE_PATHS))
def test_ubuntu_has_the_programs_where_the_roles_look_for_them(name: str) -> None:
    assert NOBLE_PATHS[name] in defaults(HERE / "roles/container_runtime")[name]


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_each_role_says_that_it_is_for_ubuntu_too(role: Path) -> None:
    assert UBUNTU in load(role / "meta/main.yml")["galaxy_info"]["platforms"]
