"""examples/static-volumes: directories that are volumes, made by Ansible from data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.lab.examples.cluster import EXAMPLES, Cluster, Space, is_ready, until
from tests.lab.site import play

pytestmark = pytest.mark.timeout(900)
FOLDER = EXAMPLES / "static-volumes"
VOLUMES = {f"pv00{number}": f"/data/volumes/v{number}" for number in range(1, 6)}
PODS = [f"static-{number}" for number in range(5)]
PAGE = "/usr/share/nginx/html/index.html"


@pytest.fixture(scope="module")
def made(cluster: Cluster) -> Iterator[None]:
    """The exports and the volumes, as the README says; gone again afterwards."""
    data = f"@{FOLDER / 'volumes.yml'}"
    play(cluster.lab, "playbooks/storage.yml", "--limit=nfs_servers", "-e", data)
    play(cluster.lab, "playbooks/provisioner.yml", "-e", data)
    yield
    cluster.kubectl("delete", "pv", *VOLUMES, deadline=200)
    play(cluster.lab, "playbooks/storage.yml", "--limit=nfs_servers")
    cluster.guest("nfs").ssh("sudo rm --recursive /data/volumes")


@pytest.fixture(scope="module", autouse=True)
def applied(space: Space, made: None) -> Iterator[None]:
    assert made is None
    space.apply(FOLDER)
    space.roll_out("statefulset/static")
    yield
    # Before their volumes and exports go, nobody may have them mounted.
    space.kubectl("delete", "statefulset,pvc", "--all", deadline=200)
    until(lambda: not space.pods("app=static"), 200)


def volumes(space: Space) -> dict[str, Any]:
    found = space.cluster.get("pv")["items"]
    return {each["metadata"]["name"]: each for each in found if each["metadata"]["name"] in VOLUMES}


def test_each_directory_is_exported_by_itself(space: Space) -> None:
    exported = space.cluster.guest("nfs").ssh("sudo exportfs")

    assert {line.split()[0] for line in exported.splitlines()} >= set(VOLUMES.values())


def test_each_is_a_volume_with_its_size_and_its_access_modes(space: Space) -> None:
    found = volumes(space)

    assert {name: each["spec"]["nfs"]["path"] for name, each in found.items()} == VOLUMES
    assert [each["spec"]["capacity"]["storage"] for each in found.values()] == ["1Gi"] + ["2Gi"] * 4
    assert found["pv002"]["spec"]["accessModes"] == ["ReadWriteOnce"]
    assert "ReadWriteMany" in found["pv003"]["spec"]["accessModes"]


def test_a_claim_takes_the_smallest_volume_that_will_do(space: Space) -> None:
    bound = space.bound()

    assert bound.pop("shared") == "pv001"
    assert sorted(bound) == [f"data-{name}" for name in PODS[:3]]
    assert set(bound.values()) < set(VOLUMES) - {"pv001"}
    assert len(set(bound.values())) == 3


def test_each_pod_writes_to_the_directory_of_its_volume_and_all_to_the_shared_one(
    space: Space,
) -> None:
    for name in PODS[:3]:
        space.run(name, "sh", "-c", f"hostname > {PAGE}; hostname > /shared/$(hostname)")

    nfs, bound = space.cluster.guest("nfs"), space.bound()
    for name in PODS[:3]:
        path = VOLUMES[bound[f"data-{name}"]]
        assert nfs.ssh(f"cat {path}/index.html").strip() == name
    assert nfs.ssh("ls /data/volumes/v1").split() == PODS[:3]


def test_when_all_volumes_are_taken_the_next_pod_waits_and_is_told_why(space: Space) -> None:
    space.kubectl("scale", "statefulset/static", "--replicas=5")
    until(lambda: PODS[3] in space.pods() and is_ready(space.pods()[PODS[3]]), 200)
    claim = f"data-{PODS[4]}"

    until(lambda: claim in space.claims(), 60)
    until(
        lambda: "no persistent volumes available" in space.kubectl("describe", "pvc", claim),
        60,
    )
    assert len(set(space.bound().values())) == 5
