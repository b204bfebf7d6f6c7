"""Free leases go to the replica that leads fewest exports."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from holdfast.controller.lease_balancer import LeaseBalancer

NAMES = ("a", "b", "c")


@dataclass
class Lease:
    """A lease, as one replica sees it."""

    holders: dict[str, str]
    name: str
    replica: str

    def start(self) -> None:
        """Is not called."""

    def stop(self) -> None:
        """Is not called."""

    def leading(self) -> bool:
        return self.holders.get(self.name) == self.replica

    def last_seen(self) -> None:
        """Is not called."""

    def is_free(self) -> bool:
        return self.name not in self.holders


class Replica:
    """A replica of a cluster; `holders` are the leases' holders."""

    def __init__(self, identity: str, holders: dict[str, str], *names: str) -> None:
        self.identity = identity
        self.spread = LeaseBalancer(identity)
        self.spread._started -= 60
        for name in names:
            self.spread.add(name, Lease(holders, name, identity))


def handicaps(replica: Replica) -> list[float]:
    return sorted(replica.spread.acquire_delay(name) for name in NAMES)


def test_the_only_export_is_taken_at_once() -> None:
    assert Replica("one", {}, "a").spread.acquire_delay("a") == 0


def test_free_ones_are_taken_one_after_another_in_an_order_of_the_replicas_own() -> None:
    assert handicaps(Replica("one", {}, *NAMES)) == [0, 0.5, 1.0]
    first = {
        min(NAMES, key=Replica(str(number), {}, *NAMES).spread.acquire_delay)
        for number in range(20)
    }
    assert first == set(NAMES)


def test_those_that_it_leads_count_and_those_that_others_lead_do_not() -> None:
    holders = {"a": "one", "b": "other"}
    assert Replica("one", holders, *NAMES).spread.acquire_delay("c") == 0.5
    assert Replica("other", holders, *NAMES).spread.acquire_delay("c") == 0.5
    assert Replica("third", holders, *NAMES).spread.acquire_delay("c") == 0


def test_an_export_that_is_removed_counts_no_more() -> None:
    replica = Replica("one", {"b": "one", "c": "one"}, *NAMES)
    replica.spread.remove("b")
    assert replica.spread.acquire_delay("a") == 0.5


def test_replicas_that_have_just_started_leave_more_time_to_each_other() -> None:
    replica = Replica("one", {}, *NAMES)
    replica.spread._started += 60
    assert handicaps(replica) == [0, 2.0, 4.0]


def test_nobody_waits_for_longer_than_two_seconds() -> None:
    names = [str(number) for number in range(20)]
    replica = Replica("one", dict.fromkeys(names[:19], "one"), *names)
    assert replica.spread.acquire_delay("19") == 2.0


@pytest.mark.parametrize("seed", range(20))
def test_replicas_that_start_at_once_lead_as_many_each(seed: int) -> None:
    names, holders = [str(number) for number in range(6)], dict[str, str]()
    replicas = [Replica(f"{seed}-{number}", holders, *names) for number in range(3)]
    for now in (0, 0.5, 1.0, 1.5, 2.0):
        for replica in replicas:
            for name in [name for name in names if name not in holders]:
                if replica.spread.acquire_delay(name) <= now:
                    holders[name] = replica.identity

    led = [list(holders.values()).count(replica.identity) for replica in replicas]
    assert sum(led) == 6
    assert max(led) <= 3
