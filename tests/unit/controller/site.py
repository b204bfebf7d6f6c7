"""One leader with both handlers: a real export in a directory, an API server on loopback."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from holdfast.claims import constants
from holdfast.claims.decide import DEFAULT_EXPORT, Provisioner
from holdfast.claims.objects import ClaimRef
from holdfast.controller.caches import Caches
from holdfast.controller.claims_controller import ClaimsController
from holdfast.controller.context import Context
from holdfast.controller.event_recorder import EventRecorder
from holdfast.controller.export_client import ExportClient
from holdfast.controller.export_id_check import ExportIdCheck
from holdfast.controller.export_metrics import ExportMetrics
from holdfast.controller.export_view import ExportView
from holdfast.controller.metrics import Metrics
from holdfast.controller.misplaced_report import MisplacedDirectories
from holdfast.controller.volumes_controller import VolumesController
from holdfast.controller.work_gate import WorkGate
from holdfast.exports.export import Export
from holdfast.exports.interface import ExportInterface, Grant, Leader, Term
from holdfast.exports.record import Record
from holdfast.kube.api import Api
from holdfast.kube.event_broadcaster import EventBroadcaster
from holdfast.kube.resources import CLAIMS, CLASSES, VOLUMES, Json
from tests.fake.apiserver import FakeApiServer
from tests.fake.objects import Refused
from tests.unit.controller.given import ADDRESS, ID, NAME, a_claim, a_class, directory_spec

CLUSTER = "cluster"
LEADER = Leader(CLUSTER, "example.com-nfs")


class Said(NamedTuple):
    """An event that was to be sent."""

    kind: str
    name: str
    type: str
    reason: str
    message: str


class Site:
    """Nothing runs by itself: a test calls the handlers, and says what the cache has seen."""

    leader = LEADER

    def __init__(self, api: Api, server: FakeApiServer, root: Path) -> None:
        self.api, self.server, self.root = api, server, root
        self.leads = self.may_patch_volumes = True
        self.stop = threading.Event()
        self.export = Export(root)
        self.export.initialise(ID)
        self.gate = WorkGate(lambda: self.leads, (), self.stop)
        self.metrics = Metrics()
        self.export_metrics = ExportMetrics(self.metrics, DEFAULT_EXPORT)
        self.export_client = ExportClient(
            self.export, 30, self.export_metrics, grant=self.gate.grant
        )
        self.caches = Caches(api, Provisioner(NAME), lambda: None)
        self.view = ExportView(
            self.caches,
            Provisioner(NAME),
            ADDRESS,
            export_id=lambda: self.identity.export_id,
            leads=lambda: self.leads,
        )
        self.identity = ExportIdCheck(
            ADDRESS,
            self.view.telling,
            self.export.has_directory,
            lambda _: None,
            lambda _: None,
        )
        self.identity.export_id, self.identity.cluster = ID, self.leader.cluster
        self.broadcaster = EventBroadcaster(api, "test")
        self.context = Context(
            api=api,
            view=self.view,
            export_client=self.export_client,
            provisioner=Provisioner(NAME, takes_over=frozenset(self.leader.takes_over)),
            address=ADDRESS,
            events=EventRecorder(
                self.broadcaster, lambda key: self.caches.claims.get(key) is not None
            ),
            metrics=self.metrics,
            export_metrics=self.export_metrics,
            identity=self.identity,
            check_term=self.gate.check_term,
            may_patch_volumes=lambda: self.may_patch_volumes,
        )
        self.trash_looks = 0
        self.set_up(self.context)
        self.begin()

    def begin(self) -> None:
        """Leads, and has a class."""
        self.lead()
        self.add_class()

    def set_up(self, context: Context) -> None:
        """Makes the handlers."""
        self.context = context
        self.claims_controller = ClaimsController(context)
        self.misplaced = MisplacedDirectories(context)
        self.volumes_controller = VolumesController(context, self.misplaced, self._look_at_trash)

    def _look_at_trash(self) -> None:
        self.trash_looks += 1

    def lead(self) -> tuple[Record, ...]:
        """Begins a term; what an earlier one left in the making."""
        takeover = self.export.begin(self.leader)
        self.gate.open(takeover.term)
        self.volumes_controller.begin(takeover.moving)
        self.claims_controller.begin(takeover.unfinished)
        return takeover.unfinished

    @property
    def term(self) -> Term:
        term = self.gate.term
        assert term is not None
        return term

    @property
    def grant(self) -> Grant:
        return Grant(self.term)

    def serve(self, key: str = "team/data") -> None:
        """Handles a claim."""
        with self.gate.within(self.term):
            self.claims_controller(key)

    def look_after(self, uid: str = "1") -> None:
        """Handles a volume."""
        with self.gate.within(self.term):
            self.volumes_controller(f"pvc-{uid}")

    def add_class(self, policy: str = "Delete", **parameters: str) -> None:
        """Makes the class, or edits it."""
        made = a_class({"pathPattern": "${.PVC.namespace}/${.PVC.name}", **parameters}, policy)
        path = f"{CLASSES.path()}/nfs"
        if path in self.server.objects.by_path:
            del self.server.objects.by_path[path]
        self._take(1, "ADDED", self.server.objects.create(CLASSES.path(), made))

    def remove_class(self) -> None:
        """Somebody deletes the class, and the cache sees it."""
        self._take(1, "DELETED", self.server.objects.delete(f"{CLASSES.path()}/nfs"))

    def add_claim(self, whose: ClaimRef, **spec: Any) -> None:
        """A person makes a claim, and the cache sees it."""
        made = self.server.objects.create(CLAIMS.path(whose.namespace), a_claim(whose, **spec))
        self._take(0, "ADDED", made)

    def grow_claim(self, whose: ClaimRef, size: str) -> None:
        """A person asks for more than the claim's volume of 1Gi has."""
        made = a_claim(whose, resources={"requests": {"storage": size}}, volumeName="pvc-1")
        made["status"] = {"capacity": {"storage": "1Gi"}}
        self.server.objects.by_path.pop(CLAIMS.path(whose.namespace, whose.name), None)
        grown = self.server.objects.create(CLAIMS.path(whose.namespace), made)
        self._take(0, "MODIFIED", grown)

    def remove_claim(self, whose: ClaimRef, *, seen: bool = True) -> None:
        gone = self.server.objects.delete(CLAIMS.path(whose.namespace, whose.name))
        if seen:
            self._take(0, "DELETED", gone)

    def add_volume(self, made: Json) -> None:
        """Somebody makes a volume, and the cache sees it."""
        self._take(2, "ADDED", self.server.objects.create(VOLUMES.path(), made))

    def edit(self, uid: str, change: Json, *, seen: bool = True) -> None:
        """Somebody edits a volume."""
        edited = self.server.objects.patch(VOLUMES.path(name=f"pvc-{uid}"), change)
        if seen:
            self._take(2, "MODIFIED", edited)

    def drop(self, uid: str = "1") -> None:
        """Somebody takes a volume away, whatever holds it, and the cache sees it."""
        path = VOLUMES.path(name=f"pvc-{uid}")
        self.server.objects.patch(path, {"metadata": {"finalizers": None}})
        self._take(2, "DELETED", self.server.objects.delete(path))

    def see(self, uid: str = "1") -> None:
        """The cache sees what the API server holds."""
        held = self.volume(uid)
        assert held is not None
        self._take(2, "MODIFIED", held)

    def see_gone(self, uid: str = "1") -> None:
        """The cache sees that the API server has deleted a volume."""
        events = reversed(self.server.objects.history)
        gone = next(one for *_, kind, one in events if kind == "DELETED")
        assert gone["metadata"]["name"] == f"pvc-{uid}"
        self._take(2, "DELETED", gone)

    def bind(self, uid: str = "1") -> None:
        self.edit(uid, {"status": {"phase": "Bound"}})

    def bind_claim(self, whose: ClaimRef) -> None:
        """The controller manager binds a claim and its volume, and the cache sees it."""
        change = {
            "metadata": {"annotations": {constants.BIND_COMPLETED: "yes"}},
            "spec": {"volumeName": f"pvc-{whose.uid}"},
        }
        bound = self.server.objects.patch(CLAIMS.path(whose.namespace, whose.name), change)
        self._take(0, "MODIFIED", bound)
        self.edit(whose.uid, {"status": {"phase": "Bound"}})

    def release(self, uid: str = "1") -> None:
        self.edit(uid, {"status": {"phase": "Released"}})

    def serve_and_bind(self, whose: ClaimRef) -> None:
        """A claim gets its volume and uses it."""
        self.add_claim(whose)
        self.serve(str(whose))
        self.edit(whose.uid, {"status": {"phase": "Bound"}})
        self.remove_claim(whose)

    def made_on_export(self, whose: ClaimRef, directory: str = "team/data", **given: Any) -> None:
        """A directory with a confirmed record."""
        self.export.create(self.grant, directory_spec(whose, directory, **given))
        self.export.confirm(self.grant, f"pvc-{whose.uid}")

    def volume(self, uid: str = "1") -> Json | None:
        """A volume as the API server holds it."""
        try:
            return self.server.objects.get(VOLUMES.path(name=f"pvc-{uid}"))
        except Refused:
            return None

    def record(self, uid: str = "1") -> Record | None:
        return self.export.find(f"pvc-{uid}")

    def said(self, reason: str = "") -> list[Said]:
        """The events of a reason, or all."""
        events = (
            Said(e.about.kind, e.about.name, e.type, e.reason, e.message)
            for e in self.broadcaster._queue
        )
        return [event for event in events if reason in {"", event.reason}]

    def only(self, reason: str) -> Said:
        """The one event of a reason."""
        [event] = self.said(reason)
        return event

    def metric(self, name: str, **labels: str) -> float:
        """A value, of the only export where it has that label."""
        read = self.metrics.registry.get_sample_value
        on_export = read(name, {"export": DEFAULT_EXPORT, **labels})
        return (read(name, labels) if on_export is None else on_export) or 0.0

    def queued(self) -> tuple[set[str], set[str]]:
        """The keys of claims and of volumes that want work now."""
        claims, volumes = self.view.claim_queue, self.view.volume_queue
        return set(claims._due), set(volumes._due)

    def close(self) -> None:
        self.export_client.close()

    def _take(self, reflector: int, kind: str, obj: Json) -> None:
        self.caches.reflectors[reflector]._take_event(kind, obj)


def before(exports: ExportInterface, method: str, act: Callable[[], object]) -> None:
    """Has something happen each time before a method of an export does its work."""
    real = getattr(exports, method)

    def first(*args: Any, **named: Any) -> Any:
        act()
        return real(*args, **named)

    setattr(exports, method, first)


def failing(error: BaseException) -> Callable[[], NoReturn]:
    """Raises an error each time it is called."""

    def fail() -> NoReturn:
        raise error

    return fail


def once(act: Callable[[], object]) -> Callable[[], object]:
    """Does something the first time only."""
    left = [act]

    def first() -> object:
        return left.pop()() if left else None

    return first
