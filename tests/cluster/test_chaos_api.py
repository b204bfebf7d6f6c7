"""The API server may go away for as long as it likes: the provisioner waits, and says so."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.programs import Programs
from tests.burst import CLAIMS, Burst
from tests.chaos import Cluster, Outage, Provisioner, cluster_of_its_own, tell
from tests.support import eventually

pytestmark = pytest.mark.timeout(400)


@pytest.fixture
def cluster(programs: Programs, tmp_path: Path) -> Iterator[Cluster]:
    with cluster_of_its_own(programs, tmp_path) as own:
        yield own


def await_the_rest(cluster: Cluster, provisioner: Provisioner) -> None:
    eventually(provisioner.is_ready, what="it is ready again")
    # A claim made in the last moment belongs to no provisioner before the controllers saw it.
    cluster.plane.restart_controllers()
    started = time.monotonic()
    eventually(lambda: len(cluster.volumes()) == CLAIMS, what="there is a volume for each claim")
    tell(f"all volumes were made {time.monotonic() - started:.1f} s after that")
    cluster.await_bound(CLAIMS)
    assert all(cluster.directory(volume).is_dir() for volume in cluster.volumes())
    cluster.await_confirmed(CLAIMS)
    assert len(cluster.volumes()) == CLAIMS


def test_an_api_server_that_is_down_for_a_minute_in_a_burst_is_waited_for(
    cluster: Cluster,
) -> None:
    burst = Burst(cluster)
    with burst.provisioner as provisioner:
        burst.begin()
        cluster.plane.apiserver.kill()
        burst.go_on()
        with Outage(provisioner) as outage:
            outage.lasts(60)
        outage.assert_it_was_borne("API server: No answer from the API server")
        cluster.plane.apiserver.start()
        await_the_rest(cluster, provisioner)


def test_an_api_server_that_hangs_for_45_seconds_in_a_burst_is_waited_for(
    cluster: Cluster,
) -> None:
    burst = Burst(cluster)
    with burst.provisioner as provisioner:
        burst.begin()
        cluster.plane.apiserver.pause()
        burst.go_on()
        with Outage(provisioner) as outage:
            outage.lasts(45)
        outage.assert_it_was_borne("it did not answer in time")
        cluster.plane.apiserver.resume()
        await_the_rest(cluster, provisioner)


def test_an_etcd_that_is_started_anew_in_a_burst_is_waited_for(cluster: Cluster) -> None:
    burst = Burst(cluster)
    with burst.provisioner as provisioner:
        burst.begin()
        cluster.plane.etcd.kill()
        burst.go_on()
        with Outage(provisioner) as outage:
            outage.lasts(30)
        outage.assert_it_was_borne("API server:")
        cluster.plane.etcd.start()
        await_the_rest(cluster, provisioner)


def test_a_provisioner_starts_without_an_api_server_and_works_once_there_is_one(
    cluster: Cluster,
) -> None:
    cluster.claim(cluster.make_class())
    cluster.plane.apiserver.kill()
    with cluster.provisioner() as provisioner:
        provisioner.await_line("holdfast starts")
        with Outage(provisioner) as outage:
            outage.lasts(15)
        outage.assert_it_was_borne("API server: No answer from the API server")
        assert "claims, classes and volumes are not synced yet" in outage.reasons
        cluster.plane.apiserver.start()
        cluster.plane.restart_controllers()
        cluster.await_bound(1)
        eventually(provisioner.is_ready, what="it is ready")
