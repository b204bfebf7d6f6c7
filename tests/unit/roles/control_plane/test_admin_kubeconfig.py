"""A kubeconfig that is not this cluster's alone is left as it is."""

from __future__ import annotations

import json
import os
import pwd
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from ansible_collections.holdfast.nfs.plugins.modules import admin_kubeconfig

from tests.unit.roles.running import Answer, Programs

VIEW = "kubectl config view --raw --output json --kubeconfig "


def config(
    *, server: str = "api", authority: str = "ours", certificate: str = "this year"
) -> dict[str, Any]:
    """As kubeadm writes it."""
    cluster = {"server": f"https://{server}:6443", "certificate-authority-data": authority}
    user = {"client-certificate-data": certificate}
    context = {"cluster": "kubernetes", "user": "kubernetes-admin"}
    return {
        "clusters": [{"name": "kubernetes", "cluster": cluster}],
        "contexts": [{"name": "kubernetes-admin@kubernetes", "context": context}],
        "current-context": "kubernetes-admin@kubernetes",
        "users": [{"name": "kubernetes-admin", "user": user}],
    }


def with_another() -> dict[str, Any]:
    """A person's own, with the context of another cluster beside this one's."""
    both = config()
    both["contexts"].append({"name": "work", "context": {"cluster": "work", "user": "me"}})
    return both


class Kubectl(Programs):
    """Reads a kubeconfig, as kubectl does, and fails where there is none in the file."""

    def answer(self, line: str) -> Answer:
        assert line.startswith(VIEW)
        read = yaml.safe_load(Path(line.removeprefix(VIEW)).read_text())
        return (0, json.dumps(read), "") if isinstance(read, dict) else (1, "", "error")


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kubectl:
    entry = SimpleNamespace(pw_dir=str(tmp_path), pw_uid=os.getuid(), pw_gid=os.getgid())
    monkeypatch.setattr(pwd, "getpwnam", {"admin": entry}.__getitem__)
    return Kubectl(monkeypatch)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "admin.conf"
    path.write_text(yaml.safe_dump(config()))
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / ".kube/config"


def install(programs: Programs, source: Path, **params: Any) -> dict[str, Any]:
    return programs.result(admin_kubeconfig.main, user="admin", source=str(source), **params)


def write(file: Path, content: dict[str, Any] | str) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text(content if isinstance(content, str) else yaml.safe_dump(content))


def test_who_has_none_gets_one_for_himself_alone(
    programs: Kubectl, source: Path, file: Path
) -> None:
    assert install(programs, source) == {"changed": True, "installed": True}
    assert yaml.safe_load(file.read_text()) == config()
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert install(programs, source)["changed"] is False


@pytest.mark.parametrize(
    "content",
    [
        config(server="other"),
        config(authority="other"),
        with_another(),
        "no kubeconfig",
    ],
    ids=["another server", "another authority", "more contexts", "something else"],
)
def test_one_that_is_not_this_cluster_s_alone_is_left_as_it_is(
    programs: Kubectl, source: Path, file: Path, content: dict[str, Any] | str
) -> None:
    write(file, content)
    before = file.read_text()

    result = install(programs, source)

    assert (result["changed"], result["installed"]) == (False, False)
    assert file.read_text() == before
    assert f"This cluster's kubeconfig is {source}: use it as root" in programs.warned[0]


def test_one_of_an_earlier_version_of_the_role_gets_renewed_certificates(
    programs: Kubectl, source: Path, file: Path
) -> None:
    """It is as kubeadm wrote it, and has no mark."""
    write(file, config(certificate="last year"))

    assert install(programs, source)["changed"] is True
    assert yaml.safe_load(file.read_text()) == config()


def test_one_that_the_role_wrote_is_replaced_when_the_cluster_is_made_anew(
    programs: Kubectl, source: Path, file: Path
) -> None:
    install(programs, source)
    source.write_text(yaml.safe_dump(config(authority="of the new cluster")))

    assert install(programs, source)["changed"] is True
    assert yaml.safe_load(file.read_text()) == config(authority="of the new cluster")


def test_one_that_the_role_wrote_and_somebody_changed_is_his(
    programs: Kubectl, source: Path, file: Path
) -> None:
    install(programs, source)
    write(file, file.read_text() + "# mine\n" + "preferences: {colors: true}\n")
    source.write_text(yaml.safe_dump(config(authority="of the new cluster")))

    assert install(programs, source)["installed"] is False


def test_a_check_writes_nothing(programs: Kubectl, source: Path, file: Path) -> None:
    assert install(programs, source, check=True)["changed"] is True
    assert not file.parent.exists()


def test_a_file_that_others_can_read_is_closed(programs: Kubectl, source: Path, file: Path) -> None:
    install(programs, source)
    file.chmod(0o644)

    assert install(programs, source)["changed"] is True
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_user_whom_the_machine_does_not_know_is_named(programs: Kubectl, source: Path) -> None:
    result = programs.result(admin_kubeconfig.main, user="nobody-here", source=str(source))

    assert result["msg"] == "control_plane_admin is nobody-here, who is no user of this machine."
