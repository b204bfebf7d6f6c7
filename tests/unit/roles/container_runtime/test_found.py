"""Neither Docker's packages nor a configuration that somebody wrote is taken away."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.nfs.plugins.module_utils.container_runtime.found import MARK
from ansible_collections.holdfast.nfs.plugins.modules import container_runtime_state

from tests.unit.roles.reading import HERE, ROLES, load, mappings
from tests.unit.roles.rendering import render
from tests.unit.roles.running import Programs

USUAL = ["containerd", "runc", "containernetworking-plugins"]
DOCKER = ["containerd.io", "containernetworking-plugins"]
STATUS = "dpkg-query --show --showformat=${Package} ${db:Status-Status}"
CONFFILES = "dpkg-query --show --showformat=${Conffiles}"
DISABLED = 'disabled_plugins = ["cri"]\n'


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> Programs:
    """Of a machine without containerd."""
    made = Programs(monkeypatch)
    made.answers[STATUS] = (1, "", "dpkg-query: no packages found")
    return made


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def look(programs: Programs, file: Path, **params: Any) -> dict[str, Any]:
    given = {"packages": USUAL, "configuration": str(file), **params}
    return programs.result(container_runtime_state.main, **given)


def test_a_machine_without_containerd_is_taken(programs: Programs, file: Path) -> None:
    told = {"foreign": False, "missing": USUAL, "proxy_files": []}
    assert look(programs, file) == {"changed": False, **told}


def test_the_proxy_s_files_are_told_where_they_are(programs: Programs, file: Path) -> None:
    there = file.with_name("proxy.conf")
    there.touch()

    told = look(programs, file, proxy_files=[str(there), str(file.with_name("missing"))])

    assert told["proxy_files"] == [str(there)]


def test_docker_s_containerd_is_kept_and_the_way_to_use_it_told(
    programs: Programs, file: Path
) -> None:
    programs.answers[STATUS] = (1, "containerd.io installed\nrunc config-files\n", "")

    said = look(programs, file)["msg"]

    assert "this machine runs Docker's package containerd.io, which apt would remove" in said
    assert "set container_runtime_packages to [containerd.io, containernetworking-plugins]" in said


def test_docker_s_containerd_is_used_where_it_is_named(programs: Programs, file: Path) -> None:
    programs.answers[STATUS] = (1, "containerd.io installed\nrunc config-files\n", "")

    assert "msg" not in look(programs, file, packages=DOCKER)


def test_the_roles_own_containerd_is_exchanged_by_hand_and_node_by_node(
    programs: Programs, file: Path
) -> None:
    file.write_text(render("container_runtime", "config.toml.j2"))
    programs.answers[STATUS] = (1, "containernetworking-plugins installed\n", "")
    simulated = "Remv containerd [1.7.24]\nRemv runc [1.1.15]\nInst containerd.io (2.2)\n"
    programs.answers["apt-get --simulate"] = (0, simulated, "")

    said = look(programs, file, packages=DOCKER)["msg"]

    assert "apt would remove containerd, runc from this machine for containerd.io" in said
    assert 'drained: docs/install.md, "containerd 2"' in said
    assert "remove them first" not in said
    assert "\n### containerd 2\n" in (HERE / "docs/install.md").read_text()


def test_a_node_is_accepted_after_that_exchange(programs: Programs, file: Path) -> None:
    file.write_text(render("container_runtime", "config.toml.j2"))
    shown = "containerd config-files\ncontainerd.io installed\nrunc config-files\n"
    programs.answers[STATUS] = (0, f"{shown}containernetworking-plugins installed\n", "")
    programs.answers["apt-get --simulate"] = (0, "Remv containerd [1.7.24]\n", "")

    told = {"foreign": False, "missing": [], "proxy_files": []}
    assert look(programs, file, packages=DOCKER) == {"changed": False, **told}


def test_any_package_that_apt_would_remove_is_kept(programs: Programs, file: Path) -> None:
    simulated = "Inst runc (1.1.15)\nRemv crun [1.21]\nConf runc (1.1.15)\n"
    programs.answers["apt-get --simulate"] = (0, simulated, "")

    assert (
        "apt would remove crun from this machine for containerd, runc"
        in (look(programs, file)["msg"])
    )


def test_packages_that_are_installed_cost_no_question_to_apt(
    programs: Programs, file: Path
) -> None:
    programs.answers[STATUS] = (1, "".join(f"{name} installed\n" for name in USUAL), "")

    assert "msg" not in look(programs, file)
    assert [line for line in programs.ran if line.startswith("apt-get")] == []


def test_packages_that_apt_does_not_know_yet_are_no_fault(programs: Programs, file: Path) -> None:
    programs.answers["apt-get --simulate"] = (100, "E: Unable to locate package containerd", "")

    assert "msg" not in look(programs, file)


def test_a_configuration_that_somebody_wrote_is_refused(programs: Programs, file: Path) -> None:
    file.write_text(DISABLED)
    programs.answers[CONFFILES] = (0, f"\n {file} {'0' * 32}\n", "")

    said = look(programs, file)["msg"]

    assert f"{file} on this machine was written by somebody else" in said
    assert "set container_runtime_replace_configuration to true" in said


def test_a_configuration_that_may_be_replaced_is_to_be_copied_first(
    programs: Programs, file: Path
) -> None:
    file.write_text(DISABLED)

    assert look(programs, file, replace_configuration=True)["foreign"] is True


def test_a_configuration_that_a_package_brought_is_nobodys(programs: Programs, file: Path) -> None:
    file.write_text(DISABLED)
    checksum = hashlib.md5(DISABLED.encode(), usedforsecurity=False).hexdigest()
    programs.answers[CONFFILES] = (0, f"\n /etc/x {'0' * 32}\n {file} {checksum}\n", "")

    assert look(programs, file)["foreign"] is False


def test_the_roles_own_configuration_is_known_by_its_mark(programs: Programs, file: Path) -> None:
    file.write_text(render("container_runtime", "config.toml.j2"))
    assert file.read_text().startswith(MARK)

    assert look(programs, file)["foreign"] is False


def test_a_copy_is_kept_of_what_somebody_wrote() -> None:
    nodes = [*mappings(load(HERE / "roles/container_runtime/tasks/main.yml"))]
    (written,) = [node["ansible.builtin.template"] for node in nodes if is_template(node)]

    assert written["backup"] == "{{ __container_runtime_look.foreign }}"


def is_template(node: dict[str, Any]) -> bool:
    return "ansible.builtin.template" in node


def test_docker_s_runc_is_where_docker_puts_it() -> None:
    text = render("container_runtime", "config.toml.j2", container_runtime_packages=DOCKER)

    assert 'BinaryName = "/usr/bin/runc"' in text


def test_no_role_lets_apt_remove_what_it_was_not_asked_to() -> None:
    """As a package that conflicts with one that is wanted."""
    files = [file for role in ROLES for file in (role / "tasks").glob("*.yml")]
    tasks = [
        node["ansible.builtin.apt"] for file in files for node in mappings(load(file)) if apt(node)
    ]
    installs = [task for task in tasks if "name" in task and task.get("state") != "absent"]

    assert len(installs) >= 4
    assert [task["name"] for task in installs if not task.get("fail_on_autoremove")] == []


def apt(node: dict[str, Any]) -> bool:
    return "ansible.builtin.apt" in node
