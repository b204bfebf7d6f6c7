"""What a provisioner takes from its pod where it is told nothing."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from holdfast.claims.build_volume import Address
from holdfast.claims.decide import Provisioner
from holdfast.controller import settings
from holdfast.controller.settings import ExportSettings, Settings, new_identity, own_namespace


def test_the_lease_is_named_after_the_provisioner() -> None:
    made = Settings(
        provisioner=Provisioner("example.com/team/nfs"),
        exports=(ExportSettings(address=Address("nfs", "/")),),
    )

    assert made.provisioner.lease_of() == "example.com-team-nfs"
    assert made.provisioner.former_leases_of() == ()


def test_a_lease_s_former_names_are_those_of_the_provisioner_s_other_names() -> None:
    also = frozenset({"old.example.com/nfs", "example.com/team-nfs", "b/nfs"})
    made = Settings(
        provisioner=Provisioner("example.com/team/nfs", also=also),
        exports=(ExportSettings(address=Address("nfs", "/")),),
    )

    assert made.provisioner.former_leases_of() == ("b-nfs", "old.example.com-nfs")


def test_each_export_has_a_lease_of_its_own_and_the_default_one_the_provisioner_s() -> None:
    provisioner = Provisioner("example.com/nfs", also=frozenset({"old/nfs"}))

    assert provisioner.lease_of("default") == "example.com-nfs"
    assert provisioner.lease_of("fast") == "example.com-nfs-fast"
    assert provisioner.former_leases_of("fast") == ("example.com-nfs", "old-nfs", "old-nfs-fast")


def test_what_is_not_given_is_what_the_documentation_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POD_NAME", "holdfast-0")
    monkeypatch.setenv("POD_NAMESPACE", "storage")

    made = Settings(
        provisioner=Provisioner("nfs"), exports=(ExportSettings(address=Address("nfs", "/")),)
    )

    [export] = made.exports
    assert (export.name, export.root, export.deadline) == (
        "default",
        Path("/persistentvolumes"),
        30,
    )
    assert made.kubeconfig is None
    assert (made.http_host, made.http_port) == ("", 8080)
    assert (made.leader_election, made.workers) == (True, 8)
    assert (made.identity, made.namespace) == ("holdfast-0", "storage")


def test_the_identity_is_the_pod_s_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which a restarted container keeps: it takes its own lease again at once."""
    monkeypatch.setenv("POD_NAME", "holdfast-0")

    assert new_identity() == "holdfast-0"


def test_without_a_pod_each_process_has_an_identity_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("POD_NAME", raising=False)

    assert new_identity() != new_identity()
    assert new_identity().startswith(f"{socket.gethostname()}_")


def test_the_namespace_is_the_one_that_the_pod_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("POD_NAMESPACE", "storage")

    assert own_namespace() == "storage"


def test_else_the_namespace_is_that_of_the_service_account(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("POD_NAMESPACE", raising=False)
    (tmp_path / "namespace").write_text("storage\n")
    monkeypatch.setattr(settings, "_SERVICE_ACCOUNT", tmp_path / "namespace")

    assert own_namespace() == "storage"


def test_outside_of_a_cluster_the_namespace_is_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("POD_NAMESPACE", raising=False)
    monkeypatch.setattr(settings, "_SERVICE_ACCOUNT", tmp_path / "missing")

    assert own_namespace() == "default"


def test_a_service_account_without_a_namespace_is_in_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("POD_NAMESPACE", raising=False)
    (tmp_path / "namespace").write_text("\n")
    monkeypatch.setattr(settings, "_SERVICE_ACCOUNT", tmp_path / "namespace")

    assert own_namespace() == "default"
