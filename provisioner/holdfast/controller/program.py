"""The provisioner as a whole: what there is, in which order it starts, and how it ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable

import structlog

from holdfast import __version__
from holdfast.claims.objects import Volume
from holdfast.claims.reclaim import owns
from holdfast.controller.circuit_breaker import CircuitBreaker
from holdfast.controller.claims_controller import ClaimsController
from holdfast.controller.cluster import Cluster
from holdfast.controller.context import Context
from holdfast.controller.directories import Directories
from holdfast.controller.event_recorder import EventRecorder
from holdfast.controller.health import Health
from holdfast.controller.identity import Identity
from holdfast.controller.leader_tasks import LeaderTasks
from holdfast.controller.leadership import leadership
from holdfast.controller.metrics import Metrics
from holdfast.controller.own_pod import delete_own_pod
from holdfast.controller.requeue import LeadershipLost
from holdfast.controller.settings import Settings
from holdfast.controller.takeover_failures import TakeoverFailures
from holdfast.controller.trash import Trash
from holdfast.controller.volumes_controller import VolumesController
from holdfast.controller.watchdog import Watchdog
from holdfast.controller.work_gate import WorkGate
from holdfast.controller.workers import Workers
from holdfast.exports.errors import ExportError
from holdfast.exports.export import Export
from holdfast.exports.interface import Grant
from holdfast.kube.api import Api
from holdfast.kube.config import load_configuration
from holdfast.kube.errors import KubeError
from holdfast.kube.event_broadcaster import EventBroadcaster
from holdfast.kube.resources import CLASSES

_log = structlog.get_logger()

_PULSE = 0.5
_STUCK = 15.0  # seconds without a pulse after which the process counts as dead
_WORK_IN_HAND = 5.0  # seconds that the work in hand has at the end, in all

STALE = 3  # exit code: the mount has to be made anew; `watchdog.LOST` is another


class Program:
    """One provisioner process; `run` returns its exit code."""

    def __init__(self, settings: Settings) -> None:
        """Raises ConfigurationError for an unreadable kubeconfig, OSError for a taken port."""
        self._settings = settings
        self._stop = threading.Event()
        self._beat = time.monotonic()
        self._metrics = Metrics()
        self._api = Api(load_configuration(settings.kubeconfig), observe=self._metrics.observe_api)
        self._api_circuit = CircuitBreaker("API server", self._ask_api, (KubeError,))
        self._broadcaster = EventBroadcaster(
            self._api, f"{settings.provisioner.name}_{settings.identity}"
        )
        self._events = EventRecorder(self._broadcaster)
        self._cluster = Cluster(
            self._api, settings.provisioner, settings.address, self._broadcaster.postpone
        )
        self._set_up_export()
        self._set_up_leadership()
        self._set_up_leaders_tasks()
        self._claims, self._volumes = self._handlers()
        self._workers = self._make_workers()
        self._watch_gauges()
        self.health = Health(
            settings.http_host,
            settings.http_port,
            live=self._not_live,
            ready=self._not_ready,
            registry=self._metrics.registry,
        )

    def _set_up_export(self) -> None:
        settings = self._settings
        self._identity = Identity(
            settings.address,
            self._own_volumes,
            self._teller("WrongExport"),
            self._teller("VolumesElsewhere"),
        )
        self._directories = Directories(
            Export(settings.root, self._refuse_unless_leading),
            settings.export_deadline,
            self._metrics,
            grant=self._grant,
            check=self._identity.check,
            can_check=lambda: bool(self._identity.export_id) or self._cluster.synced,
        )
        self._export_circuit = CircuitBreaker("export", self._directories.probe, (ExportError,))
        self._directories.trouble = self._export_circuit.check_soon

    def _set_up_leadership(self) -> None:
        self._failures = TakeoverFailures(self._teller("TermNotBegun"))
        self._leadership = leadership(
            self._api,
            self._settings,
            may_lead=lambda: self._export_circuit.available and self._failures.may_lead(),
            busy=self._directories.is_busy,
        )
        self._watchdog = Watchdog(self._leadership.leading, self._directories.is_busy)
        circuits = (self._api_circuit, self._export_circuit)
        self._gate = WorkGate(self._leadership.leading, circuits, self._stop)

    def _set_up_leaders_tasks(self) -> None:
        self._leader_tasks = LeaderTasks(
            api=self._api,
            cluster=self._cluster,
            directories=self._directories,
            identity=self._identity,
            metrics=self._metrics,
            api_circuit=self._api_circuit,
            export_circuit=self._export_circuit,
            gate=self._gate,
            failures=self._failures,
            lease=self._settings.provisioner.lease,
            former_leases=self._settings.provisioner.former_leases,
            stop=self._stop,
        )
        self._trash = Trash(
            self._directories,
            self._gate,
            is_gone=self._is_gone,
            events=self._events,
            metrics=self._metrics,
            stop=self._stop,
        )

    def run(self) -> int:
        """Works until `stop` is called; the exit code."""
        settings = self._settings
        _log.info(
            "holdfast starts",
            version=__version__,
            provisioner=settings.provisioner.name,
            export=f"{settings.address.server}:{settings.address.path}",
            root=str(settings.root),
            identity=settings.identity,
            http_port=self.health.port,
        )
        self._start()
        try:
            return self._wait()
        finally:
            self._end()

    def stop(self) -> None:
        """Ends `run`; from a signal handler or another thread."""
        self._stop.set()

    def _start(self) -> None:
        self._api_circuit.start()
        self._export_circuit.start()
        self._cluster.start()
        self._broadcaster.start()
        self._watchdog.start()
        self._leadership.start()
        self._leader_tasks.start(self._claims, self._volumes, self._trash)
        self._trash.start()
        for workers in self._workers:
            workers.start()
        self.health.start()  # whose answers are about the threads above

    def _wait(self) -> int:
        while not self._stop.wait(_PULSE):
            self._beat = time.monotonic()
            self._claims.progress.tell()
            if self._directories.is_stale:
                _log.error("the export's mount is stale, and only a new mount mends that")
                delete_own_pod(self._api)
                return STALE
        return 0

    def _end(self) -> None:
        """Ends the work first and gives the lease up then: the next leader begins at once."""
        _log.info("holdfast ends")
        self._stop.set()
        self._cluster.stop()
        deadline = time.monotonic() + _WORK_IN_HAND
        for workers in self._workers:
            workers.stop(max(0.0, deadline - time.monotonic()))
        for part in (self._leader_tasks, self._trash):
            part.stop(max(0.0, deadline - time.monotonic()))
        self._leadership.stop()
        self._broadcaster.stop()
        self._api_circuit.stop()
        self._export_circuit.stop()
        self._directories.close()
        self.health.stop()
        self._api.close()
        self._watchdog.stop()  # last: calls may hang to the end

    def _refuse_unless_leading(self) -> None:
        if not self._leadership.leading():
            raise LeadershipLost

    def _grant(self, seconds: float) -> Grant:
        return self._gate.grant(seconds)  # which is made later than what asks it

    def _own_volumes(self) -> Iterable[Volume]:
        """The volumes of our provisioner, as far as they have been read."""
        provisioner = self._settings.provisioner
        return (one for one in self._cluster.volumes.values() if owns(one, provisioner))

    def _teller(self, reason: str) -> Callable[[str], None]:
        """Warns of what concerns this replica as a whole."""
        namespace, lease = self._settings.namespace, self._settings.provisioner.lease
        return lambda message: self._events.replica_warning(namespace, lease, reason, message)

    def _is_gone(self, volume: str) -> bool:
        return self._cluster.volumes.get(volume) is None

    def _ask_api(self) -> None:
        next(self._api.pages(CLASSES, limit=1))

    def _handlers(self) -> tuple[ClaimsController, VolumesController]:
        context = Context(
            api=self._api,
            cluster=self._cluster,
            directories=self._directories,
            provisioner=self._settings.provisioner,
            address=self._settings.address,
            events=self._events,
            metrics=self._metrics,
            identity=self._identity,
            check_term=self._gate.check_term,
        )
        return ClaimsController(context), VolumesController(context, self._trash.look)

    def _make_workers(self) -> list[Workers]:
        queues = (
            ("claims", self._cluster.claim_queue, self._claims),
            ("volumes", self._cluster.volume_queue, self._volumes),
        )
        return [
            Workers(
                name,
                queue,
                handle,
                self._gate,
                api=self._api_circuit,
                export=self._export_circuit,
                count=self._settings.workers,
            )
            for name, queue, handle in queues
        ]

    def _watch_gauges(self) -> None:
        metrics, cluster = self._metrics, self._cluster
        for name, queue in (("claims", cluster.claim_queue), ("volumes", cluster.volume_queue)):
            metrics.watch(f"holdfast_{name}_queue_depth", f"Waiting {name}", queue.depth)
        metrics.watch("holdfast_leader", "Whether this replica leads", self._leadership.leading)
        metrics.watch(
            "holdfast_term_begun",
            "Whether this replica leads and has begun a term, without which nothing is served",
            lambda: self._gate.term is not None,
        )
        metrics.watch(
            "holdfast_export_up",
            "Whether the export answers",
            lambda: self._export_circuit.available,
        )
        metrics.watch(
            "holdfast_api_up", "Whether the API server answers", lambda: self._api_circuit.available
        )

        metrics.watch(
            "holdfast_volumes_elsewhere",
            "Volumes on this export that name its server otherwise, and are left alone",
            lambda: self._identity.elsewhere().total(),
        )

    def _not_live(self) -> list[str]:
        wrong = []
        if time.monotonic() - self._beat > _STUCK:
            wrong.append("the main thread hangs")
        threads = [thread for workers in self._workers for thread in workers.threads]
        threads += [part.thread for part in (self._leader_tasks, self._trash, self._watchdog)]
        threads += [self._api_circuit.thread, self._export_circuit.thread]
        wrong += [f"thread {thread.name} has ended" for thread in threads if not thread.is_alive()]
        return wrong

    def _not_ready(self) -> list[str]:
        circuits = (self._api_circuit, self._export_circuit)
        wrong = [
            f"{circuit.name}: {circuit.reason}" for circuit in circuits if not circuit.available
        ]
        if not self._cluster.synced:
            wrong.append("the claims, classes and volumes have not been read yet")
        if self._failures.reason and not wrong:  # what is wrong may be the same
            wrong.append(self._failures.reason)
        return wrong
