"""The module's main(): its arguments, a dry run, and the sentence of a trial that failed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.holdfast.nfs.plugins.module_utils.verify.proxy import ApiError
from ansible_collections.holdfast.nfs.plugins.module_utils.verify.trial import TrialError
from ansible_collections.holdfast.nfs.plugins.modules import volume_trial

from tests.unit.roles.running import refusal, run

ARGUMENTS: dict[str, Any] = {
    "namespace": "holdfast-verify",
    "storage_class": "nfs-client",
    "image": "docker.io/library/busybox:1.37",
    "size": "1Mi",
    "user": 65534,
    "seconds": 5,
    "kubectl": "/usr/local/bin/kubectl",
    "kubeconfig": "/etc/kubernetes/admin.conf",
}


class Trial:
    """Notes what it was made with; `fails` is what becomes of it."""

    fails: Exception | None = None
    wanted: dict[str, Any]

    def __init__(self, wanted: dict[str, Any], _api: object) -> None:
        Trial.wanted = wanted

    def begin(self) -> None:
        if Trial.fails:
            raise Trial.fails


@pytest.fixture
def trial(monkeypatch: pytest.MonkeyPatch) -> type[Trial]:
    @contextlib.contextmanager
    def proxied(kubectl: str, kubeconfig: str) -> Iterator[object]:
        assert (kubectl, kubeconfig) == (ARGUMENTS["kubectl"], ARGUMENTS["kubeconfig"])
        yield object()

    monkeypatch.setattr(Trial, "fails", None)
    monkeypatch.setattr(volume_trial, "proxied", proxied)
    monkeypatch.setattr(volume_trial, "Trial", Trial)
    seen = {"writer": "worker1", "reader": "worker2"}
    monkeypatch.setattr(volume_trial, "cleared_after", lambda _: seen)
    return Trial


def test_a_trial_changes_nothing_and_tells_the_nodes(trial: type[Trial]) -> None:
    result = run(volume_trial.main, **ARGUMENTS)

    assert (result["changed"], result["writer"], result["reader"]) == (False, "worker1", "worker2")
    assert trial.wanted["storage_class"] == "nfs-client"


def test_numbers_may_be_given_as_texts(trial: type[Trial]) -> None:
    """As `-e` and an INI inventory give them."""
    run(volume_trial.main, **ARGUMENTS | {"user": "65534", "seconds": "5"})

    assert (trial.wanted["user"], trial.wanted["seconds"]) == (65534, 5)


def test_a_dry_run_tries_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(volume_trial, "proxied", None)

    result = run(volume_trial.main, check=True, **ARGUMENTS)

    assert (result["changed"], result["skipped"]) == (False, True)


@pytest.mark.parametrize("error", [TrialError("the claim is pending"), ApiError("refused")])
def test_a_trial_that_failed_is_told_with_its_class(trial: type[Trial], error: Exception) -> None:
    trial.fails = error

    said = refusal(volume_trial.main, **ARGUMENTS)

    assert said == f"Pods with a volume of StorageClass nfs-client do not work: {error}"


@pytest.mark.parametrize("name", sorted(ARGUMENTS))
def test_each_argument_is_needed(name: str) -> None:
    rest = {key: value for key, value in ARGUMENTS.items() if key != name}

    assert refusal(volume_trial.main, **rest) == f"missing required arguments: {name}"


@pytest.mark.parametrize("name", ["user", "seconds"])
def test_a_number_that_is_none_is_refused(name: str) -> None:
    assert name in refusal(volume_trial.main, **ARGUMENTS | {name: "many"})
