"""The manager: creates what all exports share, starts the controllers, and stops them."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterable

from holdfast import __version__
from holdfast.controller.caches import Caches
from holdfast.controller.circuit_breaker import CircuitBreaker
from holdfast.controller.event_recorder import EventRecorder
from holdfast.controller.export_controller import ExportController
from holdfast.controller.export_set import ExportSet
from holdfast.controller.health import Health
from holdfast.controller.lease_balancer import LeaseBalancer
from holdfast.controller.metrics import Metrics
from holdfast.controller.own_pod import delete_own_pod
from holdfast.controller.permissions import Permission, Permissions, review
from holdfast.controller.process_context import ProcessContext
from holdfast.controller.settings import Settings
from holdfast.controller.watched_file import WatchedFile
from holdfast.kube.api import Api
from holdfast.kube.config import load_configuration
from holdfast.kube.errors import KubeError
from holdfast.kube.event_broadcaster import EventBroadcaster
from holdfast.kube.resources import CLASSES
from holdfast.log import Logger

_log = Logger(__name__)

_PULSE = 0.5
_STUCK = 15.0  # seconds without a pulse after which the process counts as stuck
_WORK_IN_HAND = 5.0  # seconds that work in progress gets to finish, in total

STALE = 3  # exit code: the export must be mounted again; `watchdog.LOST` is another


class Manager:
    """One provisioner process; `run` returns its exit code."""

    def __init__(self, settings: Settings) -> None:
        """Raises ConfigurationError for an unreadable kubeconfig, OSError if the port is in use."""
        self._settings = settings
        self._stop = threading.Event()
        self._beat = time.monotonic()
        self.metrics = Metrics()
        self.api = Api(load_configuration(settings.kubeconfig), observe=self.metrics.observe_api)
        self.api_circuit = CircuitBreaker("API server", self._ask_api, (KubeError,))
        self.broadcaster = EventBroadcaster(
            self.api, f"{settings.provisioner.name}_{settings.identity}"
        )
        self.caches = Caches(self.api, settings.provisioner, self.broadcaster.postpone)
        self.events = EventRecorder(
            self.broadcaster, lambda key: self.caches.claims.get(key) is not None
        )
        self.permissions = self._permissions()
        shared = self._shared()
        self.exports = ExportSet(
            self.caches,
            lambda export: ExportController(export, settings, shared),
            self._replica_warning("ExportNotServed"),
        )
        self.exports.apply(settings.exports)
        self._file = self._watched_file()
        self.metrics.watch(
            "holdfast_api_up", "Whether the API server answers", lambda: self.api_circuit.available
        )
        self.health = Health(
            settings.http_host,
            settings.http_port,
            live=self.not_live,
            ready=self.not_ready,
            registry=self.metrics.registry,
        )

    def _watched_file(self) -> WatchedFile | None:
        if self._settings.config is None:
            return None
        warn = self._replica_warning("ConfigurationRefused")
        file = WatchedFile(self._settings.config, self._settings.exports, warn)
        self.metrics.watch(
            "holdfast_configuration_valid",
            "Whether the file that lists the exports can be read; the last good one is served",
            lambda: not file.mistake,
        )
        return file

    def _replica_warning(self, reason: str) -> Callable[[str], None]:
        """Records warnings about this replica as a whole."""
        namespace, provisioner = self._settings.namespace, self._settings.provisioner
        lease = provisioner.lease_of(self._settings.exports[0].name)
        return lambda message: self.events.replica_warning(namespace, lease, reason, message)

    def _permissions(self) -> Permissions:
        settings, provisioner = self._settings, self._settings.provisioner

        def ask() -> Iterable[Permission]:
            leases = [provisioner.lease_of(export.name) for export in self.exports.wanted]
            asked = leases if settings.leader_election else []
            return review(self.api, settings.namespace, asked)

        return Permissions(
            ask,
            self._replica_warning("PermissionMissing"),
            self._look_again,
            finalizer=settings.provisioner.finalizer,
        )

    def _shared(self) -> ProcessContext:
        return ProcessContext(
            api=self.api,
            api_circuit=self.api_circuit,
            caches=self.caches,
            permissions=self.permissions,
            events=self.events,
            metrics=self.metrics,
            spread=LeaseBalancer(self._settings.identity),
        )

    def run(self) -> int:
        """Runs until `stop` is called; returns the exit code."""
        settings = self._settings
        _log.info(
            "holdfast starts",
            version=__version__,
            provisioner=settings.provisioner.name,
            exports=[str(export.address) for export in settings.exports],
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
        self.api_circuit.start()
        self.caches.start()
        self.broadcaster.start()
        self.exports.start()
        self.health.start()  # it reports on the threads above

    def _wait(self) -> int:
        while not self._stop.wait(_PULSE):
            self._beat = time.monotonic()
            self._watch_file()
            self.exports.turn()
            for export in self.exports:
                export.claims.progress.tell()
                export.look_at_lease()
            if self._is_stale():
                delete_own_pod(self.api)
                return STALE
        return 0

    def _is_stale(self) -> bool:
        """Whether only a new pod can mount what is stale, and none is left to be served by this."""
        exports = tuple(self.exports)
        stale = [export for export in exports if export.export_client.is_stale]
        for export in stale:
            export.warn_stale()
        is_served = any(export.circuit.available for export in exports)
        return bool(stale) and not is_served

    def _watch_file(self) -> None:
        if self._file is None:
            return
        exports = self._file.news()
        if exports:
            self.exports.apply(exports)
            self.permissions.ask_soon()

    def _end(self) -> None:
        """Finishes the work, then releases the lease, so that the next leader starts at once."""
        _log.info("holdfast stops")
        self._stop.set()
        self.caches.stop()
        exports = tuple(self.exports)
        deadline = time.monotonic() + _WORK_IN_HAND
        for export in exports:
            export.stop()
        for export in exports:
            export.finish_work(deadline)
        for export in exports:
            export.release()
        self.broadcaster.stop()
        self.api_circuit.stop()
        for export in exports:
            export.close()
        self.health.stop()
        self.api.close()
        for export in exports:
            export.watchdog.stop()  # last: calls may hang until then

    def _look_again(self) -> None:
        for export in self.exports:  # which are created after what calls it
            export.volumes.resync()

    def _ask_api(self) -> None:
        """Raises KubeError; nothing is begun before it is known what is allowed.

        A read, which waits for no admission webhook, tells whether the API server answers.
        """
        next(self.api.pages(CLASSES, limit=1))
        self.permissions.refresh()

    def not_live(self) -> list[str]:
        """Why the process should be restarted; empty if it is live."""
        wrong = []
        if time.monotonic() - self._beat > _STUCK:
            wrong.append("the main thread hangs")
        for export in self.exports:
            wrong += export.not_live()
        if not self.api_circuit.thread.is_alive():
            wrong.append(f"thread {self.api_circuit.thread.name} has ended")
        return wrong

    def not_ready(self) -> list[str]:
        """Why no claim can be served now; empty if those of one export can, at least.

        An export that is away must not stop an update of the pods that serve the others.
        """
        wrong = self._not_ready_for_any()
        exports = [export.not_ready(others=bool(wrong)) for export in self.exports]
        exports += [[reason] for reason in self.exports.not_served()]
        if wrong or all(exports):
            wrong += itertools.chain.from_iterable(exports)
        return wrong

    def _not_ready_for_any(self) -> list[str]:
        wrong = []
        if not self.api_circuit.available:
            wrong.append(f"{self.api_circuit.name}: {self.api_circuit.reason}")
        wrong += self.permissions.missing
        if not self.caches.synced:
            wrong.append("claims, classes and volumes are not synced yet")
        return wrong
