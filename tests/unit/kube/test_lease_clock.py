"""The elector step by step, under a clock that only the test moves."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from kubernetes.client import Configuration

from holdfast.kube import clock as module
from holdfast.kube import lease_spec
from holdfast.kube.api import Api
from holdfast.kube.lease import LeaderElector, Timing
from holdfast.kube.resources import LEASES, Json
from testbed.waiting import until
from tests.fake.apiserver import NO_ANSWER, FakeApiServer, Verb
from tests.support import Clock

PATH = LEASES.path("n", "l")
TIMING = Timing(duration=15.0, renew_deadline=10.0, retry=2.0, poll=1.0)


@dataclass
class Stage:
    """An elector that steps when the test says so, and all that it asks and hears."""

    server: FakeApiServer
    clock: Clock
    api: Api
    during: dict[str, Callable[[], None]]
    healthy: bool = True
    busy: bool = False  # with work of "me"
    told: list[bool] = field(default_factory=list)
    state: str = ""  # what the holder says of itself

    def elector(self, identity: str = "me") -> LeaderElector:
        return LeaderElector(
            self.api,
            name="l",
            namespace="n",
            identity=identity,
            timing=TIMING,
            may_lead=lambda: self.healthy,
            busy=lambda: self.busy and identity == "me",
            changed=self.told.append,
            describe=lambda: {"state": self.state} if self.state else {},
        )

    def leader(self) -> LeaderElector:
        one = self.elector()
        one._step()
        assert one.leading()
        return one

    def spec(self) -> Json:
        spec: Json = self.server.objects.get(PATH)["spec"]
        return spec

    def annotations(self) -> Json:
        metadata = self.server.objects.get(PATH)["metadata"]
        return dict(metadata.get("annotations") or {})

    def another_takes_it(self, seconds: float = 15.0) -> None:
        lease = self.server.objects.get(PATH)
        term = lease["spec"]["leaseTransitions"] + 1
        self.server.objects.replace(PATH, lease_spec.held(lease, "thief", seconds, term))

    def passes(self, seconds: float) -> None:
        self.clock.now += seconds

    def writes(self) -> list[str]:
        verbs: tuple[Verb, ...] = ("create", "replace")
        return [one.verb for one in self.server.requests if one.verb in verbs]


def remaining(one: LeaderElector) -> float:
    """Seconds of leadership left if it is not renewed; 0.0 where it does not lead."""
    return max(0.0, one._until - module.boottime())


@pytest.fixture
def stage(server: FakeApiServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """`during` acts once, between the server's answer to a verb and the elector's hearing it."""
    clock, during = Clock(), dict[str, Callable[[], None]]()
    monkeypatch.setattr(module, "boottime", clock)
    api = Api(
        Configuration(host=server.url), observe=lambda verb, *_: during.pop(verb, lambda: None)()
    )
    yield Stage(server, clock, api, during)
    assert not during
    api.close()


def test_the_clock_counts_the_time_in_which_the_machine_was_suspended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On a machine that never was, CLOCK_MONOTONIC says the same."""
    clocks = {time.CLOCK_MONOTONIC: 100.0, time.CLOCK_BOOTTIME: 3700.0}
    monkeypatch.setattr(time, "clock_gettime", clocks.__getitem__)

    assert module.boottime() == 3700.0


def test_nobody_leads_before_the_first_answer(stage: Stage) -> None:
    one = stage.elector()

    assert not one.leading()
    assert remaining(one) == 0.0


def test_leading_counts_from_the_begin_of_the_request_that_took_the_lease(stage: Stage) -> None:
    stage.during["create"] = lambda: stage.passes(3.0)

    one = stage.leader()

    assert remaining(one) == 7.0
    stage.passes(7.0)
    assert not one.leading()
    assert remaining(one) == 0.0


def test_leading_counts_from_the_begin_of_a_look_that_was_slow(stage: Stage) -> None:
    stage.during["get"] = lambda: stage.passes(2.0)

    assert remaining(stage.leader()) == 8.0


def test_leading_counts_from_the_begin_of_a_renewal(stage: Stage) -> None:
    one = stage.leader()
    stage.passes(4.0)
    stage.during["replace"] = lambda: stage.passes(2.5)

    assert one._step() == TIMING.retry
    assert remaining(one) == 7.5


def test_a_suspended_leader_does_not_lead_when_it_wakes(stage: Stage) -> None:
    one = stage.leader()
    stage.passes(3600.0)

    assert not one.leading()


def test_a_lease_that_another_took_while_we_slept_is_not_taken_back(stage: Stage) -> None:
    one = stage.leader()
    stage.another_takes_it()
    stage.passes(3600.0)
    one._step()

    assert not one.leading()
    assert stage.spec()["holderIdentity"] == "thief"


def test_a_request_that_left_no_time_to_write_takes_nothing(
    stage: Stage, logged: list[dict[str, object]]
) -> None:
    one = stage.elector()
    stage.during["get"] = lambda: stage.passes(5.0)
    one._step()

    assert not one.leading()
    assert stage.writes() == []
    assert [line["reason"] for line in logged] == [
        "The API server took too long to answer about the lease."
    ]


def test_a_look_just_within_half_of_the_deadline_leaves_time_to_write(stage: Stage) -> None:
    stage.during["get"] = lambda: stage.passes(4.5)

    assert remaining(stage.leader()) == 5.5


def test_anothers_lease_is_taken_when_it_has_run_out_and_not_before(stage: Stage) -> None:
    stage.server.objects.create(LEASES.path("n"), lease_spec.created("l", "n", "other", 15.0))
    one = stage.elector()

    for _ in range(3):
        assert 0.8 <= one._step() <= 1.2
        assert not one.leading()
        stage.passes(4.75)
    assert one._step() == 0.75
    stage.passes(0.75)
    one._step()

    assert one.leading()
    assert stage.spec()["leaseTransitions"] == 1


def test_a_lease_that_is_renewed_is_not_taken_however_old_its_times_look(stage: Stage) -> None:
    """Whether it was renewed says a change that this candidate sees, not the times in it."""
    stage.server.objects.create(LEASES.path("n"), lease_spec.created("l", "n", "other", 15.0))
    one = stage.elector()

    for renewal in range(8):
        one._step()
        assert not one.leading()
        stage.passes(14.0)
        lease = stage.server.objects.get(PATH)
        lease["spec"]["renewTime"] = f"1970-01-01T00:00:0{renewal}.000000Z"
        stage.server.objects.replace(PATH, lease)

    assert stage.spec()["holderIdentity"] == "other"


def test_giving_up_overwrites_no_lease_that_another_has_taken(stage: Stage) -> None:
    one = stage.leader()
    stage.another_takes_it()
    taken = stage.spec()
    stage.healthy = False
    one._step()
    one._step()

    assert not one.leading()
    assert stage.spec() == taken
    assert stage.writes() == ["create"]


def test_giving_up_overwrites_no_lease_that_another_takes_meanwhile(stage: Stage) -> None:
    one = stage.leader()
    stage.during["get"] = stage.another_takes_it
    stage.healthy = False
    one._step()

    assert not one.leading()
    assert stage.spec()["holderIdentity"] == "thief"
    assert stage.writes() == ["create", "replace"]


def test_giving_up_overwrites_no_later_term_of_the_same_identity(stage: Stage) -> None:
    one = stage.leader()
    stage.elector()._step()
    restarted = stage.spec()
    stage.healthy = False
    one._step()

    assert restarted["leaseTransitions"] == 1
    assert stage.spec() == restarted


def test_a_lease_is_given_up_once(stage: Stage) -> None:
    one = stage.leader()
    stage.healthy = False
    one._step()
    one._step()

    assert stage.spec()["holderIdentity"] == ""
    assert (stage.server.count("get"), stage.writes()) == (2, ["create", "replace"])


def test_who_never_wrote_the_lease_asks_nothing_about_it_when_it_may_not_lead(
    stage: Stage,
) -> None:
    stage.healthy = False

    assert 0.8 <= stage.elector()._step() <= 1.2
    assert stage.server.requests == []


def test_a_lease_that_was_deleted_is_not_made_again_to_give_it_up(stage: Stage) -> None:
    one = stage.leader()
    stage.server.objects.delete(PATH)
    stage.healthy = False
    one._step()

    assert PATH not in stage.server.objects.by_path
    assert stage.writes() == ["create"]


def test_a_lease_whose_giving_up_failed_is_given_up_at_the_next_step(
    stage: Stage, server: FakeApiServer
) -> None:
    one = stage.leader()
    server.fail("replace", NO_ANSWER)
    stage.healthy = False
    one._step()
    assert not one.leading()
    assert stage.spec()["holderIdentity"] == "me"

    one._step()
    assert stage.spec()["holderIdentity"] == ""


def test_a_lease_whose_taking_was_not_answered_is_given_up_too(stage: Stage) -> None:
    def lost() -> None:
        raise ConnectionError

    one = stage.elector()
    stage.during["create"] = lost
    one._step()
    assert not one.leading()
    stage.healthy = False
    one._step()

    assert stage.spec()["holderIdentity"] == ""


def test_a_leader_whose_lease_another_took_stops_as_soon_as_it_knows(stage: Stage) -> None:
    one = stage.leader()
    stage.another_takes_it()

    assert one._step() == pytest.approx(TIMING.retry / 10)
    assert not one.leading()
    assert stage.told == [True, False]
    assert stage.spec()["holderIdentity"] == "thief"


def test_a_leader_whose_identity_took_its_lease_elsewhere_stops(stage: Stage) -> None:
    one = stage.leader()
    restarted = stage.elector()
    restarted._step()
    one._step()

    assert not one.leading()
    assert restarted.leading()


def test_a_leader_whose_lease_was_given_up_by_a_third_hand_begins_a_new_term(
    stage: Stage, server: FakeApiServer
) -> None:
    one = stage.leader()
    server.objects.patch(PATH, {"spec": {"holderIdentity": ""}})
    one._step()
    assert not one.leading()
    one._step()

    assert one.leading()
    assert stage.spec()["leaseTransitions"] == 1


def test_a_renewal_answered_after_stop_leads_nobody(stage: Stage) -> None:
    one = stage.leader()
    stage.during["replace"] = one.stop
    one._step()

    assert stage.spec()["holderIdentity"] == "me"
    assert not one.leading()
    assert remaining(one) == 0.0


def test_a_taking_answered_after_stop_leads_nobody(stage: Stage) -> None:
    one = stage.elector()
    stage.during["create"] = one.stop
    one._step()

    assert not one.leading()
    assert stage.told == []


def test_a_renewal_answered_after_leading_ended_does_not_revive_it(stage: Stage) -> None:
    one = stage.leader()
    stage.passes(9.5)
    stage.during["replace"] = lambda: stage.passes(1.0)
    one._step()
    assert not one.leading()
    assert stage.spec()["leaseTransitions"] == 0

    one._step()
    assert one.leading()
    assert stage.spec()["leaseTransitions"] == 1


def test_each_leadership_is_one_term_and_a_renewal_begins_none(stage: Stage) -> None:
    one = stage.leader()
    first = stage.spec()
    for _ in range(3):
        stage.passes(2.0)
        one._step()
    assert (stage.spec()["leaseTransitions"], stage.spec()["acquireTime"]) == (
        0,
        first["acquireTime"],
    )
    stage.passes(10.0)
    one._step()

    assert one.leading()
    assert stage.spec()["leaseTransitions"] == 1
    assert stage.spec()["acquireTime"] > first["acquireTime"]


def test_a_restarted_container_begins_a_new_term(stage: Stage) -> None:
    stage.leader()
    stage.leader()

    assert stage.spec()["leaseTransitions"] == 1


def test_a_lease_given_up_keeps_its_term_and_the_next_leadership_is_the_next(stage: Stage) -> None:
    one = stage.leader()
    stage.healthy = False
    one._step()
    assert stage.spec()["leaseTransitions"] == 0
    stage.healthy = True
    one._step()

    assert stage.spec()["leaseTransitions"] == 1


def test_a_leader_that_finds_its_lease_deleted_makes_it_again_in_its_own_term(
    stage: Stage,
) -> None:
    stage.leader()
    one = stage.leader()
    stage.server.objects.delete(PATH)
    one._step()
    assert one.leading()
    one._step()

    assert one.leading()
    assert stage.spec()["leaseTransitions"] == 1


def test_a_lease_deleted_after_leading_ended_is_made_again_in_a_later_term(stage: Stage) -> None:
    stage.leader()
    one = stage.leader()
    stage.server.objects.delete(PATH)
    stage.passes(60.0)
    one._step()

    assert one.leading()
    assert stage.spec()["leaseTransitions"] == 2


def test_a_deleted_lease_is_not_anothers_while_its_holder_may_lead(stage: Stage) -> None:
    one, other = stage.leader(), stage.elector("other")
    other._step()
    stage.passes(1.0)
    one._step()
    stage.server.objects.delete(PATH)
    other._step()
    assert one.leading()
    assert not other.leading()

    stage.passes(14.0)
    other._step()
    assert not one.leading()
    assert not other.leading()
    stage.passes(1.0)
    other._step()

    assert other.leading()
    assert stage.spec()["leaseTransitions"] == 1


def test_a_lease_that_was_given_up_and_deleted_is_taken_at_once(stage: Stage) -> None:
    one, other = stage.leader(), stage.elector("other")
    stage.healthy = False
    one._step()
    stage.healthy = True
    other._look(1.0)
    stage.server.objects.delete(PATH)
    other._step()

    assert other.leading()


def test_who_may_not_lead_but_is_busy_neither_renews_nor_gives_up(stage: Stage) -> None:
    one = stage.leader()
    stage.healthy, stage.busy = False, True
    stage.passes(4.0)

    assert 0.8 <= one._step() <= 1.2
    assert remaining(one) == 6.0
    stage.passes(6.0)
    one._step()
    assert not one.leading()
    assert stage.told == [True, False]
    assert stage.spec()["holderIdentity"] == "me"
    assert stage.writes() == ["create"]


def test_when_the_work_has_ended_the_lease_is_given_up(stage: Stage) -> None:
    one = stage.leader()
    stage.healthy, stage.busy = False, True
    one._step()
    stage.busy = False
    one._step()

    assert not one.leading()
    assert stage.spec()["holderIdentity"] == ""


def test_work_that_began_while_the_lease_was_being_given_up_keeps_it(stage: Stage) -> None:
    one = stage.leader()
    answers = [False, True]
    one._busy = lambda: answers.pop(0)
    stage.healthy = False
    one._step()

    assert not one.leading()
    assert stage.spec()["holderIdentity"] == "me"


def test_a_candidate_that_only_looks_notices_that_the_server_is_back(
    stage: Stage, server: FakeApiServer, logged: list[dict[str, object]]
) -> None:
    server.objects.create(LEASES.path("n"), lease_spec.created("l", "n", "other", 15.0))
    server.fail("get", NO_ANSWER)
    one = stage.elector()
    one._step()
    one._step()

    assert [(line["event"], line["doing"]) for line in logged] == [
        ("API server lost", "keeping lease n/l"),
        ("API server back", "keeping lease n/l"),
    ]


def test_a_leader_notices_by_its_renewal_that_the_server_is_back(
    stage: Stage, server: FakeApiServer, logged: list[dict[str, object]]
) -> None:
    one = stage.leader()
    server.fail("replace", NO_ANSWER)
    one._step()
    one._step()

    assert [line["event"] for line in logged] == ["API server lost", "API server back"]
    assert server.count("get") == 1


def test_an_unexpected_error_is_logged_and_costs_a_step(
    stage: Stage, logged: list[dict[str, object]]
) -> None:
    one = stage.leader()
    one._may_lead = {}.popitem  # type: ignore[assignment] # whatever goes wrong in a check

    assert 0.8 <= one._step() <= 1.2
    assert one.leading()
    assert [(line["event"], line["doing"]) for line in logged] == [
        ("unexpected error", "leader election")
    ]


def test_who_may_lead_again_in_time_renews_the_term(stage: Stage) -> None:
    one = stage.leader()
    stage.healthy, stage.busy = False, True
    stage.passes(9.0)
    one._step()
    stage.healthy = True
    one._step()

    assert remaining(one) == 10.0
    assert stage.spec()["leaseTransitions"] == 0


def test_who_may_lead_again_too_late_begins_a_new_term(stage: Stage) -> None:
    one = stage.leader()
    stage.healthy, stage.busy = False, True
    stage.passes(12.0)
    one._step()
    stage.healthy, stage.busy = True, False
    one._step()

    assert one.leading()
    assert stage.spec()["leaseTransitions"] == 1


def test_who_lost_its_lease_does_not_lead_again_while_its_work_is_outstanding(
    stage: Stage,
) -> None:
    """A replica that serves other exports goes on, and a call of its former term may hang."""
    one = stage.leader()
    stage.busy = True
    stage.passes(10.0)
    for _ in range(20):
        one._step()
        stage.passes(1.0)
    assert not one.leading()
    assert stage.writes() == ["create"]

    stage.busy = False
    one._step()
    assert one.leading()
    assert stage.spec()["leaseTransitions"] == 1


def test_outstanding_work_does_not_keep_the_holder_from_renewing(stage: Stage) -> None:
    one = stage.leader()
    stage.busy = True
    stage.passes(2.0)
    one._step()

    assert remaining(one) == 10.0


@pytest.mark.parametrize("hindrance", ["not healthy", "busy"])
def test_a_lease_that_this_replica_may_not_take_is_not_free_for_it(
    stage: Stage, hindrance: str
) -> None:
    """Others of its leases would wait for this one to be taken first."""
    one = stage.elector()
    assert one.is_free()
    stage.healthy, stage.busy = hindrance != "not healthy", hindrance == "busy"

    assert not one.is_free()


def test_a_lease_kept_for_outstanding_work_is_anothers_when_it_has_run_out(stage: Stage) -> None:
    one, other = stage.leader(), stage.elector("other")
    stage.busy = True
    one.stop()
    other._step()
    assert not other.leading()
    stage.passes(15.0)
    other._step()

    assert other.leading()
    assert stage.spec()["leaseTransitions"] == 1


def electors() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "elector"]


def test_stopping_while_busy_ends_leading_and_leaves_the_lease_to_run_out(stage: Stage) -> None:
    one = stage.elector()
    one.start()
    until(one.leading, 5.0)
    stage.busy = True
    one.stop(timeout=0.2)

    assert electors() == []
    assert not one.leading()
    assert remaining(one) == 0.0
    assert stage.spec()["holderIdentity"] == "me"


def test_stopping_shares_its_time_between_ending_and_hanging_up(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = stage.elector()
    one.start()
    until(one.leading, 5.0)
    waits: list[float] = []
    with monkeypatch.context() as patched:
        patched.setattr(one._thread, "join", waits.append)
        one.stop(timeout=6.0)
    one._thread.join(5.0)

    assert waits == [3.0, 3.0]


def test_stopping_gives_the_lease_up_when_the_work_has_ended_in_time(stage: Stage) -> None:
    one = stage.elector()
    one.start()
    until(one.leading, 5.0)
    answers = [False, False, True, True]
    one._busy = lambda: bool(answers and answers.pop())
    one.stop(timeout=30.0)

    assert electors() == []
    assert stage.spec()["holderIdentity"] == ""
    assert stage.told == [True, False]


class TestAnnotations:
    """What the holder says of itself; no request is made for them alone while it leads."""

    def test_they_are_written_when_the_lease_is_made_and_with_each_renewal(
        self, stage: Stage
    ) -> None:
        stage.state = "begins"
        one = stage.leader()
        assert stage.annotations() == {"state": "begins"}
        stage.state = "serving"
        one._step()

        assert stage.annotations() == {"state": "serving"}
        assert stage.writes() == ["create", "replace"]

    def test_those_of_others_stay(self, stage: Stage) -> None:
        stage.state = "serving"
        one = stage.leader()
        stage.server.objects.patch(PATH, {"metadata": {"annotations": {"others": "x"}}})
        one._step()
        one._step()

        assert stage.annotations() == {"state": "serving", "others": "x"}

    def test_a_lease_that_is_given_up_says_why(self, stage: Stage) -> None:
        stage.state = "serving"
        one = stage.leader()
        stage.healthy, stage.state = False, "unavailable"
        one._step()

        assert (stage.spec()["holderIdentity"], stage.annotations()) == (
            "",
            {"state": "unavailable"},
        )

    def test_a_lease_that_runs_out_says_why_once_and_is_not_prolonged(self, stage: Stage) -> None:
        stage.state = "serving"
        one = stage.leader()
        spec = stage.spec()
        candidate = stage.elector("other")
        candidate._step()
        stage.healthy, stage.busy, stage.state = False, True, "unavailable"
        stage.passes(4.0)
        for _ in range(3):
            one._step()

        assert (stage.spec(), stage.annotations()) == (spec, {"state": "unavailable"})
        assert stage.writes() == ["create", "replace"]
        assert remaining(one) == 6.0
        stage.healthy = True
        candidate._step()
        stage.passes(11.0)
        candidate._step()
        assert candidate.leading()

    def test_one_that_was_renewed_after_it_had_said_why_says_it_again(self, stage: Stage) -> None:
        stage.state = "serving"
        one = stage.leader()
        stage.healthy, stage.busy, stage.state = False, True, "unavailable"
        one._step()
        stage.healthy, stage.state = True, "serving"
        one._step()
        stage.healthy, stage.state = False, "unavailable again"
        one._step()

        assert stage.annotations() == {"state": "unavailable again"}

    def test_a_lease_that_another_took_is_not_annotated(
        self, stage: Stage, logged: list[dict[str, object]]
    ) -> None:
        stage.state = "serving"
        one = stage.leader()
        stage.another_takes_it()
        taken = stage.server.objects.get(PATH)
        stage.healthy, stage.busy, stage.state = False, True, "unavailable"
        one._step()
        one._step()

        assert stage.server.objects.get(PATH) == taken
        assert not one.leading()
        assert logged == []

    def test_without_any_a_lease_that_runs_out_is_not_written(self, stage: Stage) -> None:
        one = stage.leader()
        stage.healthy, stage.busy = False, True
        one._step()

        assert stage.writes() == ["create"]

    def test_an_error_in_making_them_stops_no_renewal(
        self, stage: Stage, logged: list[dict[str, object]]
    ) -> None:
        one = stage.leader()
        one._annotations._describe = {}.popitem  # type: ignore[assignment] # any error
        stage.passes(4.0)
        for _ in range(3):
            one._step()

        assert remaining(one) == 10.0
        assert [line["doing"] for line in logged] == ["describing the holder of a lease"]
