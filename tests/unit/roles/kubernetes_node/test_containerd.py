"""A version that a machine's containerd cannot run is refused before anything is changed."""

from __future__ import annotations

import json

import pytest
from ansible_collections.holdfast.nfs.plugins.filter.containerd import (
    containerd_refusal,
    package_refusal,
)

from tests.unit.roles.kubernetes_node.cluster import cluster

# As apt-cache(8) prints it.
POLICY = """\
{}:
  Installed: {}
  Candidate: {}
  Version table:
     1.7.24~ds1-6+deb13u1 500
        500 http://mirror.example/debian trixie/main amd64 Packages
runc:
  Installed: (none)
  Candidate: 1.1.15+ds1-2+b4
"""


def of_nodes(version: str, containerd: str) -> str:
    return containerd_refusal(json.dumps(cluster(containerd=containerd)), version)


def of_packages(version: str, installed: str, candidate: str, package: str = "containerd") -> str:
    return package_refusal(POLICY.format(package, installed, candidate), version, "worker1")


def test_an_upgrade_beyond_containerd_1_is_refused_with_the_nodes_and_the_remedy() -> None:
    said = of_nodes("v1.38.0", "containerd://1.7.24")

    assert "control has 1.7.24 and worker1 has 1.7.24" in said
    assert "container_runtime_packages name a containerd 2" in said


@pytest.mark.parametrize("version", ["v1.38.0", "v1.40.1", "v2.0.0"])
def test_no_later_version_runs_with_containerd_1(version: str) -> None:
    assert of_nodes(version, "containerd://1.6.20~ds1")
    assert of_packages(version, "(none)", "1.7.24~ds1-6+deb13u1")


@pytest.mark.parametrize(
    ("version", "containerd"),
    [
        ("v1.37.9", "containerd://1.7.24"),
        ("v1.38.0", "containerd://2.1.4"),
        ("v1.38.0", "cri-o://1.38.0"),
    ],
)
def test_what_goes_together_is_not_refused(version: str, containerd: str) -> None:
    assert of_nodes(version, containerd) == ""


def test_a_bare_machine_is_judged_by_what_apt_would_install() -> None:
    assert "worker1 has 1.7.24~ds1" in of_packages("v1.38.0", "(none)", "1.7.24~ds1-6")
    assert of_packages("v1.38.0", "(none)", "2.1.4-1") == ""


def test_a_package_that_is_installed_stays_as_it_is() -> None:
    assert "worker1 has 1.7.24" in of_packages("v1.38.0", "1.7.24", "2.1.4")


def test_dockers_package_is_one_of_containerd() -> None:
    said = of_packages("v1.38.0", "(none)", "1.7.29-1~debian.13~trixie", "containerd.io")

    assert "worker1 has 1.7.29" in said


@pytest.mark.parametrize("said", ["", "N: Unable to locate package containerd\n"])
def test_where_apt_knows_nothing_nothing_is_refused(said: str) -> None:
    assert package_refusal(said, "v1.38.0", "worker1") == ""
