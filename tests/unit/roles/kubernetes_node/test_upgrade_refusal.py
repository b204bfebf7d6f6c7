"""A cluster goes up, one minor version at a time."""

from __future__ import annotations

import pytest
from ansible_collections.holdfast.nfs.plugins.filter.kubernetes_versions import (
    upgrade_refusal,
    worker_refusal,
)

from tests.unit.roles.reading import HERE, load


@pytest.mark.parametrize("wanted", ["v1.35.2", "v1.35.3", "v1.35.10", "v1.36.0", "v1.36.3"])
def test_the_next_patch_and_the_next_minor_version_are_allowed(wanted: str) -> None:
    assert upgrade_refusal(wanted, "v1.35.2") == ""


@pytest.mark.parametrize("wanted", ["v1.35.1", "v1.34.9", "v0.36.0"])
def test_going_back_is_refused(wanted: str) -> None:
    assert "does not go back" in upgrade_refusal(wanted, "v1.35.2")


@pytest.mark.parametrize("wanted", ["v1.37.0", "v2.0.0"])
def test_skipping_a_minor_version_is_refused_with_the_next_step(wanted: str) -> None:
    assert f"go to a v1.36 before {wanted}" in upgrade_refusal(wanted, "v1.35.2")


@pytest.mark.parametrize("running", ["v1.36.3+k3s1", "v1.37.0-rc.1", "v1.36.3-eks-1", "1.36", ""])
def test_what_is_no_release_is_told_in_a_sentence(running: str) -> None:
    said = upgrade_refusal("v1.37.0", running)

    assert said.startswith(f"The cluster runs {running}, which is no release of Kubernetes")


@pytest.mark.parametrize("wanted", ["1.36.3", "v1.37.0-rc.1", "latest"])
def test_a_version_that_is_none_is_refused_by_the_variables_name(wanted: str) -> None:
    assert upgrade_refusal(wanted, "v1.36.3").startswith("kubernetes_node_version is ")


def test_an_upgrade_that_was_broken_off_is_gone_on_with() -> None:
    assert upgrade_refusal("v1.36.3", ["v1.36.3", "v1.35.7", "v1.35.7"]) == ""


def test_an_upgrade_that_was_broken_off_is_finished_before_the_next() -> None:
    said = upgrade_refusal("v1.37.0", ["v1.36.3", "v1.35.7"])

    assert said.startswith("The cluster runs v1.35.7; go to a v1.36 before v1.37.0")


def test_an_upgrade_that_was_broken_off_does_not_go_back() -> None:
    said = upgrade_refusal("v1.35.7", ["v1.36.3", "v1.35.7"])

    assert said.startswith("The cluster runs v1.36.3; Kubernetes does not go back to v1.35.7.")
    assert said.endswith("Set kubernetes_node_version: v1.36.3 in the inventory.")


def test_a_worker_has_to_wait_for_all_parts_of_the_control_plane() -> None:
    parts = {"kube-apiserver": "v1.37.0", "kube-scheduler": "v1.36.3", "kube-proxy": "v1.36.3"}

    said = worker_refusal("v1.37.0", parts, "worker1", "control")

    assert said == (
        "worker1 is not upgraded to v1.37.0 before its control plane (kube-scheduler runs v1.36.3, "
        "kube-proxy runs v1.36.3): upgrade control first, with playbooks/upgrade.yml and a --limit "
        "that has it, or none."
    )


def test_a_worker_follows_a_control_plane_that_is_upgraded() -> None:
    assert worker_refusal("v1.37.0", {"kube-apiserver": "v1.37.0"}, "worker1", "control") == ""


def test_each_worker_is_asked_before_it_is_upgraded() -> None:
    refused, *_ = load(HERE / "roles/kubernetes_node/tasks/upgrade.yml")
    text = (HERE / "roles/kubernetes_node/tasks/refuse_upgrade.yml").read_text()

    assert refused["ansible.builtin.include_tasks"] == "refuse_upgrade.yml"
    assert "holdfast.nfs.worker_refusal" in text
