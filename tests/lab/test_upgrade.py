"""upgrade.yml: a cluster of the version before becomes one of this version, while pods write.

Not among what `make test` runs: the version before has to be built as well.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from testbed.lab.interface import Lab, Wish
from testbed.programs.recipes import KUBERNETES_VERSION
from testbed.supplies.recipes import PREVIOUS_VERSION
from tests.lab.site import WEB, Web, changed, kubectl, play, standing

pytestmark = pytest.mark.timeout(2400)


@pytest.fixture(scope="module")
def older() -> Iterator[Lab]:
    """All four machines, with the programs and images of both versions."""
    with standing("test-upgrade", Wish(previous=True)) as made:
        yield made


@pytest.fixture(scope="module")
def web(older: Lab) -> Web:
    """Pods that write, on a cluster of the version before."""
    play(older, "site.yml", "-e", f"kubernetes_node_version={PREVIOUS_VERSION}")
    made = Web(older)
    made.begin()
    return made


def versions(lab: Lab) -> set[str]:
    """What the nodes' kubelets and the API server are."""
    nodes = json.loads(kubectl(lab, "get", "nodes", "--output=json"))["items"]
    server = json.loads(kubectl(lab, "get", "--raw", "/version"))["gitVersion"]
    return {server, *(node["status"]["nodeInfo"]["kubeletVersion"] for node in nodes)}


def test_the_cluster_is_of_the_version_before(older: Lab, web: Web) -> None:
    assert web.pods()
    assert versions(older) == {PREVIOUS_VERSION}


def test_one_command_upgrades_every_node_and_loses_nothing(older: Lab, web: Web) -> None:
    found = web.directories()
    before = {name: web.numbers(found[name]) for name in WEB}

    play(older, "playbooks/upgrade.yml", "-e", f"kubernetes_node_version={KUBERNETES_VERSION}")

    assert versions(older) == {KUBERNETES_VERSION}
    assert web.directories() == found
    for name in WEB:
        assert web.numbers(found[name])[: len(before[name])] == before[name]
        web.await_more(found[name], len(web.numbers(found[name])))


@pytest.mark.usefixtures("web")
def test_site_yml_has_nothing_left_to_do(older: Lab) -> None:
    assert changed(play(older, "site.yml")) == {}
