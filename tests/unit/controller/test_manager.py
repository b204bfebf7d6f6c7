"""The provisioner as a whole: that its parts are joined, and how it ends."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from holdfast.claims.decide import Provisioner
from holdfast.controller import manager as module
from holdfast.controller.export_view import ExportView
from holdfast.controller.manager import STALE, Manager
from holdfast.controller.requeue import LeadershipLost
from holdfast.controller.settings import ExportSettings, Settings
from holdfast.controller.watchdog import LOST
from holdfast.exports.errors import Failed
from holdfast.exports.export import Export
from holdfast.exports.interface import ExportInfo, Takeover
from holdfast.kube.errors import ServerUnavailable
from holdfast.kube.resources import CLAIMS, CLASSES, LEASES, NAMESPACES, PODS, VOLUMES, Json
from tests.fake.apiserver import NO_ANSWER, FakeApiServer
from tests.fake.kubeconfig import kubeconfig
from tests.logged import captured_logs
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
        exports=(ExportSettings(address=ADDRESS, root=root),),
        kubeconfig=kubeconfig(server, tmp_path),
        http_host="127.0.0.1",
        http_port=0,
        workers=2,
    )


@pytest.fixture
def manager(settings: Settings) -> Iterator[Manager]:
    """One that has not been started."""
    made = Manager(settings)
    yield made
    made.exports["default"].export_client.close()
    made.health._server.server_close()


class Running:
    """A manager in a thread, with a class and the namespace that names the cluster."""

    def __init__(self, manager: Manager, server: FakeApiServer) -> None:
        self.manager, self.server = manager, server
        self.code: list[int] = []
        server.objects.create(NAMESPACES.path(), {"metadata": {"name": "kube-system"}})
        server.objects.create(CLASSES.path(), a_class({"pathPattern": BY_CLAIM}))
        self.thread = threading.Thread(target=lambda: self.code.append(manager.run()))

    def metric(self, name: str) -> float | None:
        read = self.manager.metrics.registry.get_sample_value
        value = read(name, {"export": "default"})
        return read(name) if value is None else value

    def held(self, path: str) -> Json | None:
        return self.server.objects.by_path.get(path)

    def end(self) -> None:
        self.manager.stop()
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


def said_in_lease(running: Running) -> Json:
    """The state in the default export's lease; empty before it has one."""
    annotations = (running.held(LEASE) or {"metadata": {}})["metadata"].get("annotations") or {}
    said: Json = json.loads(annotations.get("holdfast.io/state", "{}"))
    return said


@pytest.fixture
def running(manager: Manager, server: FakeApiServer) -> Iterator[Running]:
    made = Running(manager, server)
    with captured_logs():
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
        eventually(lambda: not running.manager.not_ready())
        eventually(lambda: not running.manager.not_live())  # the last thread may start later

        eventually(lambda: running.metric("holdfast_leader") == 1)
        assert running.metric("holdfast_export_up") == 1
        assert running.metric("holdfast_api_up") == 1
        assert running.metric("holdfast_claims_queue_depth") == 0
        assert running.metric("holdfast_volumes_queue_depth") == 0

    def test_it_ends_its_work_first_and_gives_the_lease_up_then(self, running: Running) -> None:
        eventually(running.manager.exports["default"].gate.is_open)

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
        assert running.manager.not_live() != []
        assert len(running.manager.api._pools.pools) == 0  # no connection is left

    def test_the_lease_says_how_the_export_is(self, running: Running, root: Path) -> None:
        running.server.objects.create(VOLUMES.path(), a_volume(ref("2"), "team/other"))
        (root / "team" / "other").mkdir(parents=True)
        Export(root).initialise(ID)

        eventually(lambda: said_in_lease(running).get("state") == "serving")
        eventually(lambda: (said_in_lease(running)["trash"] or {}).get("volumes") == 0)
        said = said_in_lease(running)
        assert said["volumes"] == 1
        assert said["latency_seconds"] > 0

        running.end()

        assert said_in_lease(running)["state"] == "stopped"

    def test_the_work_in_hand_ends_before_the_lease_is_given_up(
        self, running: Running, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        manager = running.manager
        eventually(manager.exports["default"].gate.is_open)
        workers = manager.exports["default"].workers[0]
        parts = [
            Part(monkeypatch, manager.exports["default"].claims, "_serve", workers),
            Part(
                monkeypatch,
                manager.exports["default"].leader_tasks,
                "_turn",
                manager.exports["default"].leader_tasks,
            ),
            Part(
                monkeypatch,
                manager.exports["default"].trash,
                "_turn",
                manager.exports["default"].trash,
            ),
        ]
        running.server.objects.create(CLAIMS.path("team"), a_claim(ref()))
        manager.exports["default"].trash.look()
        for part in parts:
            eventually(part.working.is_set)
        alive: list[threading.Thread] = []
        give_up = manager.exports["default"].leadership.stop

        def stop() -> None:
            threads = [
                *workers.threads,
                manager.exports["default"].leader_tasks.thread,
                manager.exports["default"].trash.thread,
            ]
            alive.extend(thread for thread in threads if thread.is_alive())
            give_up()

        monkeypatch.setattr(manager.exports["default"].leadership, "stop", stop)
        running.end()
        for part in parts:
            part.may_end.set()

        assert alive == []
        assert all(0 < part.given <= 5 for part in parts)

    def test_what_it_works_on_is_told_to_the_events(self, running: Running) -> None:
        eventually(running.manager.exports["default"].gate.is_open)
        running.server.objects.create(CLAIMS.path("team"), a_claim(ref(), storageClassName="none"))

        path = "/api/v1/namespaces/team/events"
        eventually(lambda: [one for one in list(running.server.objects.by_path) if path in one])


def test_a_wrong_export_is_told_on_the_pod_and_makes_it_not_ready(
    manager: Manager, server: FakeApiServer, root: Path
) -> None:
    """Rule 9; what is mounted is left as it is."""
    server.objects.create(VOLUMES.path(), a_volume(ref(), export_id=ANOTHER_ID))
    running = Running(manager, server)
    with captured_logs():
        running.thread.start()
        eventually(lambda: any("is mounted here" in one for one in manager.not_ready()))
        eventually(lambda: running.metric("holdfast_wrong_export") == 1)
        running.end()

    [event] = [one for path, one in server.objects.by_path.items() if "/events/" in path]
    assert event["reason"] == "WrongExport"
    assert event["involvedObject"]["name"] == "holdfast-0"
    assert list(root.iterdir()) == []


def test_volumes_that_name_another_server_are_told_on_the_pod_and_counted(
    manager: Manager, server: FakeApiServer, root: Path
) -> None:
    Export(root).initialise(ID)
    server.objects.create(VOLUMES.path(), a_volume(ref(), server="old", finalizers=()))
    running = Running(manager, server)
    with captured_logs():
        running.thread.start()
        eventually(manager.exports["default"].gate.is_open)
        assert running.metric("holdfast_volumes_unknown_address") == 1
        running.end()

    [event] = [one for path, one in server.objects.by_path.items() if "/events/" in path]
    assert event["reason"] == "UnknownVolumeAddress"
    assert event["involvedObject"]["name"] == "holdfast-0"
    assert "names its server as old: add it to HOLDFAST_NFS" in event["message"]


class TestTermNotBegun:
    """A leader that cannot begin a term serves nobody."""

    @pytest.fixture
    def full(
        self, manager: Manager, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
    ) -> Running:
        def begin(*_: object) -> Takeover:
            raise Failed("cannot begin a term: No space left on device")

        monkeypatch.setattr(manager.exports["default"].export_client._exports, "begin", begin)
        started: Running = request.getfixturevalue("running")
        return started

    def test_it_is_told_by_readiness_a_gauge_and_an_event(self, full: Running) -> None:
        said = "cannot begin a term: No space left on device"
        eventually(lambda: full.manager.not_ready() == [said])
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
        monkeypatch.setattr(
            full.manager.exports["default"].leader_tasks._backoff, "next", lambda: 0.0
        )
        eventually(lambda: not full.manager.exports["default"].failures.may_lead())

        eventually(lambda: (full.held(LEASE) or {"spec": {}})["spec"]["holderIdentity"] == "")

        assert full.manager.not_ready() != []

    def test_once_it_has_begun_it_says_so(self, running: Running) -> None:
        eventually(running.manager.exports["default"].gate.is_open)

        assert running.metric("holdfast_term_begun") == 1
        assert running.manager.not_ready() == []


def test_a_lease_that_another_installation_holds_is_told(
    server: FakeApiServer, manager: Manager
) -> None:
    said = {"holdfast.io/provisioner": "example.com-nfs", "holdfast.io/export-name": "default"}
    held = {"holderIdentity": "other-0", "leaseDurationSeconds": 600}
    server.objects.create(
        LEASES.path("storage"),
        {"metadata": {"name": "example.com-nfs", "annotations": said}, "spec": held},
    )
    running = Running(manager, server)
    with captured_logs():
        running.thread.start()
        event = eventually(
            lambda: next(
                (one for path, one in list(server.objects.by_path.items()) if "/events/" in path),
                None,
            )
        )
        running.end()

    assert (event["reason"], event["involvedObject"]["name"]) == ("LeaseTaken", "holdfast-0")


class TestPermissions:
    """Those of nfs-subdir lack leases, and patch on persistentvolumes."""

    LACKED = frozenset({("persistentvolumes", "patch"), ("leases", "get")})

    def test_what_is_missing_is_told_by_readiness_and_an_event_on_the_pod(
        self, server: FakeApiServer, manager: Manager
    ) -> None:
        volumes = "permission missing: grant 'patch' on 'persistentvolumes' of API group ''"
        leases = (
            "permission missing: grant 'get' on 'leases' of API group 'coordination.k8s.io' "
            "(resourceNames: example.com-nfs) in namespace storage"
        )
        server.denied |= self.LACKED
        running = Running(manager, server)
        with captured_logs() as logs:
            running.thread.start()
            eventually(lambda: manager.not_ready() == [volumes, leases])
            events = "/api/v1/namespaces/storage/events"
            event = eventually(
                lambda: next(
                    (one for path, one in list(server.objects.by_path.items()) if events in path),
                    None,
                )
            )
            running.end()

        assert event["reason"] == "PermissionMissing"
        assert event["involvedObject"]["name"] == "holdfast-0"
        logged = [str(line["event"]) for line in logs]
        assert {volumes, leases} <= set(logged)
        assert sum("no finalizer" in line for line in logged) == 1

    def test_nothing_is_begun_before_they_are_known(
        self, server: FakeApiServer, manager: Manager
    ) -> None:
        server.fail("create", NO_ANSWER)

        with pytest.raises(ServerUnavailable):
            manager.api_circuit._probe()

        assert not manager.permissions.may_patch_volumes()


class TestBeforeItRuns:
    def test_it_is_not_ready_and_says_why(self, manager: Manager) -> None:
        assert manager.not_ready() == [
            "API server: not probed yet",
            "claims, classes and volumes are not synced yet",
            "export: not probed yet",
        ]

    def test_without_a_pulse_it_counts_as_dead(
        self, manager: Manager, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(manager, "_beat", manager._beat - 16)

        assert "the main thread hangs" in manager.not_live()

    def test_each_thread_that_has_ended_is_named(self, manager: Manager) -> None:
        names = ["claims-0", "claims-1", "volumes-0", "volumes-1"]
        names += ["leader-tasks", "trash", "watchdog"]
        names += ["export-probe", "API server-probe"]

        assert manager.not_live() == [f"thread {name} has ended" for name in names]

    def test_nothing_may_be_changed_without_the_lease(self, manager: Manager) -> None:
        with pytest.raises(LeadershipLost):
            manager.exports["default"].refuse_unless_leading()
        with pytest.raises(LeadershipLost):
            manager.exports["default"].export_client.begin(
                lambda exports: exports.initialise(ANOTHER_ID)
            )
        with pytest.raises(LeadershipLost):
            manager.exports["default"].export_client.change("create", lambda *_: None)

    def test_the_lease_is_not_sought_before_the_export_answers(self, manager: Manager) -> None:
        elector = manager.exports["default"].leadership
        assert not elector._may_lead()  # type: ignore[attr-defined]

        manager.exports["default"].circuit._close()

        assert elector._may_lead()  # type: ignore[attr-defined]
        assert elector._busy == manager.exports["default"].export_client.is_busy  # type: ignore[attr-defined]

    def test_a_sign_of_trouble_has_the_export_probed(self, manager: Manager) -> None:
        manager.exports["default"].export_client.trouble()

        assert manager.exports["default"].circuit._wake.is_set()

    @pytest.mark.parametrize(
        ("export_id", "synced", "tried"), [("", False, 0), ("", True, 1), (ANOTHER_ID, False, 1)]
    )
    def test_nothing_is_written_before_it_is_known_which_export_it_is(
        self,
        manager: Manager,
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
        monkeypatch.setattr(ExportView, "synced", synced)
        manager.exports["default"].identity.export_id = export_id

        manager.exports["default"].export_client.probe()

        assert len(probes) == tried

    def test_the_trash_of_a_volume_that_exists_is_kept(self, manager: Manager) -> None:
        made = a_volume(ref())
        made["metadata"] |= {"uid": "uid", "resourceVersion": "1"}
        manager.caches.update_from_response(made)

        assert not manager.exports["default"].is_gone("pvc-1")
        assert manager.exports["default"].is_gone("pvc-2")

    def test_volumes_of_others_do_not_say_which_export_this_is(self, manager: Manager) -> None:
        for name, by in (("pvc-1", NAME), ("pvc-2", "")):
            made = a_volume(ref(), name=name)
            made["metadata"] |= {"uid": name, "resourceVersion": "1"}
            made["metadata"]["annotations"]["pv.kubernetes.io/provisioned-by"] = by
            manager.caches.update_from_response(made)

        view = manager.exports["default"].view
        assert [volume.name for volume in view.telling(ID)] == ["pvc-1"]


class TestLost:
    """The watchdog's thread is there until the process is about to exit, whatever else hangs."""

    @pytest.fixture
    def exited(
        self, running: Running, monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[threading.Event]:
        """Set by the exit; the leader has begun its term, and a call of it hangs from now on."""
        eventually(running.manager.exports["default"].gate.is_open)
        exited, codes = threading.Event(), list[int]()

        def exit_(code: int) -> None:
            codes.append(code)
            exited.set()

        monkeypatch.setattr(os, "_exit", exit_)
        running.manager.exports["default"].export_client._outstanding.add(1)
        yield exited
        running.manager.exports["default"].export_client._outstanding.add(-1)
        assert set(codes) <= {LOST}

    @pytest.mark.parametrize(
        "hangs",
        ["leadership", "broadcaster", "api_circuit", "circuit", "export_client"],
    )
    def test_nothing_that_ends_slowly_holds_it_up(
        self,
        running: Running,
        exited: threading.Event,
        hangs: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        export = running.manager.exports["default"]
        part = getattr(export, hangs, None) or getattr(running.manager, hangs)
        end = "close" if hangs == "export_client" else "stop"
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
        manager = running.manager
        monkeypatch.setattr(module, "delete_own_pod", lambda _: exited.wait(30))
        monkeypatch.setattr(manager.exports["default"].leadership, "leading", lambda: False)
        monkeypatch.setattr(manager.exports["default"].watchdog, "_leading", lambda: False)
        monkeypatch.setattr(
            type(manager.exports["default"].export_client), "is_stale", property(lambda _: True)
        )

        assert exited.wait(40)


class TestStale:
    def test_a_stale_mount_deletes_its_own_pod_and_ends(
        self, manager: Manager, server: FakeApiServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("holdfast-0", "holdfast-1"):
            server.objects.create(PODS.path("storage"), {"metadata": {"name": name}})
        monkeypatch.setattr(
            type(manager.exports["default"].export_client), "is_stale", property(lambda _: True)
        )

        with captured_logs():
            assert manager._wait() == STALE

        assert [path.rpartition("/")[2] for path in server.objects.by_path] == ["holdfast-1"]

    def test_the_exit_code_is_what_the_documentation_says(self) -> None:
        assert STALE == 3


def test_who_waits_is_alive(manager: Manager) -> None:
    manager._beat = 0.0
    waiting = threading.Thread(target=manager._wait)
    waiting.start()

    eventually(lambda: manager._beat > 0)

    manager.stop()
    waiting.join()
