"""The provisioner as a whole: that its parts are joined, and how it ends."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from holdfast.claims.decide import Provisioner
from holdfast.controller import program as module
from holdfast.controller.cluster import Cluster
from holdfast.controller.program import STALE, Program
from holdfast.controller.requeue import LeadershipLost
from holdfast.controller.settings import Settings
from holdfast.controller.watchdog import LOST
from holdfast.exports.errors import Failed
from holdfast.exports.export import Export
from holdfast.exports.interface import ExportInfo, Takeover
from holdfast.kube.resources import CLAIMS, CLASSES, LEASES, NAMESPACES, PODS, VOLUMES, Json
from tests.fake.apiserver import FakeApiServer
from tests.fake.kubeconfig import kubeconfig
from tests.support import eventually
from tests.unit.controller.given import (
    ADDRESS,
    ANOTHER_ID,
    BY_CLAIM,
    ID,
    NAME,
    a_claim,
    a_class,
    a_volume,
    ref,
)

LEASE = LEASES.path("storage", "example.com-nfs")


@pytest.fixture
def settings(
    server: FakeApiServer, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    monkeypatch.setenv("POD_NAME", "holdfast-0")
    monkeypatch.setenv("POD_NAMESPACE", "storage")
    monkeypatch.setattr(module, "_PULSE", 0.01)
    return Settings(
        provisioner=Provisioner(NAME),
        address=ADDRESS,
        root=root,
        kubeconfig=kubeconfig(server, tmp_path),
        http_host="127.0.0.1",
        http_port=0,
        workers=2,
    )


@pytest.fixture
def program(settings: Settings) -> Iterator[Program]:
    """One that has not been started."""
    made = Program(settings)
    yield made
    made._directories.close()
    made.health._server.server_close()


class Running:
    """A program in a thread, with a class and the namespace that names the cluster."""

    def __init__(self, program: Program, server: FakeApiServer) -> None:
        self.program, self.server = program, server
        self.code: list[int] = []
        server.objects.create(NAMESPACES.path(), {"metadata": {"name": "kube-system"}})
        server.objects.create(CLASSES.path(), a_class({"pathPattern": BY_CLAIM}))
        self.thread = threading.Thread(target=lambda: self.code.append(program.run()))

    def metric(self, name: str) -> float | None:
        return self.program._metrics.registry.get_sample_value(name)

    def held(self, path: str) -> Json | None:
        return self.server.objects.by_path.get(path)

    def end(self) -> None:
        self.program.stop()
        self.thread.join(40)


class Part:
    """A part whose work lasts until it is asked to stop."""

    def __init__(self, patch: pytest.MonkeyPatch, worker: object, work: str, part: Any) -> None:
        self.working, self.may_end = threading.Event(), threading.Event()
        self.given = 0.0  # seconds to end in
        self._stop = part.stop
        patch.setattr(worker, work, self._work)
        patch.setattr(part, "stop", self._asked)

    def _work(self, *_: object) -> None:
        self.working.set()
        self.may_end.wait(50)

    def _asked(self, seconds: float) -> None:
        self.given = seconds
        self.may_end.set()
        self._stop(seconds)


@pytest.fixture
def running(program: Program, server: FakeApiServer) -> Iterator[Running]:
    made = Running(program, server)
    with structlog.testing.capture_logs():
        made.thread.start()
        yield made
        made.end()
    assert not made.thread.is_alive()


class TestRunning:
    def test_a_claim_gets_a_volume_and_its_end_a_trash_that_is_emptied(
        self, running: Running, root: Path
    ) -> None:
        running.server.objects.create(CLAIMS.path("team"), a_claim(ref()))
        path = VOLUMES.path(name="pvc-1")
        eventually(lambda: running.held(path))
        assert (root / "team" / "data").is_dir()

        running.server.objects.patch(path, {"status": {"phase": "Released"}})

        eventually(lambda: running.held(path) is None)
        eventually(lambda: not list((root / ".holdfast" / "trashed").iterdir()))
        assert not (root / "team").exists()

    def test_it_is_ready_and_alive_and_shows_so(self, running: Running) -> None:
        eventually(lambda: not running.program._not_ready())
        eventually(lambda: not running.program._not_live())  # the last thread may start later

        eventually(lambda: running.metric("holdfast_leader") == 1)
        assert running.metric("holdfast_export_up") == 1
        assert running.metric("holdfast_api_up") == 1
        assert running.metric("holdfast_claims_queue_depth") == 0
        assert running.metric("holdfast_volumes_queue_depth") == 0

    def test_it_ends_its_work_first_and_gives_the_lease_up_then(self, running: Running) -> None:
        eventually(running.program._gate.is_open)

        running.end()

        assert running.code == [0]
        lease = running.held(LEASE)
        assert lease is not None
        assert lease["spec"]["holderIdentity"] == ""
        assert {thread.name for thread in threading.enumerate()}.isdisjoint(
            {
                "leader-tasks",
                "trash",
                "watchdog",
                "elector",
                "events",
                "claims-0",
                "volumes-1",
                "export-probe",
            }
            | {f"reflector-{kind.plural}" for kind in (CLAIMS, CLASSES, VOLUMES)}
            | {"API server-probe"}
        )
        assert running.program._not_live() != []
        assert len(running.program._api._pools.pools) == 0  # no connection is left

    def test_the_work_in_hand_ends_before_the_lease_is_given_up(
        self, running: Running, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        program = running.program
        eventually(program._gate.is_open)
        workers = program._workers[0]
        parts = [
            Part(monkeypatch, program._claims, "_serve", workers),
            Part(monkeypatch, program._leader_tasks, "_turn", program._leader_tasks),
            Part(monkeypatch, program._trash, "_turn", program._trash),
        ]
        running.server.objects.create(CLAIMS.path("team"), a_claim(ref()))
        program._trash.look()
        for part in parts:
            eventually(part.working.is_set)
        alive: list[threading.Thread] = []
        give_up = program._leadership.stop

        def stop() -> None:
            threads = [*workers.threads, program._leader_tasks.thread, program._trash.thread]
            alive.extend(thread for thread in threads if thread.is_alive())
            give_up()

        monkeypatch.setattr(program._leadership, "stop", stop)
        running.end()
        for part in parts:
            part.may_end.set()

        assert alive == []
        assert all(0 < part.given <= 5 for part in parts)

    def test_what_it_works_on_is_told_to_the_events(self, running: Running) -> None:
        eventually(running.program._gate.is_open)
        running.server.objects.create(CLAIMS.path("team"), a_claim(ref(), storageClassName="none"))

        path = "/api/v1/namespaces/team/events"
        eventually(lambda: [one for one in list(running.server.objects.by_path) if path in one])


def test_a_wrong_export_is_told_on_the_pod_and_makes_it_not_ready(
    program: Program, server: FakeApiServer, root: Path
) -> None:
    """Rule 9; what is mounted is left as it is."""
    server.objects.create(VOLUMES.path(), a_volume(ref(), export_id=ANOTHER_ID))
    running = Running(program, server)
    with structlog.testing.capture_logs():
        running.thread.start()
        eventually(lambda: any("is mounted here" in one for one in program._not_ready()))
        running.end()

    assert running.metric("holdfast_wrong_export") == 1
    [event] = [one for path, one in server.objects.by_path.items() if "/events/" in path]
    assert event["reason"] == "WrongExport"
    assert event["involvedObject"]["name"] == "holdfast-0"
    assert list(root.iterdir()) == []


def test_volumes_that_name_another_server_are_told_on_the_pod_and_counted(
    program: Program, server: FakeApiServer, root: Path
) -> None:
    Export(root).initialise(ID)
    server.objects.create(VOLUMES.path(), a_volume(ref(), server="old", finalizers=()))
    running = Running(program, server)
    with structlog.testing.capture_logs():
        running.thread.start()
        eventually(program._gate.is_open)
        assert running.metric("holdfast_volumes_elsewhere") == 1
        running.end()

    [event] = [one for path, one in server.objects.by_path.items() if "/events/" in path]
    assert event["reason"] == "VolumesElsewhere"
    assert event["involvedObject"]["name"] == "holdfast-0"
    assert "names its server as old: add it to HOLDFAST_NFS" in event["message"]


class TestTermNotBegun:
    """A leader that cannot begin a term serves nobody."""

    @pytest.fixture
    def full(
        self, program: Program, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
    ) -> Running:
        def begin(*_: object) -> Takeover:
            raise Failed("cannot begin a term: No space left on device")

        monkeypatch.setattr(program._directories._exports, "begin", begin)
        started: Running = request.getfixturevalue("running")
        return started

    def test_it_is_told_by_readiness_a_gauge_and_an_event(self, full: Running) -> None:
        said = "cannot begin a term: No space left on device"
        eventually(lambda: full.program._not_ready() == [said])
        assert full.metric("holdfast_term_begun") == 0
        events = "/api/v1/namespaces/storage/events"
        event = eventually(
            lambda: next(
                (one for path, one in full.server.objects.by_path.items() if events in path), None
            )
        )

        assert (event["reason"], event["message"]) == ("TermNotBegun", said)
        assert event["involvedObject"]["name"] == "holdfast-0"

    def test_the_lease_is_given_up_after_some_tries(
        self, full: Running, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(full.program._leader_tasks._backoff, "next", lambda: 0.0)
        eventually(lambda: not full.program._failures.may_lead())

        eventually(lambda: (full.held(LEASE) or {"spec": {}})["spec"]["holderIdentity"] == "")

        assert full.program._not_ready() != []

    def test_once_it_has_begun_it_says_so(self, running: Running) -> None:
        eventually(running.program._gate.is_open)

        assert running.metric("holdfast_term_begun") == 1
        assert running.program._not_ready() == []


class TestBeforeItRuns:
    def test_it_is_not_ready_and_says_why(self, program: Program) -> None:
        assert program._not_ready() == [
            "API server: not tried yet",
            "export: not tried yet",
            "the claims, classes and volumes have not been read yet",
        ]

    def test_without_a_pulse_it_counts_as_dead(
        self, program: Program, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(program, "_beat", program._beat - 16)

        assert "the main thread hangs" in program._not_live()

    def test_each_thread_that_has_ended_is_named(self, program: Program) -> None:
        names = ["claims-0", "claims-1", "volumes-0", "volumes-1"]
        names += ["leader-tasks", "trash", "watchdog"]
        names += ["API server-probe", "export-probe"]

        assert program._not_live() == [f"thread {name} has ended" for name in names]

    def test_nothing_may_be_changed_without_the_lease(self, program: Program) -> None:
        with pytest.raises(LeadershipLost):
            program._refuse_unless_leading()
        with pytest.raises(LeadershipLost):
            program._directories.begin(lambda exports: exports.initialise(ANOTHER_ID))
        with pytest.raises(LeadershipLost):
            program._directories.change("create", lambda *_: None)

    def test_the_lease_is_not_sought_before_the_export_answers(self, program: Program) -> None:
        elector = program._leadership
        assert not elector._may_lead()  # type: ignore[attr-defined]

        program._export_circuit._close()

        assert elector._may_lead()  # type: ignore[attr-defined]
        assert elector._busy == program._directories.is_busy  # type: ignore[attr-defined]

    def test_a_sign_of_trouble_has_the_export_probed(self, program: Program) -> None:
        program._directories.trouble()

        assert program._export_circuit._wake.is_set()

    @pytest.mark.parametrize(
        ("export_id", "synced", "tried"), [("", False, 0), ("", True, 1), (ANOTHER_ID, False, 1)]
    )
    def test_nothing_is_written_before_it_is_known_which_export_it_is(
        self,
        program: Program,
        monkeypatch: pytest.MonkeyPatch,
        export_id: str,
        *,
        synced: bool,
        tried: int,
    ) -> None:
        probes: list[Export] = []

        def probe(export: Export) -> ExportInfo:
            probes.append(export)
            return ExportInfo(ANOTHER_ID, 2)

        monkeypatch.setattr(Export, "inspect", lambda _: ExportInfo(ANOTHER_ID, 2))
        monkeypatch.setattr(Export, "probe", probe)
        monkeypatch.setattr(Cluster, "synced", synced)
        program._identity.export_id = export_id

        program._directories.probe()

        assert len(probes) == tried

    def test_the_trash_of_a_volume_that_exists_is_kept(self, program: Program) -> None:
        made = a_volume(ref())
        made["metadata"] |= {"uid": "uid", "resourceVersion": "1"}
        program._cluster.learn(made)

        assert not program._is_gone("pvc-1")
        assert program._is_gone("pvc-2")

    def test_volumes_of_others_do_not_say_which_export_this_is(self, program: Program) -> None:
        for name, by in (("pvc-1", NAME), ("pvc-2", "")):
            made = a_volume(ref(), name=name)
            made["metadata"] |= {"uid": name, "resourceVersion": "1"}
            made["metadata"]["annotations"]["pv.kubernetes.io/provisioned-by"] = by
            program._cluster.learn(made)

        assert [volume.name for volume in program._own_volumes()] == ["pvc-1"]


class TestLost:
    """The watchdog's thread is there until the process is about to exit, whatever else hangs."""

    @pytest.fixture
    def exited(
        self, running: Running, monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[threading.Event]:
        """Set by the exit; the leader has begun its term, and a call of it hangs from now on."""
        eventually(running.program._gate.is_open)
        exited, codes = threading.Event(), list[int]()

        def exit_(code: int) -> None:
            codes.append(code)
            exited.set()

        monkeypatch.setattr(os, "_exit", exit_)
        running.program._directories._outstanding.add(1)
        yield exited
        running.program._directories._outstanding.add(-1)
        assert set(codes) <= {LOST}

    @pytest.mark.parametrize(
        "hangs", ["_leadership", "_broadcaster", "_api_circuit", "_export_circuit", "_directories"]
    )
    def test_nothing_that_ends_slowly_holds_it_up(
        self,
        running: Running,
        exited: threading.Event,
        hangs: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        part = getattr(running.program, hangs)
        end = "close" if hangs == "_directories" else "stop"
        stop = getattr(part, end)

        def slow() -> None:
            stop()
            assert exited.wait(30)

        monkeypatch.setattr(part, end, slow)

        running.end()

        assert exited.is_set()

    def test_deleting_its_own_pod_does_not_hold_it_up(
        self, running: Running, exited: threading.Event, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        program = running.program
        monkeypatch.setattr(module, "delete_own_pod", lambda _: exited.wait(30))
        monkeypatch.setattr(program._leadership, "leading", lambda: False)
        monkeypatch.setattr(program._watchdog, "_leading", lambda: False)
        monkeypatch.setattr(type(program._directories), "is_stale", property(lambda _: True))

        running.thread.join(40)

        assert exited.is_set()


class TestStale:
    def test_a_stale_mount_deletes_its_own_pod_and_ends(
        self, program: Program, server: FakeApiServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("holdfast-0", "holdfast-1"):
            server.objects.create(PODS.path("storage"), {"metadata": {"name": name}})
        monkeypatch.setattr(type(program._directories), "is_stale", property(lambda _: True))

        with structlog.testing.capture_logs():
            assert program._wait() == STALE

        assert [path.rpartition("/")[2] for path in server.objects.by_path] == ["holdfast-1"]

    def test_the_exit_code_is_what_the_documentation_says(self) -> None:
        assert STALE == 3


def test_who_waits_is_alive(program: Program) -> None:
    program._beat = 0.0
    waiting = threading.Thread(target=program._wait)
    waiting.start()

    eventually(lambda: program._beat > 0)

    program.stop()
    waiting.join()
