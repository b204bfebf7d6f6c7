"""The kubeconfig on the controller: with an address that it reaches, over no other cluster's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.holdfast.nfs.plugins.filter.reachable_kubeconfig import (
    api_server_address,
    reachable_kubeconfig,
)
from ansible_collections.holdfast.nfs.plugins.modules import controller_kubeconfig

from tests.unit.roles.reading import HERE, defaults, load
from tests.unit.roles.running import Programs, refusal, run

WANTED = {
    "endpoint": "control-plane.internal",
    "known_to_nodes_only": True,
    "reached": "203.0.113.7",
    "address": "10.0.0.11",
    "names": ["control-plane.internal", "10.0.0.11", "control"],
}


def kubeconfig(authority: str = "b3Vycw==", certificate: str = "dGhpcyB5ZWFy") -> str:
    """As kubeadm writes it."""
    cluster = {
        "server": "https://control-plane.internal:6443",
        "certificate-authority-data": authority,
    }
    user = {"client-certificate-data": certificate}
    return yaml.safe_dump(
        {
            "clusters": [{"name": "kubernetes", "cluster": cluster}],
            "users": [{"name": "kubernetes-admin", "user": user}],
        }
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".kube/holdfast.yaml"


def write(path: Path, content: str = "", *, check: bool = False) -> dict[str, Any]:
    return run(
        controller_kubeconfig.main, check=check, path=str(path), content=content, machine="control"
    )


def refused(path: Path, content: str) -> str:
    return refusal(controller_kubeconfig.main, path=str(path), content=content, machine="control")


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ({}, "10.0.0.11"),
        ({"names": ["203.0.113.7", "10.0.0.11"]}, "203.0.113.7"),
        ({"known_to_nodes_only": False}, "control-plane.internal"),
    ],
    ids=["behind translation", "in the certificate", "a name of the name servers"],
)
def test_the_address_is_one_that_the_certificate_has(given: dict[str, Any], address: str) -> None:
    assert api_server_address({**WANTED, **given}) == address


def test_nothing_but_the_address_differs() -> None:
    text = reachable_kubeconfig(kubeconfig(), "10.0.0.11")

    assert "server: https://10.0.0.11:6443\n" in text
    assert yaml.safe_load(text.replace("10.0.0.11", "control-plane.internal")) == yaml.safe_load(
        kubeconfig()
    )


def test_the_file_is_for_its_owner_alone_and_a_second_run_changes_nothing(path: Path) -> None:
    assert write(path, kubeconfig())["changed"] is True
    assert path.stat().st_mode & 0o777 == 0o600
    assert yaml.safe_load(path.read_text()) == yaml.safe_load(kubeconfig())

    assert write(path, kubeconfig())["changed"] is False


def test_a_renewed_certificate_is_written_and_a_check_writes_nothing(path: Path) -> None:
    write(path, kubeconfig())
    before = path.read_text()
    new = kubeconfig(certificate="bmV4dCB5ZWFy")

    assert write(path, new, check=True)["changed"] is True
    assert path.read_text() == before
    assert write(path, new)["changed"] is True
    assert "bmV4dCB5ZWFy" in path.read_text()


def test_a_file_that_others_may_read_is_closed(path: Path) -> None:
    write(path, kubeconfig())
    path.chmod(0o644)

    assert write(path, kubeconfig())["changed"] is True
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "text",
    [kubeconfig("b3RoZXJz"), kubeconfig() + kubeconfig("b3RoZXJz"), "notes\n", ""],
    ids=["another's", "with another's", "no kubeconfig", "empty"],
)
@pytest.mark.parametrize("content", [kubeconfig(), ""], ids=["a cluster", "none yet"])
def test_what_is_not_this_clusters_alone_is_left_and_refused(
    path: Path, text: str, content: str
) -> None:
    path.parent.mkdir()
    path.write_text(text)

    said = refused(path, content)

    assert said.startswith(f"control_plane_controller_kubeconfig is {path}, which the controller")
    assert "of the cluster of control alone" in said
    assert path.read_text() == text


def test_a_file_of_a_former_cluster_that_the_role_wrote_is_refused_too(path: Path) -> None:
    write(path, kubeconfig("b3RoZXJz"))

    assert "Name another file" in refused(path, kubeconfig())


def test_what_a_person_changed_stays(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = Programs(monkeypatch)
    write(path, kubeconfig())
    path.write_text(text := path.read_text() + "current-context: mine\n")

    assert write(path, kubeconfig(certificate="bmV4dA=="))["changed"] is False
    assert path.read_text() == text
    assert "was changed by somebody" in programs.warned[0]


def test_before_there_is_a_cluster_nothing_is_written(path: Path) -> None:
    assert write(path)["changed"] is False
    assert not path.exists()


@pytest.mark.parametrize("name", ["kubeconfig", "nowhere/at/all"])
def test_a_path_that_cannot_be_written_is_refused_by_the_variables_name(
    tmp_path: Path, name: str
) -> None:
    given = Path(name) if name == "kubeconfig" else tmp_path / name

    assert refused(given, kubeconfig()).startswith(
        f"control_plane_controller_kubeconfig is {given}"
    )


def test_the_role_writes_it_on_request_only_and_refuses_before_any_change() -> None:
    role = HERE / "roles/control_plane"
    asked = "control_plane_controller_kubeconfig != ''"
    main, first = load(role / "tasks/main.yml"), load(role / "tasks/preflight.yml")
    _, task = load(role / "tasks/controller_kubeconfig.yml")
    (included,) = [one for one in main if "controller_kubeconfig" in str(one)]

    assert defaults(role)["control_plane_controller_kubeconfig"] == ""
    assert included["when"] == first[-1]["when"] == asked
    assert first[-1]["ansible.builtin.include_tasks"]["apply"] == {"check_mode": True}
    assert (task["delegate_to"], task["become"]) == ("localhost", False)
