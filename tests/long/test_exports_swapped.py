"""The lab's export is stopped and swapped while claims come and go; slow, and in this order."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from testbed.lab.interface import Lab, Wish
from testbed.waiting import until
from tests.lab.consistency import look, volumes_of
from tests.lab.disks import Disks
from tests.lab.examples.cluster import Cluster, cluster_of
from tests.lab.replicas import Replicas
from tests.lab.site import WEB, Web, play, standing
from tests.lab.tenants import Tenants

pytestmark = pytest.mark.timeout(2400)

WITHOUT_ID = "an export without .holdfast/export is mounted here, not "
WRONG = {"empty": WITHOUT_ID, "anothers": "the export 0the0rs- is mounted here, not "}
# Of other clusters, whose volumes happen to have the names of ours.
ANOTHERS = """
cp --archive "$EXPORT/." .
for word in $(grep -o "[0-9a-f-]\\{36\\}" .holdfast/export) $(ls .holdfast/terms | cut -d. -f1); do
  find .holdfast -type f -exec sed -i "s/$word/0the0rs-/" {} +
  for term in .holdfast/terms/$word.*; do
    test ! -e $term || mv $term .holdfast/terms/0the0rs-.${term#*/$word.}
  done
done
"""
# Restored from a backup that has not got everything.
RESTORED = """
cp --archive "$EXPORT/." .
rm .holdfast/export
"""


@pytest.fixture(scope="module")
def whole() -> Iterator[Lab]:
    """All four machines, and on them what site.yml builds."""
    with standing("test-exports", Wish()) as made:
        play(made, "site.yml")
        yield made


@pytest.fixture(scope="module")
def web(whole: Lab) -> Web:
    """The pods of the seeds' StatefulSet, running and writing until the end."""
    made = Web(whole)
    made.begin()
    return made


@pytest.fixture(scope="module")
def cluster(whole: Lab, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    return cluster_of(whole, tmp_path_factory.mktemp("cluster"))


@pytest.fixture(scope="module")
def tenants(cluster: Cluster, web: Web) -> Iterator[Tenants]:
    """Claims that come and go beside the pods, until the end."""
    assert web.pods()
    seed = time.time_ns()
    sys.stdout.write(f"claims come and go with the seed {seed}\n")
    made = Tenants(cluster, seed)
    made.start()
    yield made
    made.end()


def test_claims_are_served_after_nfsd_was_stopped(cluster: Cluster, tenants: Tenants) -> None:
    disks = Disks(cluster.guest("nfs"))

    disks.stop()
    Replicas(cluster).await_all("export: ")
    disks.start()

    tenants.await_more()


def test_claims_are_served_after_the_server_lost_its_power(
    cluster: Cluster, tenants: Tenants
) -> None:
    """What was not synced is gone with the machine's memory."""
    cluster.guest("nfs").cut_power()

    tenants.await_more()


def test_a_wrong_export_is_named_and_left_as_it_is_until_the_right_one_is_back(
    cluster: Cluster, tenants: Tenants
) -> None:
    disks = Disks(cluster.guest("nfs"))
    disks.make("empty")
    disks.make("anothers", ANOTHERS)

    with tenants.off_the_disk():
        for disk, words in WRONG.items():
            disks.put_in(disk)
            assert_nothing_is_touched(cluster, tenants, disks, words)
        disks.put_own_back()

    tenants.await_more()


def assert_nothing_is_touched(cluster: Cluster, tenants: Tenants, disks: Disks, words: str) -> None:
    """While claims come and go, the replicas say what is wrong, and do nothing else."""
    replicas, found = Replicas(cluster), disks.read()

    replicas.await_all(words)
    volumes = set(volumes_of(cluster))
    tenants.await_rounds(3)

    assert all("holdfast exports accept" in said for said in replicas.readiness())
    assert [said for said in replicas.warnings() if words in said and "exports accept" in said]
    assert set(volumes_of(cluster)) == volumes
    assert disks.read() == found


def test_a_person_says_of_a_restored_export_that_it_is_the_right_one(
    cluster: Cluster, tenants: Tenants, web: Web
) -> None:
    disks, replicas = Disks(cluster.guest("nfs")), Replicas(cluster)

    with tenants.off_the_disk():
        disks.stop()
        disks.make("restored", RESTORED)
        disks.put_in("restored")
        assert_nothing_is_touched(cluster, tenants, disks, WITHOUT_ID)
        said = replicas.run("holdfast", "exports", "accept", "--yes")

    assert "resumes within seconds" in said
    tenants.await_more()
    found = web.directories()
    assert all(set(web.told(name)) <= set(web.numbers(found[name])) for name in WEB)


def test_each_claim_has_one_volume_and_each_directory_one_record_and_nothing_is_lost(
    cluster: Cluster, tenants: Tenants
) -> None:
    tenants.stop()
    left: list[str] = []

    def is_settled() -> bool:
        left[:] = look(cluster, Disks(cluster.guest("nfs"))).oddities(tenants)
        return not left

    with suppress(TimeoutError):  # what was released is reclaimed, and the trash emptied
        until(is_settled, 180, pause=2.0)
    assert left == []
