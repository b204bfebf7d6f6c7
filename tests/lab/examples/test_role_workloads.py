"""playbooks/workloads.yml: examples by their names, applied once and removed once."""

from __future__ import annotations

import json

import pytest

from testbed.lab.interface import Lab
from tests.lab.examples.cluster import Cluster, Space
from tests.lab.site import changed, complaints, play

pytestmark = pytest.mark.timeout(900)


def workloads(*names: str, state: str = "present") -> tuple[str, ...]:
    values = {
        "workloads_names": names,
        "workloads_state": state,
        "workloads_namespace_prefix": "example-role-",
    }
    return ("playbooks/workloads.yml", "-e", json.dumps(values))


@pytest.fixture(scope="module")
def lab(cluster: Cluster) -> Lab:
    play(cluster.lab, *workloads("stateful-web", state="absent"))
    return cluster.lab


def test_an_example_is_applied_once_and_then_as_it_should_be(lab: Lab, cluster: Cluster) -> None:
    named = workloads("stateful-web")

    assert changed(play(lab, *named, "--check")) == {"control": 1}
    assert changed(play(lab, *named)) == {"control": 1}

    assert list(Space(cluster, "example-role-stateful-web").pods("app=nginx")) == ["web-0", "web-1"]
    assert changed(play(lab, *named)) == {}
    assert changed(play(lab, *named, "--check")) == {}


def test_it_is_removed_once_with_its_namespace(lab: Lab, cluster: Cluster) -> None:
    named = workloads("stateful-web", state="absent")

    assert changed(play(lab, *named, "--check")) == {"control": 1}
    assert changed(play(lab, *named)) == {"control": 1}

    assert "example-role-stateful-web" not in cluster.kubectl("get", "namespaces")
    assert changed(play(lab, *named)) == {}


def test_a_name_that_is_no_examples_is_said_with_those_that_there_are(lab: Lab) -> None:
    [said] = complaints(lab, *workloads("redix")).values()

    assert "there is no example 'redix'; there are cronjob, daemonset" in said
