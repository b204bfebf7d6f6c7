"""A process with several exports: what is wrong with one does not concern the others."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from holdfast.claims.build_volume import Address
from holdfast.claims.decide import Provisioner
from holdfast.controller import export_set
from holdfast.controller import manager as module
from holdfast.controller.export_controller import ExportController
from holdfast.controller.manager import STALE, Manager
from holdfast.controller.permissions import Permission
from holdfast.controller.settings import ExportSettings, Settings
from holdfast.exports.errors import WrongExport
from holdfast.exports.interface import ExportInfo
from holdfast.kube.resources import LEASES, PODS
from tests.fake.apiserver import FakeApiServer
from tests.fake.kubeconfig import kubeconfig
from tests.logged import captured_logs
from tests.support import eventually
from tests.unit.controller.given import ANOTHER_ID, ID, NAME, a_volume, ref

NAMES = ("fast", "slow")


def _settings_of(name: str, folder: Path) -> ExportSettings:
    root = folder / name
    root.mkdir()
    return ExportSettings(address=Address("nas", f"/{name}"), name=name, root=root)


@pytest.fixture
def manager(
    server: FakeApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Manager]:
    """One that has not been started, of the exports `fast` and `slow`."""
    monkeypatch.setenv("POD_NAME", "holdfast-0")
    monkeypatch.setenv("POD_NAMESPACE", "storage")
    monkeypatch.setattr(module, "_PULSE", 0.01)
    made = Manager(
        Settings(
            provisioner=Provisioner(NAME, exports=NAMES),
            exports=tuple(_settings_of(name, tmp_path) for name in NAMES),
            kubeconfig=kubeconfig(server, tmp_path),
            http_host="127.0.0.1",
            http_port=0,
            workers=2,
            namespace="storage",
        )
    )
    made.api_circuit._reason = None
    for reflector in made.caches.reflectors:
        reflector.synced.set()
    yield made
    for export in made.exports:
        export.export_client.close()
    made.health._server.server_close()
    made.broadcaster.stop()


class Answers:
    """Which exports answer, and which mounts are stale."""

    def __init__(self, manager: Manager, patch: pytest.MonkeyPatch) -> None:
        self.manager, self.patch = manager, patch

    def available(self, *names: str) -> None:
        for export in self.manager.exports:
            export.circuit._reason = None if export.export.name in names else "no answer"

    def stale(self, *names: str) -> None:
        of = {id(export.export_client): export.export.name for export in self.manager.exports}
        kind = type(self.manager.exports["fast"].export_client)
        self.patch.setattr(kind, "is_stale", property(lambda one: of[id(one)] in names))


@pytest.fixture
def answers(manager: Manager, monkeypatch: pytest.MonkeyPatch) -> Answers:
    return Answers(manager, monkeypatch)


def test_it_is_ready_while_one_export_answers(manager: Manager, answers: Answers) -> None:
    answers.available("slow")
    assert manager.not_ready() == []


def test_it_is_not_where_none_does_and_names_each(manager: Manager, answers: Answers) -> None:
    answers.available()
    assert manager.not_ready() == ["export fast: no answer", "export slow: no answer"]


def test_what_is_wrong_with_the_api_server_comes_first(manager: Manager, answers: Answers) -> None:
    answers.available("slow")
    manager.api_circuit._reason = "refused"

    assert manager.not_ready() == ["API server: refused", "export fast: no answer"]


def test_an_export_that_is_not_led_again_as_its_calls_hang_says_so_in_its_lease(
    manager: Manager, answers: Answers
) -> None:
    answers.available("slow")
    slow = manager.exports["slow"]
    assert slow.state().reason == "it is about to begin"

    slow.export_client._outstanding.add(1)

    assert (slow.state().state, slow.state().reason) == (
        "no-term",
        "calls of its last term have not ended",
    )


def test_a_stale_mount_does_not_end_the_process_that_serves_another(
    manager: Manager, answers: Answers, server: FakeApiServer
) -> None:
    answers.available("slow")
    answers.stale("fast")
    manager.broadcaster.start()

    with captured_logs() as logs:
        assert not any(manager._is_stale() for _ in range(3))

    [line] = [line for line in logs if "stale" in line["event"]]
    assert line["export"] == "fast"
    eventually(
        lambda: [one for path, one in list(server.objects.by_path.items()) if "/events/" in path]
    )
    [event] = [one for path, one in server.objects.by_path.items() if "/events/" in path]
    assert (event["reason"], event["involvedObject"]["name"]) == ("StaleMount", "holdfast-0")
    assert event["message"].startswith("export fast: the mount is stale")


def test_it_does_once_no_other_answers(
    manager: Manager, answers: Answers, server: FakeApiServer
) -> None:
    server.objects.create(PODS.path("storage"), {"metadata": {"name": "holdfast-0"}})
    answers.available()
    answers.stale("fast")

    with captured_logs():
        assert manager._wait() == STALE

    assert not [path for path in server.objects.by_path if path.endswith("/pods/holdfast-0")]


class TestChangedWhileItHangs:
    """The file changes an export while its calls hang; it is served again once they have ended."""

    @pytest.fixture(autouse=True)
    def hang(self, answers: Answers, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        ends = threading.Event()
        monkeypatch.setattr(ExportController, "retire", lambda *_: ends.wait(60))
        answers.available(*NAMES)
        yield
        ends.set()

    def change(self, manager: Manager, *names: str) -> None:
        """As if the deadline of these exports were edited."""
        exports = manager.exports.wanted
        manager.exports.apply(
            [replace(one, deadline=5.0) if one.name in names else one for one in exports]
        )

    def test_a_process_that_serves_no_export_is_not_ready(self, manager: Manager) -> None:
        self.change(manager, *NAMES)

        wrong = manager.not_ready()

        assert [line.partition(":")[0] for line in wrong] == ["export fast", "export slow"]
        assert all("has changed" in line for line in wrong)

    def test_one_that_serves_another_is(self, manager: Manager) -> None:
        self.change(manager, "fast")

        assert manager.not_ready() == []

    def test_an_event_on_the_pod_says_so(
        self, manager: Manager, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(export_set, "_HANGING", 0.0)
        self.change(manager, "fast")

        self.change(manager, "fast")

        [event] = manager.broadcaster._queue
        assert (event.about.name, event.reason) == ("holdfast-0", "ExportNotServed")
        assert "export fast" in event.message

    @pytest.mark.parametrize(("names", "may_exit"), [(NAMES, True), (("fast",), False)])
    def test_its_watchdog_may_end_the_process_if_none_is_served(
        self, manager: Manager, names: tuple[str, ...], *, may_exit: bool
    ) -> None:
        fast = manager.exports["fast"]

        self.change(manager, *names)

        assert fast.watchdog._may_exit() == may_exit


class TestListedTwice:
    """The same export under two names of its server, which the file cannot show."""

    MESSAGE = (
        f"exports {{}} and {{}} are the same export, {ID}: list it once, with the other names and "
        "addresses of its server in serverAliases"
    )

    def see(self, manager: Manager, name: str) -> str:
        """What is wrong with an export where the export ID is mounted."""
        try:
            manager.exports[name].identity.check(ExportInfo(ID, 2))
        except WrongExport as error:
            return error.message
        return ""

    def test_the_second_one_is_not_served(self, manager: Manager) -> None:
        assert self.see(manager, "slow") == ""
        assert self.see(manager, "fast") == ""

        assert self.see(manager, "slow") == self.MESSAGE.format("fast", "slow")
        assert self.see(manager, "fast") == ""
        [event] = manager.broadcaster._queue
        assert (event.about.name, event.reason) == ("holdfast-0", "WrongExport")
        assert event.message == "export slow: " + self.MESSAGE.format("fast", "slow")

    def test_a_new_one_does_not_end_one_that_has_volumes(self, manager: Manager) -> None:
        made = a_volume(ref(), export_id="")
        made["spec"]["nfs"]["path"] = "/slow/team/data"
        made["metadata"].update(resourceVersion="1", uid="uid")
        manager.caches.reflectors[2]._take_event("ADDED", made)

        assert self.see(manager, "fast") == self.see(manager, "slow") == ""
        assert self.see(manager, "fast") == self.MESSAGE.format("slow", "fast")

    def test_one_where_another_is_mounted_by_mistake_ends_none(self, manager: Manager) -> None:
        manager.exports["fast"].identity.export_id = ANOTHER_ID

        assert "is mounted here, not" in self.see(manager, "fast")
        assert self.see(manager, "slow") == ""

    def test_one_that_is_removed_makes_way(self, manager: Manager) -> None:
        assert self.see(manager, "fast") == ""
        assert self.see(manager, "slow") != ""

        manager.caches.remove(manager.exports["fast"].view)

        assert self.see(manager, "slow") == ""


def test_no_call_that_hangs_ends_it(manager: Manager) -> None:
    assert not any(export.watchdog._may_exit() for export in manager.exports)


MISSING = "permission missing: grant {} on 'leases' of API group 'coordination.k8s.io'"


@pytest.mark.parametrize(
    ("denied", "wrong"),
    [
        ({"example.com-nfs-fast"}, []),
        (
            {"example.com-nfs-fast", "example.com-nfs-slow"},
            [
                MISSING.format("'get', 'update'") + f" (resourceNames: {name}) in namespace storage"
                for name in ("example.com-nfs-fast", "example.com-nfs-slow")
            ],
        ),
        ({""}, [MISSING.format("'create'") + " in namespace storage"]),
    ],
)
def test_what_is_missing_for_the_lease_of_one_export_does_not_concern_the_others(
    manager: Manager, answers: Answers, denied: set[str], wrong: list[str]
) -> None:
    answers.available(*NAMES)
    leases = [f"example.com-nfs-{name}" for name in NAMES]
    asked = [("create", ""), *product(("get", "update"), leases)]
    manager.permissions._learn(
        [Permission(verb, LEASES, "storage", one not in denied, one) for verb, one in asked]
    )

    assert manager.not_ready() == wrong
    assert len(manager.broadcaster._queue) == 1


def test_permissions_are_asked_for_the_leases_of_all_exports(
    manager: Manager, server: FakeApiServer
) -> None:
    manager.exports.wanted = manager.exports.wanted[:1]
    manager.permissions.ask_soon()
    manager.permissions.refresh()

    asked = [request.body["spec"]["resourceAttributes"] for request in server.requests]
    names = {one["name"] for one in asked if one["resource"] == LEASES.plural}
    assert names == {"", "example.com-nfs-fast"}


def test_nothing_is_said_any_more_of_an_export_that_is_removed(
    manager: Manager, answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An alert for an export that is away ends with it, and its view is not kept."""
    monkeypatch.setattr(export_set, "_WORK_IN_HAND", 0.05)
    answers.available("fast", "slow")
    for export in manager.exports:
        export.start()
    slow = manager.exports["slow"]
    slow.metrics.observe("adopt", 1.0)
    view = weakref.ref(slow.view)
    assert told_of("slow", manager)
    del slow, export

    manager.exports.apply([manager.exports["fast"].export])
    eventually(lambda: not told_of("slow", manager))

    def is_forgotten() -> bool:
        manager.exports.turn()
        gc.collect()
        return view() is None

    eventually(is_forgotten)
    assert told_of("fast", manager)
    manager.exports["fast"].retire(1.0)


def told_of(export: str, manager: Manager) -> list[str]:
    """The metrics that have a value of an export."""
    return [
        sample.name
        for metric in manager.metrics.registry.collect()
        for sample in metric.samples
        if sample.labels.get("export") == export
    ]
