"""A cluster keeps its pod network: another one beside it is refused, and so are other addresses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.holdfast.nfs.plugins.filter.pod_network_faults import pod_network_faults

from tests.unit.roles.reading import HERE, load
from tests.unit.roles.stubs import Stubbed, write

PODS = "10.244.0.0/16"


def faults(*found: str, **wanted: str) -> list[str]:
    given = {"provider": "flannel", "addresses": PODS, "of_cluster": PODS}
    return pod_network_faults(found, given | wanted, "worker1")


@pytest.mark.parametrize("provider", ["flannel", "routes"])
def test_a_new_cluster_may_have_either_and_an_old_one_keeps_its_own(provider: str) -> None:
    assert faults(provider=provider) == []
    assert faults(provider, provider=provider) == []


@pytest.mark.parametrize(("there", "wanted"), [("flannel", "routes"), ("routes", "flannel")])
def test_another_one_beside_it_is_refused(there: str, wanted: str) -> None:
    """It ended with two configurations of CNI, of which containerd takes the first by name."""
    (fault,) = faults(there, provider=wanted)

    assert fault.startswith(
        f"pod_network_provider is {wanted} on worker1, but the pod network there is that of {there}"
    )
    assert f"set it back to {there}." in fault


def test_addresses_that_the_control_plane_does_not_give_are_refused() -> None:
    (fault,) = faults(addresses="10.99.0.0/16")

    assert fault == (
        "pod_network_addresses is 10.99.0.0/16 on worker1, but control_plane_pod_network, from "
        "which the pods get their addresses, is 10.244.0.0/16; remove pod_network_addresses from "
        "the inventory, or set it to the same."
    )
    assert faults(addresses="10.244.0.0/255.255.0.0") == []
    assert faults(addresses="10.99.0.0/16", of_cluster="") == []


def test_a_pod_network_that_somebody_else_builds_is_theirs() -> None:
    assert faults("flannel", provider="none", addresses="10.99.0.0/16") == []


def said(folder: Path, *providers: str, **variables: Any) -> str:
    """What the role's checks say on a machine with these configurations of CNI."""
    site = Stubbed(folder)
    site.module("pod_network_state", state={"providers": providers})
    include = {"name": "holdfast.nfs.pod_network", "tasks_from": "preflight"}
    play = {
        "hosts": "all",
        "gather_facts": False,
        "tasks": [{"name": "Check", "ansible.builtin.include_role": include}],
    }
    book = write(folder / "check.yml", yaml.safe_dump([play]))
    hosts = {"all": {"hosts": {"worker1": {"ansible_connection": "local"}}}}
    done = site.play(book, hosts, **variables)
    return " ".join(done.stdout.split()) if done.returncode else ""


def test_the_checks_before_any_change_refuse_another_provider(tmp_path: Path) -> None:
    told = said(tmp_path, "flannel", pod_network_provider="routes")

    assert "pod_network_provider is routes on worker1" in told


def test_the_checks_before_any_change_refuse_other_addresses(tmp_path: Path) -> None:
    given = {"pod_network_addresses": "10.99.0.0/16", "holdfast_pod_network": PODS}

    assert "pod_network_addresses is 10.99.0.0/16 on worker1" in said(tmp_path, **given)


def test_a_machine_that_joins_is_compared_with_the_control_plane() -> None:
    tasks = load(HERE / "roles/pod_network/tasks/preflight.yml")
    (asked,) = [task for task in tasks if "delegate_to" in task]
    check = str(tasks[-1])

    assert asked["delegate_to"] == "{{ pod_network_control_plane }}"
    assert asked["ignore_unreachable"] is True
    assert f"or ({asked['register']}.state.providers | default([]))" in check
