"""A term begins in this order, and nothing is touched on the wrong export (design, rules 4, 9)."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.controller import leader_tasks as module
from holdfast.controller.circuit_breaker import CircuitBreaker
from holdfast.controller.empty_trash import Trash
from holdfast.controller.leader_tasks import LeaderTasks
from holdfast.controller.lease_balancer import LeaseBalancer
from holdfast.controller.permissions import Permissions
from holdfast.controller.process_context import ProcessContext
from holdfast.controller.requeue import LeadershipLost
from holdfast.controller.takeover_failures import TakeoverFailures
from holdfast.exports.errors import ExportUnavailable, Failed, Fenced, WrongExport
from holdfast.exports.interface import ExportInfo, Grant, Leader, MovedBack, Takeover, Term
from holdfast.kube import errors as kube
from holdfast.kube.errors import KubeError
from tests.fake.apiserver import Fault
from tests.logged import captured_logs
from tests.support import eventually
from tests.unit.controller.given import ANOTHER_ID, ID, a_volume, directory_spec, ref
from tests.unit.controller.site import LEADER, Site, before, failing, once


class Bench:
    """A leader's tasks, whose turns are called by the test, on a clock that the test holds."""

    def __init__(self, site: Site) -> None:
        self.site = site
        site.gate.close()
        site.identity.export_id = site.identity.cluster = ""
        site.server.objects.create("/api/v1/namespaces", {"metadata": {"name": "kube-system"}})
        self.cluster_uid = site.server.objects.get("/api/v1/namespaces/kube-system")["metadata"][
            "uid"
        ]
        for reflector in site.caches.reflectors:
            reflector.synced.set()
        site.view._is_complete.set()
        self.circuit = CircuitBreaker("export", lambda: None, (OSError,))
        self.api_circuit = CircuitBreaker("API server", lambda: None, (OSError,))
        self.circuit._close()
        self.api_circuit._close()
        self.now = 1000.0
        self.rests: list[float] = []
        self.trash = Trash(
            site.export_client,
            site.gate,
            is_gone=lambda _: True,
            exists=lambda _: False,
            check=lambda _: None,
            api=self.api_circuit,
            export=self.circuit,
            events=site.context.events,
            metrics=site.export_metrics,
            stop=site.stop,
        )
        self.told: list[str] = []
        self.failures = TakeoverFailures(self.told.append)
        self.leader_tasks = LeaderTasks(
            self._shared(),
            export_client=site.export_client,
            identity=site.identity,
            export_circuit=self.circuit,
            gate=site.gate,
            failures=self.failures,
            lease=LEADER.lease,
            former_leases=("old-nfs",),
            takes_over={"gone"},
            claims=site.claims_controller,
            volumes=site.volumes_controller,
            misplaced=site.misplaced,
            trash=self.trash,
            view=site.view,
            stop=site.stop,
        )

    def _shared(self) -> ProcessContext:
        site = self.site
        return ProcessContext(
            api=site.api,
            api_circuit=self.api_circuit,
            caches=site.caches,
            permissions=Permissions(tuple, self.told.append, lambda: None, finalizer=True),
            events=site.context.events,
            metrics=site.metrics,
            spread=LeaseBalancer("one"),
        )

    def turn(self) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("holdfast.controller.leader_tasks.time.monotonic", lambda: self.now)
            patch.setattr(self.site.stop, "wait", self.rests.append)
            self.leader_tasks._turn()

    def swap(self, export_id: str = "") -> None:
        """Mounts an empty export, or another one."""
        shutil.rmtree(self.site.root)
        self.site.root.mkdir()
        if export_id:
            self.site.export.initialise(export_id)

    def kept(self) -> list[Path]:
        return sorted((self.site.root / ".holdfast").rglob("*"))


@pytest.fixture
def bench(site: Site) -> Iterator[Bench]:
    made = Bench(site)
    yield made
    site.root.mkdir(exist_ok=True)


class TestTakeover:
    def test_a_term_begins_and_the_gate_opens(self, bench: Bench) -> None:
        bench.turn()

        assert bench.site.gate.term == Term(
            Leader(bench.cluster_uid, LEADER.lease, ("old-nfs",), ("gone",)), 1, ID
        )
        assert bench.site.gate.is_open()
        assert bench.site.identity.export_id == ID
        assert bench.site.identity.cluster == bench.cluster_uid
        assert bench.trash._news.is_set()

    def test_volumes_that_name_the_server_otherwise_are_told_of(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        told: list[str] = []
        monkeypatch.setattr(bench.site.identity, "_tell_of_addresses", told.append)
        bench.site.add_volume(a_volume(ref(), server="old"))

        bench.turn()

        assert bench.site.gate.is_open()
        [said] = told
        assert "names its server as old" in said

    @pytest.mark.parametrize("missing", ["lease", "lists"])
    def test_nothing_is_done_without_the_lease_and_the_lists(
        self, bench: Bench, missing: str
    ) -> None:
        """What volumes there are decides whether this is their export."""
        if missing == "lease":
            bench.site.leads = False
        else:
            bench.site.caches.reflectors[2].synced.clear()
        before(bench.site.export, "inspect", failing(AssertionError()))

        bench.turn()

        assert bench.site.gate.term is None

    def test_the_term_is_over_with_the_lease(self, bench: Bench) -> None:
        bench.turn()
        bench.site.leads = False

        bench.turn()

        assert bench.site.gate.term is None

    def test_what_is_mounted_is_known_before_anything_is_touched(self, bench: Bench) -> None:
        bench.swap(ANOTHER_ID)
        bench.site.add_volume(a_volume(ref()))
        kept = bench.kept()

        with pytest.raises(WrongExport):
            bench.turn()

        assert bench.kept() == kept
        assert bench.site.gate.term is None
        assert bench.site.identity.export_id == ""

    def test_an_empty_export_is_not_taken_for_that_of_volumes(self, bench: Bench) -> None:
        """Issue 12, no 5."""
        bench.swap()
        bench.site.add_volume(a_volume(ref()))

        with pytest.raises(WrongExport):
            bench.turn()

        assert list(bench.site.root.iterdir()) == []

    def test_one_without_the_directories_of_inherited_volumes_is_left_as_it_is(
        self, bench: Bench
    ) -> None:
        """It got an id, and records of volumes that were deleted with their claims."""
        bench.swap()
        bench.site.add_volume(a_volume(ref(), annotated=False))

        with pytest.raises(WrongExport, match="exports accept --allow-empty"):
            bench.turn()
        assert list(bench.site.root.iterdir()) == []

        (bench.site.root / "team/data").mkdir(parents=True)
        bench.turn()
        assert bench.site.gate.is_open()

    def test_an_export_of_nobody_gets_an_id(self, bench: Bench) -> None:
        bench.swap()

        bench.turn()

        export_id = bench.site.export.inspect().id
        assert export_id
        assert bench.site.identity.export_id == export_id
        assert bench.site.gate.is_open()

    def test_an_export_of_version_1_gets_its_id_with_its_volumes_on_it(self, bench: Bench) -> None:
        (bench.site.root / ".holdfast" / "export").unlink()
        (bench.site.root / "team/data").mkdir(parents=True)
        bench.site.add_volume(a_volume(ref(), export_id=""))

        bench.turn()

        assert bench.site.export.inspect() == ExportInfo(bench.site.identity.export_id, 2)
        assert bench.site.queued()[1] == {"pvc-1"}

    def test_no_term_begins_where_another_export_of_the_file_got_the_id(self, bench: Bench) -> None:
        bench.swap()
        refuse = failing(WrongExport("listed twice"))
        bench.site.identity._refuse_second = lambda _: refuse()

        with pytest.raises(WrongExport):
            bench.turn()

        assert bench.site.gate.term is None

    def test_an_id_that_another_replica_gave_it_first_is_taken(self, bench: Bench) -> None:
        bench.swap()
        before(bench.site.export, "initialise", once(lambda: bench.site.export.initialise(ID)))

        bench.turn()

        assert bench.site.identity.export_id == ID

    def test_the_gate_opens_after_what_was_left_has_been_read(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Before anything new is begun."""
        real, seen = bench.site.gate.open, []

        def open_(term: Term) -> None:
            seen.append((bench.site.volumes_controller._moving, bench.site.queued()[0]))
            real(term)

        monkeypatch.setattr(bench.site.gate, "open", open_)
        term = bench.site.export.begin(LEADER).term
        record = bench.site.export.create(Grant(term), directory_spec(ref()))
        left = Takeover(term, (record,), ("pvc-9",))
        monkeypatch.setattr(bench.site.export, "begin", lambda _: left)

        bench.turn()

        assert seen == [({"pvc-9"}, {"team/data"})]

    def test_volumes_without_a_record_are_looked_at(self, bench: Bench) -> None:
        bench.site.add_volume(a_volume(ref()))

        bench.turn()

        assert bench.site.queued()[1] == {"pvc-1"}

    def test_records_that_cannot_be_listed_do_not_keep_the_gate_closed(self, bench: Bench) -> None:
        before(bench.site.export, "recorded", failing(Failed("the disk says no")))

        with captured_logs() as logs:
            bench.turn()

        assert [one["reason"] for one in logs if one["log_level"] == "warning"] == [
            "the disk says no"
        ]
        assert bench.site.gate.is_open()

    def test_what_a_person_has_to_look_at_is_said(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        term = bench.site.export.begin(LEADER).term
        monkeypatch.setattr(
            bench.site.export, "begin", lambda _: Takeover(term, unresolved=("look",))
        )

        with captured_logs() as logs:
            bench.turn()

        assert [one["reason"] for one in logs if one["log_level"] == "warning"] == ["look"]
        assert bench.site.gate.is_open()

    def test_a_cluster_that_may_not_read_its_uid_any_more_changes_nothing(
        self, bench: Bench
    ) -> None:
        """Its terms, and its records, would pass for another cluster's."""
        bench.site.server.fail("get", Fault(403, "Forbidden"))

        with pytest.raises(ExportUnavailable, match="grant `get` on namespace kube-system"):
            bench.turn()

        assert bench.site.gate.term is None

    def test_a_cluster_whose_uid_may_not_be_read_is_unknown(self, bench: Bench) -> None:
        shutil.rmtree(bench.site.root / ".holdfast/terms")
        bench.site.server.fail("get", Fault(403, "Forbidden"))

        bench.turn()

        assert bench.site.identity.cluster == ""
        assert bench.site.gate.is_open()

    def test_one_that_cannot_be_read_now_is_not_unknown(self, bench: Bench) -> None:
        """Its volumes' records would be another cluster's."""
        bench.site.server.fail("get", Fault(503))

        with pytest.raises(KubeError):
            bench.turn()

        assert bench.site.gate.term is None

    def test_beginning_is_outstanding_while_it_lasts(self, bench: Bench) -> None:
        busy: list[bool] = []
        before(bench.site.export, "begin", lambda: busy.append(bench.site.export_client.is_busy()))

        bench.turn()

        assert busy == [True]


class TestBackOff:
    """Two that fence each other, without a lease, do not do so all the time."""

    def fence(self, bench: Bench) -> None:
        bench.site.gate.close()
        bench.rests.clear()
        bench.turn()

    def test_the_first_term_begins_at_once(self, bench: Bench) -> None:
        bench.turn()

        assert bench.rests == [0.25]

    def test_a_term_that_ended_soon_has_the_next_wait_longer_and_longer(self, bench: Bench) -> None:
        bench.turn()
        waits = []
        for _ in range(8):
            bench.now += 59
            self.fence(bench)
            waits.append(bench.rests[0])

        longest = [1, 2, 4, 8, 16, 30, 30, 30]
        assert all(most / 2 <= wait <= most for wait, most in zip(waits, longest, strict=True))

    def test_one_that_lasted_a_minute_was_no_failure(self, bench: Bench) -> None:
        bench.turn()
        bench.now += 1
        self.fence(bench)
        bench.now += 60
        self.fence(bench)
        assert bench.rests == [0.25]

        bench.now += 1
        self.fence(bench)
        assert bench.rests[0] <= 1


class TestFailures:
    """A leader that cannot begin says so, and lets another replica try."""

    def fail(self, bench: Bench, *, after: float = 0.0) -> None:
        bench.now += after
        bench.rests.clear()
        with pytest.raises(Failed):
            bench.turn()

    @pytest.fixture
    def full(self, bench: Bench) -> Bench:
        before(bench.site.export, "begin", failing(Failed("cannot begin a term: no space left")))
        return bench

    def test_the_tries_are_further_and_further_apart_and_then_end(self, full: Bench) -> None:
        waits = []
        for _ in range(4):
            self.fail(full)
            waits += full.rests or [0.0]

        assert all(most / 2 <= wait <= most for wait, most in zip(waits, [0, 1, 2, 4], strict=True))
        full.turn()
        assert full.rests[-1] == 0.25
        assert full.site.gate.term is None

    def test_the_next_leadership_begins_with_a_try_at_once(self, full: Bench) -> None:
        for _ in range(4):
            self.fail(full)
        full.turn()

        self.fail(full, after=20)

        assert full.rests == []

    def test_an_error_of_a_sweep_is_none_of_a_term(self, bench: Bench) -> None:
        bench.turn()
        before(bench.site.export, "sweep", failing(Failed("no")))

        self.fail(bench, after=20)

        assert bench.told == []


class TestSweep:
    """What a late call of an earlier term moved is back within a minute, with an event."""

    def displace(self, bench: Bench) -> None:
        site = bench.site
        grant = site.grant
        site.export.create(grant, directory_spec(ref()))
        site.export.confirm(grant, "pvc-1")
        (site.root / "team" / "data").rename(site.root / ".holdfast" / "trash" / "pvc-1")

    def test_it_is_put_back_with_an_event_and_a_count(self, bench: Bench) -> None:
        bench.site.add_volume(a_volume(ref()))
        bench.turn()
        self.displace(bench)

        bench.now += 20
        bench.turn()

        assert (bench.site.root / "team" / "data").is_dir()
        said = bench.site.only("DirectoryMovedBack")
        assert said.message == (
            "its directory 'team/data' was found at '.holdfast/trash/pvc-1' and moved back"
        )
        assert bench.site.metric("holdfast_directories_moved_back_total") == 1

    def test_one_that_could_not_be_put_back_is_not_said_to_be_back(self, bench: Bench) -> None:
        stranded = MovedBack("pvc-1", "team/data", ".holdfast/trash/pvc-1", "it exists")
        setattr(bench.site.export, "sweep", lambda _: (stranded,))  # noqa: B010 - a method
        bench.turn()
        bench.now += 20

        bench.turn()

        assert bench.site.said("DirectoryMovedBack") == []
        assert bench.site.metric("holdfast_directories_moved_back_total") == 0

    def test_one_that_cannot_be_put_back_is_told_on_its_volume_once_for_each_reason(
        self, bench: Bench
    ) -> None:
        found = MovedBack("pvc-1", "team/data", ".holdfast/trash/pvc-1")
        unknown = MovedBack("pvc-2", "", ".holdfast/trash/pvc-2", "it exists")
        sweeps = iter(
            [
                (dataclasses.replace(found, reason="it exists"), unknown),
                (dataclasses.replace(found, reason="it exists"), unknown),
                (dataclasses.replace(found, reason="it is full"),),
                (found,),
                (dataclasses.replace(found, reason="it is full"),),
            ]
        )
        setattr(bench.site.export, "sweep", lambda _: next(sweeps))  # noqa: B010 - a method
        bench.site.add_volume(a_volume(ref()))
        bench.turn()

        with captured_logs() as lines:
            for _ in range(5):
                bench.now += 20
                bench.turn()

        said = bench.site.said("DirectoryNotMovedBack")
        assert [event.message for event in said] == [
            "its directory is at '.holdfast/trash/pvc-1' and cannot be moved back: it exists",
            "its directory is at '.holdfast/trash/pvc-1' and cannot be moved back: it is full",
            "its directory is at '.holdfast/trash/pvc-1' and cannot be moved back: it is full",
        ]
        assert {(event.kind, event.name) for event in said} == {("PersistentVolume", "pvc-1")}
        logged = [one["volume"] for one in lines if one["event"] == "directory not moved back"]
        assert logged == ["pvc-1", "pvc-2", "pvc-1", "pvc-1"]

    def test_one_whose_volume_is_seen_later_is_told_then(self, bench: Bench) -> None:
        """The reason counted as told, although there was no volume to tell."""
        stranded = MovedBack("pvc-1", "team/data", ".holdfast/trash/pvc-1", "it exists")
        setattr(bench.site.export, "sweep", lambda _: (stranded,))  # noqa: B010 - a method
        bench.turn()
        bench.now += 20
        bench.turn()
        assert bench.site.said("DirectoryNotMovedBack") == []
        bench.site.add_volume(a_volume(ref()))

        for _ in range(2):
            bench.now += 20
            bench.turn()

        assert bench.site.only("DirectoryNotMovedBack").name == "pvc-1"

    def test_it_is_looked_for_every_20_seconds(self, bench: Bench) -> None:
        name = "holdfast_export_operation_duration_seconds_count"
        swept = []
        for seconds in (0, 19, 1, 19, 1):
            bench.now += seconds
            bench.turn()
            swept.append(bench.site.metric(name, operation="sweep"))

        assert swept == [0, 0, 1, 1, 2]


class TestThread:
    """What its thread does with the ends of a turn."""

    @pytest.fixture
    def running(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
        monkeypatch.setattr(module, "_LASTING", -1.0)
        monkeypatch.setattr(bench.leader_tasks._backoff, "next", lambda: 0.01)
        with captured_logs():
            yield bench
            bench.site.stop.set()
            bench.leader_tasks.stop(10)
        assert not bench.leader_tasks.thread.is_alive()

    @pytest.mark.parametrize("error", [Failed("no"), KubeError("no"), RuntimeError("a fault")])
    def test_an_error_does_not_end_it(self, running: Bench, error: Exception) -> None:
        before(running.site.export, "begin", once(failing(error)))

        running.leader_tasks.start()

        eventually(running.site.gate.is_open)
        assert running.circuit.available

    def test_an_export_that_is_away_opens_its_circuit(self, running: Bench) -> None:
        before(running.site.export, "inspect", once(failing(ExportUnavailable("no answer"))))

        running.leader_tasks.start()

        eventually(lambda: not running.circuit.available)
        assert running.circuit.reason == "no answer"

    def test_an_api_server_that_is_away_opens_its_circuit(self, running: Bench) -> None:
        before(running.site.export, "begin", once(failing(kube.ServerUnavailable("no answer"))))

        running.leader_tasks.start()

        eventually(lambda: not running.api_circuit.available)
        assert running.api_circuit.reason == "no answer"
        assert running.circuit.available

    def test_an_error_of_the_api_server_about_one_object_opens_no_circuit(
        self, running: Bench
    ) -> None:
        running.site.server.fail("get", Fault(500, "InternalError"))

        running.leader_tasks.start()

        eventually(running.site.gate.is_open)
        assert running.site.server.count("get") == 2
        assert running.api_circuit.available
        assert running.api_circuit._wake.is_set()

    @pytest.mark.parametrize("error", [Fenced("it has ended"), LeadershipLost()])
    def test_a_term_that_is_over_is_followed_by_the_next(
        self, running: Bench, monkeypatch: pytest.MonkeyPatch, error: Exception
    ) -> None:
        monkeypatch.setattr(module, "_SWEEP", -1.0)
        before(running.site.export, "sweep", once(failing(error)))
        terms: list[object] = []
        before(running.site.export, "begin", lambda: terms.append(None))

        running.leader_tasks.start()

        eventually(lambda: len(terms) == 2 and running.site.gate.is_open())
        assert running.circuit.available
