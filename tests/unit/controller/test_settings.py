"""What a provisioner takes from its pod where it is told nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast.claims.decide import Provisioner
from holdfast.claims.volume import Address
from holdfast.controller import settings
from holdfast.controller.settings import Settings, new_identity, own_namespace


def test_the_lease_is_named_after_the_provisioner() -> None:
    made = Settings(provisioner=Provisioner("example.com/team/nfs"), address=Address("nfs", "/"))

    assert made.lease == "example.com-team-nfs"


def test_the_identity_is_the_pod_s_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which a restarted container keeps: it takes its own lease again at once."""
    monkeypatch.setenv("POD_NAME", "holdfast-0")

    assert new_identity() == "holdfast-0"


def test_without_a_pod_each_process_has_an_identity_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("POD_NAME", raising=False)

    assert new_identity() != new_identity()


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
