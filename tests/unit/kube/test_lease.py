"""The elector: never two leaders, always one as soon as it may be."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping

import pytest

from holdfast.kube import lease_spec
from holdfast.kube.api import Api
from holdfast.kube.lease import LeaderElector, Timing, always
from holdfast.kube.lease_annotations import nothing
from holdfast.kube.resources import LEASES, Json
from testbed.waiting import until
from tests.fake.apiserver import FakeApiServer, Fault

PATH = LEASES.path("n", "l")
QUICK = Timing(duration=1.0, renew_deadline=0.6, retry=0.05, poll=0.05)

Lines = list[dict[str, object]]
Make = Callable[..., LeaderElector]


@pytest.fixture
def elector(api: Api) -> Iterator[Make]:
    """Makes and starts electors of lease n/l, and stops them."""
    started: list[LeaderElector] = []

    def start(
        identity: str = "me",
        *,
        timing: Timing = QUICK,
        may_lead: Callable[[], bool] = always,
        changed: Callable[[bool], None] | None = None,
        describe: Callable[[], Mapping[str, str]] = nothing,
    ) -> LeaderElector:
        one = LeaderElector(
            api,
            name="l",
            namespace="n",
            identity=identity,
            timing=timing,
            may_lead=may_lead,
            changed=changed,
            describe=describe,
        )
        one.start()
        started.append(one)
        return one

    yield start
    for one in started:
        one.stop()
    assert not [thread for thread in threading.enumerate() if thread.name == "elector"]


def spec_of(server: FakeApiServer) -> Json:
    spec: Json = server.objects.get(PATH)["spec"]
    return spec


def held_by_other(server: FakeApiServer, seconds: float = 1.0) -> None:
    server.objects.create(LEASES.path("n"), lease_spec.created("l", "n", "other", seconds))


def leads_throughout(one: LeaderElector, server: FakeApiServer, renewals: int) -> bool:
    """Whether it leads at every moment until it has written so often."""
    enough = server.count("replace") + renewals
    while server.count("replace") < enough:
        if not one.leading():
            return False
        time.sleep(0.001)
    return True


def test_who_comes_first_makes_the_lease_and_leads(elector: Make, server: FakeApiServer) -> None:
    one = elector()

    until(one.leading, 5.0)
    assert one.leading()
    assert spec_of(server)["holderIdentity"] == "me"


def test_a_leader_renews_and_goes_on_leading(elector: Make, server: FakeApiServer) -> None:
    one = elector()
    until(one.leading, 5.0)
    first = spec_of(server)

    assert leads_throughout(one, server, renewals=20)
    assert spec_of(server)["renewTime"] > first["renewTime"]
    assert spec_of(server)["acquireTime"] == first["acquireTime"]
    assert spec_of(server)["leaseTransitions"] == 0


def test_of_many_candidates_one_leads(elector: Make, server: FakeApiServer) -> None:
    candidates = [elector(f"c{number}") for number in range(5)]
    until(lambda: any(one.leading() for one in candidates))
    crowds = set[int]()
    while server.count("replace") < 10:
        crowds.add(sum(one.leading() for one in candidates))
        time.sleep(0.001)

    assert crowds == {1}


def test_a_lease_given_up_is_taken_long_before_it_would_have_run_out(
    elector: Make, server: FakeApiServer
) -> None:
    slow = Timing(duration=60.0, renew_deadline=40.0, retry=0.05, poll=0.05)
    first = elector("first", timing=slow)
    until(first.leading, 5.0)
    second = elector("second", timing=slow)
    first.stop()

    assert not first.leading()
    until(second.leading, 5.0)
    assert spec_of(server)["leaseTransitions"] == 1


def test_a_stopped_leader_leaves_the_lease_to_nobody(elector: Make, server: FakeApiServer) -> None:
    one = elector()
    until(one.leading, 5.0)
    one.stop()

    assert (spec_of(server)["holderIdentity"], spec_of(server)["leaseDurationSeconds"]) == ("", 1)


def test_the_end_of_a_lease_wakes_a_candidate_that_looks_seldom(
    elector: Make, server: FakeApiServer
) -> None:
    held_by_other(server)
    one = elector(timing=Timing(duration=1.0, renew_deadline=0.6, retry=0.05, poll=60.0))

    until(one.leading, 10.0)


def test_the_same_identity_takes_its_lease_again_at_once(
    elector: Make, server: FakeApiServer
) -> None:
    held_by_other(server, seconds=60.0)

    until(elector("other").leading, 5.0)
    assert spec_of(server)["leaseTransitions"] == 1


def test_behind_a_frozen_server_a_leader_stops_before_another_may_take_the_lease(
    elector: Make, server: FakeApiServer
) -> None:
    one = elector()
    until(one.leading, 5.0)
    server.freeze()
    frozen = time.monotonic()
    until(lambda: not one.leading())
    stopped = time.monotonic()

    assert stopped - frozen < QUICK.duration
    looks = server.count("get")
    until(lambda: server.count("get") > looks)
    assert not one.leading()
    server.thawed.set()
    until(one.leading, 5.0)


def test_a_renewal_that_hangs_is_given_up_before_leading_ends(
    elector: Make, server: FakeApiServer
) -> None:
    one = elector()
    until(one.leading, 5.0)
    server.freeze()
    renewals = server.count("replace")
    until(lambda: server.count("replace") >= renewals + 2)
    looks = server.count("get")

    until(lambda: server.count("get") > looks, 5.0)
    assert not one.leading()


def test_leading_ends_by_the_clock_even_if_the_elector_is_stuck(elector: Make) -> None:
    stuck, free = threading.Event(), threading.Event()
    one = elector(may_lead=lambda: not stuck.is_set() or free.wait(10.0))
    until(one.leading, 5.0)
    stuck.set()

    until(lambda: not one.leading(), 3.0)
    free.set()


def test_a_server_that_is_away_ends_leading_in_time_and_not_the_elector(
    elector: Make, server: FakeApiServer, logged: Lines
) -> None:
    changes: list[bool] = []
    one = elector(changed=changes.append)
    until(one.leading, 5.0)
    server.stop()
    until(lambda: not one.leading())
    until(lambda: changes == [True, False])
    server.start()

    until(one.leading, 5.0)
    until(lambda: changes == [True, False, True])
    assert [line["event"] for line in logged] == ["API server lost", "API server back"]


@pytest.mark.parametrize("fault", [Fault(500), Fault(503), Fault(429), Fault(403)])
def test_errors_shorter_than_the_deadline_do_not_end_leading(
    elector: Make, server: FakeApiServer, fault: Fault
) -> None:
    one = elector()
    until(one.leading, 5.0)
    server.fail("replace", fault, times=3)

    assert leads_throughout(one, server, renewals=8)


def test_a_change_by_a_third_hand_is_a_conflict_that_the_leader_gets_over(
    elector: Make, server: FakeApiServer
) -> None:
    one = elector()
    until(one.leading, 5.0)
    server.objects.patch(PATH, {"metadata": {"labels": {"seen": "yes"}}})

    assert leads_throughout(one, server, renewals=8)
    assert server.objects.get(PATH)["metadata"]["labels"] == {"seen": "yes"}


def test_a_leader_whose_lease_another_took_stops(elector: Make, server: FakeApiServer) -> None:
    one = elector()
    until(one.leading, 5.0)
    server.objects.patch(PATH, {"spec": {"holderIdentity": "thief", "leaseDurationSeconds": 60}})

    until(lambda: not one.leading(), 3.0)
    assert spec_of(server)["holderIdentity"] == "thief"


def test_a_deleted_lease_is_made_again_by_its_holder(
    elector: Make, server: FakeApiServer, logged: Lines
) -> None:
    one = elector()
    until(one.leading, 5.0)
    server.objects.delete(PATH)

    until(lambda: PATH in server.objects.by_path)
    assert leads_throughout(one, server, renewals=3)
    assert logged == []


def test_who_may_not_lead_gives_the_lease_up_and_comes_back_when_it_may(
    elector: Make, server: FakeApiServer
) -> None:
    well = threading.Event()
    well.set()
    one = elector(may_lead=well.is_set)
    until(one.leading, 5.0)
    well.clear()
    until(lambda: spec_of(server)["holderIdentity"] == "")
    assert not one.leading()
    well.set()

    until(one.leading, 5.0)


def test_stopping_is_prompt_while_a_renewal_hangs(elector: Make, server: FakeApiServer) -> None:
    one = elector(timing=Timing(duration=60.0, renew_deadline=50.0, retry=0.05))
    until(one.leading, 5.0)
    server.freeze()
    renewals = server.count("replace")
    until(lambda: server.count("replace") > renewals)
    one.stop(timeout=4.0)

    assert not one.leading()
    assert not [thread for thread in threading.enumerate() if thread.name == "elector"]


def test_a_check_that_fails_does_not_end_the_elector(elector: Make, logged: Lines) -> None:
    failures = [RuntimeError("once")]

    def may_lead() -> bool:
        if failures:
            raise failures.pop()
        return True

    until(elector(may_lead=may_lead).leading, 5.0)
    assert [line["event"] for line in logged] == ["unexpected error"]


def test_a_lease_without_room_for_annotations_is_renewed_without(
    elector: Make, server: FakeApiServer
) -> None:
    one = elector(describe=lambda: {"ours": "long"})
    until(one.leading, 5.0)

    server.fail("replace", Fault(422, "Invalid"))

    until(lambda: not server.objects.get(PATH)["metadata"].get("annotations"), 5.0)
    assert leads_throughout(one, server, renewals=20)


def test_a_lease_whose_terms_are_used_up_is_taken_and_kept(
    elector: Make, server: FakeApiServer
) -> None:
    made = lease_spec.created("l", "n", "", 1.0, 2**31 - 1)
    server.objects.create(LEASES.path("n"), made)

    one = elector()

    until(one.leading, 5.0)
    assert leads_throughout(one, server, renewals=10)
    assert spec_of(server)["leaseTransitions"] == 0
