"""What is read from a lease and written into it."""

from __future__ import annotations

import re

import pytest

from holdfast.kube import lease_spec
from holdfast.kube.lease_spec import ObservedLease, Timing
from holdfast.kube.resources import Json

MICRO_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


def held(holder: str, **spec: object) -> Json:
    return {"metadata": {"resourceVersion": "5"}, "spec": {"holderIdentity": holder, **spec}}


def test_a_fresh_lease_names_its_holder_and_both_times_in_micro_time() -> None:
    lease = lease_spec.created("l", "n", "me", 14.2)

    assert lease["metadata"] == {"name": "l", "namespace": "n"}
    assert lease["spec"]["holderIdentity"] == "me"
    assert lease["spec"]["leaseDurationSeconds"] == 15
    assert lease["spec"]["leaseTransitions"] == 0
    assert MICRO_TIME.fullmatch(lease["spec"]["acquireTime"])
    assert MICRO_TIME.fullmatch(lease["spec"]["renewTime"])


def test_a_renewal_keeps_when_it_was_acquired_and_what_others_wrote() -> None:
    old = held("me", acquireTime="then", renewTime="then", leaseTransitions=3, strategy="x")

    lease = lease_spec.held(old, "me", 15.0, term=3)

    assert (lease["spec"]["acquireTime"], lease["spec"]["leaseTransitions"]) == ("then", 3)
    assert lease["spec"]["renewTime"] != "then"
    assert (lease["spec"]["strategy"], lease["metadata"]) == ("x", old["metadata"])


def test_taking_from_another_is_a_transition_at_a_new_time() -> None:
    lease = lease_spec.held(held("other", acquireTime="then", leaseTransitions=3), "me", 15.0, 4)

    assert lease["spec"]["leaseTransitions"] == 4
    assert lease["spec"]["acquireTime"] != "then"


def test_a_released_lease_is_nobodys_for_a_second() -> None:
    spec = lease_spec.released(held("me", leaseTransitions=3))["spec"]

    assert (spec["holderIdentity"], spec["leaseDurationSeconds"]) == ("", 1)
    assert spec["leaseTransitions"] == 3


@pytest.mark.parametrize("holder", ["", "me"])
def test_a_lease_of_nobody_or_our_own_is_free_at_once(holder: str) -> None:
    observed = ObservedLease()
    observed.observe(held(holder, leaseDurationSeconds=100))

    assert observed.free_in("me", 15.0) == 0.0


def test_anothers_lease_runs_from_when_we_saw_it_change_whatever_its_times_say() -> None:
    observed = ObservedLease()
    observed.observe(
        held("other", leaseDurationSeconds=100, renewTime="1970-01-01T00:00:00.000000Z")
    )

    assert 99.0 < observed.free_in("me", 15.0) <= 100.0


@pytest.mark.parametrize("holder", ["", "other"])
def test_a_free_lease_is_left_to_others_for_the_handicap(
    holder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr("holdfast.kube.clock.boottime", lambda: now[0])
    observed = ObservedLease()
    observed.observe(held(holder, leaseDurationSeconds=10))
    now[0] += 10.0 if holder else 0.0

    assert observed.free_in("me", 15.0, acquire_delay=2.0) == 2.0
    now[0] += 1.5
    assert observed.free_in("me", 15.0, acquire_delay=2.0) == 0.5


def test_one_that_was_never_there_counts_as_free_since_it_was_looked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [1000.0]
    monkeypatch.setattr("holdfast.kube.clock.boottime", lambda: now[0])
    observed = ObservedLease()
    for _ in range(2):
        observed.observe_none()
        now[0] += 1.0

    assert observed.free_in("me", 15.0, acquire_delay=2.5) == 0.5


def test_anothers_that_is_deleted_runs_as_long_as_one_renewed_when_that_was_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [1000.0]
    monkeypatch.setattr("holdfast.kube.clock.boottime", lambda: now[0])
    observed = ObservedLease()
    observed.observe(held("other", leaseDurationSeconds=10))
    for left in (10.0, 9.0, 8.0):
        now[0] += 1.0
        observed.observe_none()
        assert observed.free_in("me", 15.0) == left

    observed.observe(held("other", leaseDurationSeconds=10))
    assert observed.free_in("me", 15.0) == 10.0


def test_our_own_that_is_deleted_is_free_at_once() -> None:
    observed = ObservedLease()
    observed.observe(held("me", leaseDurationSeconds=10))
    observed.observe_none()

    assert observed.free_in("me", 15.0, acquire_delay=2.0) == 0.0


def test_our_own_needs_no_handicap() -> None:
    observed = ObservedLease()
    observed.observe(held("me"))

    assert observed.free_in("me", 15.0, acquire_delay=2.0) == 0.0


def test_a_lease_that_names_no_duration_runs_as_long_as_ours() -> None:
    observed = ObservedLease()
    observed.observe(held("other"))

    assert 14.0 < observed.free_in("me", 15.0) <= 15.0


def test_seeing_the_same_again_does_not_prolong_it(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("holdfast.kube.clock.boottime", lambda: now[0])
    observed = ObservedLease()
    observed.observe(held("other", leaseDurationSeconds=15, renewTime="a"))
    now[0] += 10.0
    observed.observe(held("other", leaseDurationSeconds=15, renewTime="a"))
    assert observed.free_in("me", 15.0) == 5.0

    observed.observe(held("other", leaseDurationSeconds=15, renewTime="b"))
    assert observed.free_in("me", 15.0) == 15.0


def test_the_times_are_those_of_client_go_unless_said_otherwise() -> None:
    assert Timing() == Timing(duration=15.0, renew_deadline=10.0, retry=2.0, poll=1.0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"duration": 10.0},
        {"renew_deadline": 1.0},
        {"renew_deadline": 2.0},
        {"retry": 0.0},
        {"poll": 0.0},
    ],
)
def test_times_that_would_allow_two_leaders_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must be longer than its renew deadline"):
        Timing(**wrong)


def test_a_longer_lease_than_ten_of_ours_is_somebodys_edit() -> None:
    observed = ObservedLease()
    observed.observe(held("gone", leaseDurationSeconds=2**31 - 1))
    assert 149.0 < observed.free_in("me", 15.0) <= 150.0

    observed.observe_none()

    assert 14.0 < observed.free_in("me", 15.0) <= 15.0


def test_after_the_last_term_comes_the_first() -> None:
    """The API server takes no higher number, nor does deleting the lease lower what was seen."""
    observed = ObservedLease()
    observed.observe(held("other", leaseTransitions=2**31 - 2))
    assert observed.next_term() == 2**31 - 1

    observed.observe(held("other", leaseTransitions=2**31 - 1))
    observed.observe_none()
    assert observed.next_term() == 0

    observed.observe(held("me", leaseTransitions=0))
    assert observed.next_term() == 1
