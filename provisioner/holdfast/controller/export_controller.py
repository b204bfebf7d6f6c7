"""The controller of one export: its lease and terms, its queues and workers, and its trash."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from holdfast.claims.decide import DEFAULT_EXPORT
from holdfast.controller.circuit_breaker import CircuitBreaker
from holdfast.controller.claims_controller import ClaimsController
from holdfast.controller.context import Context
from holdfast.controller.empty_trash import Trash
from holdfast.controller.export_client import ExportClient
from holdfast.controller.export_id_check import ExportIdCheck, listed_twice
from holdfast.controller.export_metrics import ExportMetrics
from holdfast.controller.export_state import (
    NO_TERM,
    REMOVED,
    SERVING,
    STOPPED,
    UNAVAILABLE,
    ExportState,
    annotations_of,
)
from holdfast.controller.export_view import ExportView
from holdfast.controller.leader_tasks import LeaderTasks
from holdfast.controller.leadership import leadership
from holdfast.controller.lease_owner import LeaseOwner
from holdfast.controller.misplaced_report import MisplacedDirectories
from holdfast.controller.process_context import ProcessContext
from holdfast.controller.requeue import LeadershipLost
from holdfast.controller.settings import ExportSettings, Settings
from holdfast.controller.takeover_failures import TakeoverFailures
from holdfast.controller.volumes_controller import VolumesController
from holdfast.controller.watchdog import Watchdog
from holdfast.controller.work_gate import WorkGate
from holdfast.controller.workers import Workers
from holdfast.exports.errors import ExportError, WrongExport
from holdfast.exports.export import Export
from holdfast.exports.interface import Grant
from holdfast.kube import errors as kube
from holdfast.kube.resources import VOLUMES
from holdfast.kube.work_queue import WorkQueue
from holdfast.log import Logger

_log = Logger(__name__)

_LOOK = 0.25  # seconds between two looks whether hung calls have ended


def title_of(name: str) -> str:
    """What messages call an export: "export", with its name unless it is the default one."""
    return "export" if name == DEFAULT_EXPORT else f"export {name}"


class ExportController:
    """Everything that runs for one export; a hang here does not delay other exports.

    Attributes:
        title: what messages call the export.
    """

    def __init__(self, export: ExportSettings, settings: Settings, shared: ProcessContext) -> None:
        self.export = export
        self.title = title_of(export.name)
        self._stop = threading.Event()
        self._warned_stale = False
        self._ends_as = STOPPED
        self._settings = settings
        self._shared = shared
        self._provisioner = settings.provisioner
        if export.ownership is not None:
            self._provisioner = replace(self._provisioner, ownership=export.ownership)
        self.metrics = ExportMetrics(shared.metrics, export.name)
        self.view = ExportView(
            shared.caches,
            self._provisioner,
            export.address,
            export.name,
            export_id=lambda: self.identity.export_id,
            mounted_id=lambda: self.identity.mounted_id,
            leads=self._leads,
        )
        self._set_up_directories()
        self._set_up_leadership()
        self._set_up_trash()
        context = self._context()
        self.claims = ClaimsController(context)
        self.misplaced = MisplacedDirectories(context)
        self.volumes = VolumesController(context, self.misplaced, self.trash.look)
        self._set_up_leader_tasks()
        self.workers = [
            self._workers_of("claims", self.view.claim_queue, self.claims),
            self._workers_of("volumes", self.view.volume_queue, self.volumes),
        ]
        self._watch_gauges()

    def start(self) -> None:
        """Starts probing the export and campaigning for its lease."""
        self.circuit.start()
        self.watchdog.start()
        self.leadership.start()
        self.leader_tasks.start()
        self.trash.start()
        for workers in self.workers:
            workers.start()

    def stop(self) -> None:
        """Begins no more work; `finish_work`, `release` and `close` end it in this order."""
        self._stop.set()
        self._shared.spread.remove(self.export.name)
        self.view.stop()

    def retire(self, seconds: float) -> None:
        """Ends everything of an export that is not served any more.

        Returns once its last call has ended, however long that takes: this process must not begin
        another term of the same export before.
        """
        self._ends_as = REMOVED
        self.stop()
        self.metrics.remove()  # an alert about it ends now, however long its calls hang
        self.finish_work(time.monotonic() + seconds)
        self.release()
        self.close()
        while self.export_client.is_busy():
            time.sleep(_LOOK)
        self.metrics.remove()  # what late calls have counted
        self.watchdog.stop()

    def finish_work(self, deadline: float) -> None:
        """Waits for work in progress until `deadline` (monotonic) at most."""
        stops = [part.stop for part in self.workers]
        for stop in (*stops, self.leader_tasks.stop, self.trash.stop):
            stop(max(0.0, deadline - time.monotonic()))

    def release(self) -> None:
        """Releases the lease, so that the next leader starts at once."""
        self.leadership.stop()

    def close(self) -> None:
        """Stops the probe and the threads of the lanes."""
        self.circuit.stop()
        self.export_client.close()

    def not_live(self) -> list[str]:
        """The threads that should run but have ended; empty if all run."""
        threads = [thread for workers in self.workers for thread in workers.threads]
        threads += [part.thread for part in (self.leader_tasks, self.trash, self.watchdog)]
        threads.append(self.circuit.thread)
        return [f"thread {thread.name} has ended" for thread in threads if not thread.is_alive()]

    def not_ready(self, *, others: bool = False) -> list[str]:
        """Why it cannot serve claims; empty if it can.

        A term that could not begin is reported only if nothing else is known to be wrong, here or
        in `others`: it may have the same cause.
        """
        missing = self._shared.permissions.missing_for(self._lease)
        if not self.circuit.available:
            return [*missing, f"{self.circuit.name}: {self.circuit.reason}"]
        if missing:
            return missing
        if not self.failures.reason or others:
            return []
        return [self._named(self.failures.reason)]

    def _set_up_directories(self) -> None:
        export = self.export
        self.identity = ExportIdCheck(
            export.address,
            self.view.telling,
            self._may_have_directory,
            self._replica_warning("WrongExport"),
            self._replica_warning("UnknownVolumeAddress"),
            addresses=self._shared.caches.addresses,
            name=export.name,
            refuse_second=self._refuse_second,
        )
        self.export_client = ExportClient(
            Export(export.root, self.refuse_unless_leading),
            export.deadline,
            self.metrics,
            grant=self._grant,
            check=self.identity.check,
            can_check=lambda: bool(self.identity.export_id) or self.view.synced,
            name=export.name,
        )
        self.circuit = CircuitBreaker(self.title, self.export_client.probe, (ExportError,))
        self.export_client.trouble = self.circuit.check_soon

    def _refuse_second(self, export_id: str) -> None:
        """Raises WrongExport if another export of the file, which is served, has this id."""
        owner = self._shared.caches.owner_of(export_id)
        if owner is not None and owner is not self.view:
            raise WrongExport(listed_twice((owner.name, self.export.name), export_id))

    def _set_up_leadership(self) -> None:
        shared = self._shared
        self.failures = TakeoverFailures(self._replica_warning("TermNotBegun"))
        self.leadership = leadership(
            shared.api,
            self._settings,
            self._lease,
            export=self.export.name,
            acquire_delay=lambda: shared.spread.acquire_delay(self.export.name),
            may_lead=lambda: self.circuit.available and self.failures.may_lead(),
            busy=self.export_client.is_busy,
            describe=self._describe,
        )
        shared.spread.add(self.export.name, self.leadership)
        self._lease_owner = LeaseOwner(
            self._provisioner, self.export.name, self._replica_warning("LeaseTaken")
        )
        self.watchdog = Watchdog(
            self.leadership.leading,
            self.export_client.is_busy,
            may_exit=self._is_only,
            export=self.export.name,
        )
        circuits = (shared.api_circuit, self.circuit)
        self.gate = WorkGate(self.leadership.leading, circuits, self._stop)

    def _set_up_trash(self) -> None:
        shared = self._shared
        self.trash = Trash(
            self.export_client,
            self.gate,
            is_gone=self.is_gone,
            exists=self.exists,
            check=self._check_trashed,
            api=shared.api_circuit,
            export=self.circuit,
            events=shared.events,
            metrics=self.metrics,
            stop=self._stop,
        )

    def _set_up_leader_tasks(self) -> None:
        shared = self._shared
        self.leader_tasks = LeaderTasks(
            shared,
            export_client=self.export_client,
            identity=self.identity,
            export_circuit=self.circuit,
            gate=self.gate,
            failures=self.failures,
            lease=self._lease,
            former_leases=self._provisioner.former_leases_of(self.export.name),
            takes_over=self._provisioner.takes_over,
            claims=self.claims,
            volumes=self.volumes,
            misplaced=self.misplaced,
            trash=self.trash,
            view=self.view,
            stop=self._stop,
        )

    def _context(self) -> Context:
        shared = self._shared
        return Context(
            api=shared.api,
            view=self.view,
            export_client=self.export_client,
            provisioner=self._provisioner,
            address=self.export.address,
            events=shared.events,
            metrics=shared.metrics,
            export_metrics=self.metrics,
            identity=self.identity,
            check_term=self.gate.check_term,
            may_patch_volumes=shared.permissions.may_patch_volumes,
        )

    def _workers_of(self, name: str, queue: WorkQueue, handle: Callable[[str], None]) -> Workers:
        return Workers(
            name,
            queue,
            handle,
            self.gate,
            api=self._shared.api_circuit,
            export=self.circuit,
            count=self._settings.workers,
        )

    def _watch_gauges(self) -> None:
        metrics = self.metrics
        for name, queue in (("claims", self.view.claim_queue), ("volumes", self.view.volume_queue)):
            metrics.watch(f"holdfast_{name}_queue_depth", f"Waiting {name}", queue.depth)
        metrics.watch("holdfast_leader", "Whether this replica leads", self.leadership.leading)
        metrics.watch(
            "holdfast_term_begun",
            "Whether this replica leads and has begun a term, without which nothing is served",
            lambda: self.gate.term is not None,
        )
        metrics.watch(
            "holdfast_export_up", "Whether the export answers", lambda: self.circuit.available
        )
        metrics.watch(
            "holdfast_volumes_unknown_address",
            "Volumes on this export that name its server or path differently and are left alone; "
            "with the first export also inherited volumes on none",
            self.identity.unknown_addresses,
        )

    def look_at_lease(self) -> None:
        """Says once if another installation has the lease."""
        self._lease_owner.look(self.leadership.last_seen())

    def warn_stale(self) -> None:
        """Says once what can be done about a stale mount."""
        if self._warned_stale:
            return
        self._warned_stale = True
        message = "the mount is stale: only a new pod can mount the export again; delete this one"
        _log.error(message, export=self.export.name)
        self._replica_warning("StaleMount")(message)

    def state(self) -> ExportState:
        """How the export is, as far as is known in memory."""
        probed = self.export_client.probed
        state, reason = (self._ends_as, "") if self._stop.is_set() else self._serves()
        return ExportState(
            state=state,
            reason=reason,
            volumes=self.view.volume_count(),
            trash=self.trash.content,
            latency_seconds=probed.seconds if probed else None,
            probed=probed.at if probed else None,
        )

    def refuse_unless_leading(self) -> None:
        """Raises LeadershipLost if another replica may lead."""
        if not self.leadership.leading():
            raise LeadershipLost

    def is_gone(self, volume: str) -> bool:
        """Whether the cache has no volume of that name, and it was not to be retained."""
        return self.view.volumes.get(volume) is None and not self.view.was_kept(volume)

    def exists(self, volume: str) -> bool:
        """Whether the API server has a volume of that name; raises KubeError."""
        try:
            self._shared.api.get(VOLUMES, volume)
        except kube.NotFound:
            return False
        return True

    def _may_have_directory(self, directory: str) -> bool:
        """Whether a directory exists, or another volume's may, as not all volumes are known yet."""
        if not self.view.synced:
            return True
        return self.export_client.read(
            "look for a directory", lambda exports: exports.has_directory(directory)
        )

    def _leads(self) -> bool:
        return self.leadership.leading()  # it is created after the view

    @property
    def _lease(self) -> str:
        return self._provisioner.lease_of(self.export.name)

    def _serves(self) -> tuple[str, str]:
        """The state and its reason."""
        if not self.circuit.available:
            return UNAVAILABLE, self.circuit.reason
        if self.gate.term is None:
            return NO_TERM, self._why_no_term()
        return SERVING, ""

    def _why_no_term(self) -> str:
        if self.export_client.is_busy() and not self.leadership.leading():
            return "calls of its last term have not ended"
        return self.failures.reason or "it is about to begin"

    def _describe(self) -> Mapping[str, str]:
        return annotations_of(self._provisioner, self.export, self.state())

    def _check_trashed(self, volume: str) -> None:
        self.volumes.check_trashed(volume)  # it is created after the trash

    def _grant(self, seconds: float) -> Grant:
        return self.gate.grant(seconds)  # the gate is created after the directories

    def _replica_warning(self, reason: str) -> Callable[[str], None]:
        """Records warnings about this replica as a whole."""
        namespace, lease = self._settings.namespace, self._lease
        events = self._shared.events
        return lambda message: events.replica_warning(
            namespace, lease, reason, self._named(message)
        )

    def _named(self, message: str) -> str:
        """The message, with the export's name unless it is the default one."""
        is_default = self.export.name == DEFAULT_EXPORT
        return message if is_default else f"{self.title}: {message}"

    def _is_only(self) -> bool:
        """Whether no other export is served; nor need this one be, while it ends."""
        return set(self._shared.caches.views) <= {self.view}
