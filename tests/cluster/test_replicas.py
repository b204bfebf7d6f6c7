"""Of several replicas one works at a time, and another takes over when it cannot."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from testbed.programs import Programs
from tests.chaos import PATIENCE, Cluster, Outage, Provisioner, cluster_of_its_own, let_go, tell
from tests.cluster.objects import name_of
from tests.support import eventually

pytestmark = pytest.mark.timeout(240)

LEASE = 15.0  # seconds that it takes to find out that a holder is dead
LOST = 4  # exit code
ENDS = "lease lost while calls to the export hang: the process exits"


@pytest.fixture
def cluster(programs: Programs, tmp_path: Path) -> Iterator[Cluster]:
    with cluster_of_its_own(programs, tmp_path) as own:
        yield own


@pytest.fixture
def replicas(cluster: Cluster) -> Iterator[list[Provisioner]]:
    """Two, each of which reaches the one export by a path of its own."""
    with ExitStack() as stack:
        both = []
        for identity in ("first", "second"):
            path = cluster.root.with_name(f"export-of-{identity}")
            path.symlink_to(cluster.root)
            replica = a_replica(cluster, identity, HOLDFAST_ROOT=str(path))
            both.append(stack.enter_context(replica))
        yield both


def a_replica(cluster: Cluster, identity: str, **more: Any) -> Provisioner:
    return cluster.provisioner(identity, ENABLE_LEADER_ELECTION="true", **more)


def one_that_may_hang(cluster: Cluster, flags: Path) -> tuple[Provisioner, Path]:
    """A replica, and the folder of the flags that let its calls hang."""
    flags.mkdir()
    command, deadline = ("-m", "tests.hanging", "run"), {"HOLDFAST_EXPORT_DEADLINE": "2"}
    return a_replica(cluster, "former", command=command, HANGING=str(flags), **deadline), flags


def leader_and_other(replicas: list[Provisioner]) -> tuple[Provisioner, Provisioner]:
    """Waits until one leads and works."""
    await_one_leader(replicas)
    leader, other = sorted(replicas, key=Provisioner.leads, reverse=True)
    leader.await_line("term begun")
    return leader, other


def await_one_leader(replicas: list[Provisioner]) -> None:
    eventually(lambda: any(map(Provisioner.leads, replicas)), what="a replica leads")
    assert [replica.leads() for replica in replicas].count(True) == 1


def seconds_until(look: Callable[[], Any], what: str) -> float:
    started = time.monotonic()
    eventually(look, what=what)
    return time.monotonic() - started


def made_by(replica: Provisioner) -> set[str]:
    """The volumes that it says it made."""
    return {line["volume"] for line in replica.lines("volume created")}


def test_one_of_two_replicas_works_and_the_other_does_nothing(
    cluster: Cluster, replicas: list[Provisioner]
) -> None:
    leader, other = leader_and_other(replicas)
    eventually(other.is_ready, what="the other stands by")
    cluster.make_claims(cluster.make_class(), 30)
    cluster.await_bound(30)
    eventually(lambda: len(made_by(leader)) == 30, what="it says so of each")
    assert not other.lines("term begun")
    assert not other.leads()


def test_when_the_leader_is_killed_the_other_serves_a_new_claim_once_the_lease_has_run_out(
    cluster: Cluster, replicas: list[Provisioner]
) -> None:
    """20 s are promised: the lease's, and a few. On a busy machine, a test waits for longer."""
    nfs = cluster.make_class()
    leader, other = leader_and_other(replicas)
    cluster.claim(nfs, "before")
    cluster.await_bound(1)
    leader.kill()
    held = cluster.lease()
    assert (held["holderIdentity"], held["leaseDurationSeconds"]) == (leader.identity, LEASE)
    cluster.claim(nfs, "after")
    took = seconds_until(lambda: len(cluster.bound_claims()) == 2, "the other serves")
    tell(f"served {took:.1f} s after the leader was killed")
    assert cluster.lease()["holderIdentity"] == other.identity


def test_when_the_leader_ends_orderly_the_other_works_at_once(
    cluster: Cluster, replicas: list[Provisioner]
) -> None:
    nfs = cluster.make_class()
    leader, other = leader_and_other(replicas)
    eventually(other.is_ready, what="the other stands by")
    assert leader.stop() == 0
    assert cluster.lease()["holderIdentity"] in {"", other.identity}  # nobody waits for its end
    cluster.claim(nfs)
    took = seconds_until(cluster.bound_claims, "the other serves")
    tell(f"served {took:.1f} s after the leader had ended")


def test_a_leader_that_was_frozen_writes_nothing_after_another_took_over(
    cluster: Cluster, replicas: list[Provisioner]
) -> None:
    nfs = cluster.make_class()
    leader, other = leader_and_other(replicas)
    cluster.make_claims(nfs, 60, "early")
    eventually(lambda: len(cluster.records()) > 15, what="the leader is in the middle of it")
    with leader.frozen():
        frozen_at = time.monotonic()
        cluster.make_claims(nfs, 30, "late")
        cluster.await_bound(90)
        eventually(lambda: time.monotonic() > frozen_at + 2 * LEASE)
        assert other.leads()
        told_before = made_by(leader)
        existing = {name_of(volume) for volume in cluster.volumes()}
    cluster.make_claims(nfs, 30, "after")
    cluster.await_bound(120)

    assert not leader.leads()
    assert other.leads()
    assert made_by(leader) - told_before <= existing  # the answers it had not read yet
    assert not made_by(other) & made_by(leader)
    # It may have been frozen between two steps of one call; who leads next puts that right.
    assert other.stop() == 0
    eventually(leader.leads, what="it leads again")
    eventually(lambda: not any(cluster.root.glob(".holdfast/creating/*")), what="all is confirmed")
    assert len(cluster.volumes()) == len(cluster.records()) == 120
    assert made_by(leader) - told_before <= existing


def test_a_leader_whose_calls_hang_ends_before_another_leads_and_does_nothing_of_it_later(
    cluster: Cluster, tmp_path: Path
) -> None:
    nfs = cluster.make_class(parameters={"onDelete": "delete"})
    former, flags = one_that_may_hang(cluster, tmp_path / "flags")
    with former:
        former.await_line("term begun")
        with a_replica(cluster, "other") as other:
            names = cluster.hang(nfs, flags, 8)
            assert former.process.wait(PATIENCE) == LOST
            ended = former.await_line(ENDS)["timestamp"]
            former.start()  # as the kubelet does
            cluster.await_bound(len(names))
            assert ended < other.await_line("this replica leads")["timestamp"]
            for name in names:
                cluster.delete_claim(name)
            eventually(lambda: not cluster.volumes(), what="the other reclaims all")
            eventually(lambda: not any(cluster.root.glob(".holdfast/trash/*")), what="for good")
            let_go(flags)
            eventually(former.is_ready, what="the former leader's export answers")
            cluster.claim(nfs, "by-the-other")
            cluster.await_bound(1)
            assert other.stop() == 0
        cluster.claim(nfs, "by-the-former")
        cluster.await_bound(2)
        eventually(lambda: made_by(former), what="it says that it made one")
        eventually(lambda: former.gauge("holdfast_claims_queue_depth") == 0, what="all is done")

    assert former.lines("claim not served") == []
    assert former.lines("unfinished volume undone") == []
    assert former.lines("volume reclaimed") == []
    assert made_by(former) == {cluster.bound_claims()["by-the-former"]}
    assert set(cluster.records()) == set(cluster.bound_claims().values())


def test_when_the_api_is_away_for_longer_than_the_lease_nobody_leads_and_one_does_afterwards(
    cluster: Cluster, replicas: list[Provisioner]
) -> None:
    nfs = cluster.make_class()
    leader_and_other(replicas)
    pids = [replica.process.pid for replica in replicas]
    cluster.plane.apiserver.kill()
    with Outage(replicas[0]) as first, Outage(replicas[1]) as second:
        for _ in range(2):
            first.lasts(LEASE)  # from then on another might have the lease
            assert not any(map(Provisioner.leads, replicas))
    for outage in (first, second):
        outage.assert_it_was_borne("API server: No answer")
    cluster.plane.apiserver.start()
    cluster.plane.restart_controllers()
    cluster.claim(nfs)
    cluster.await_bound(1)
    await_one_leader(replicas)
    assert [replica.process.pid for replica in replicas] == pids


def test_a_leader_whose_export_is_unusable_gives_the_lease_to_one_whose_export_works(
    cluster: Cluster, replicas: list[Provisioner]
) -> None:
    nfs = cluster.make_class()
    leader, other = leader_and_other(replicas)
    path = cluster.root.with_name("export-of-" + leader.identity)
    aside = path.rename(path.with_name("aside"))
    cluster.claim(nfs, "one")
    took = seconds_until(lambda: len(cluster.bound_claims()) == 1, "the other serves")
    tell(f"served {took:.1f} s after the leader's export was away")
    assert other.leads()
    assert not leader.leads()
    assert leader.is_running()
    aside.rename(path)
    eventually(leader.is_ready, what="its export is back")
    cluster.claim(nfs, "two")
    cluster.await_bound(2)
    assert other.leads()  # and keeps it
    assert made_by(leader) == set()
