"""The leader's tasks besides reconciling keys: takeover (beginning a term) and the sweep."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterable

from holdfast.controller.circuit_breaker import CircuitBreaker
from holdfast.controller.claims_controller import ClaimsController
from holdfast.controller.empty_trash import Trash
from holdfast.controller.export_client import ExportClient
from holdfast.controller.export_id_check import ExportIdCheck
from holdfast.controller.export_view import ExportView
from holdfast.controller.misplaced_report import MisplacedDirectories
from holdfast.controller.process_context import ProcessContext
from holdfast.controller.requeue import MAY_BE_API_OUTAGE, LeadershipLost
from holdfast.controller.takeover_failures import TakeoverFailures
from holdfast.controller.volumes_controller import VolumesController
from holdfast.controller.work_gate import WorkGate
from holdfast.exports import errors as exports
from holdfast.exports.export_id_file import new_export_id
from holdfast.exports.interface import ExportInterface, Grant, Leader, MovedBack, Takeover
from holdfast.kube import errors as kube
from holdfast.kube.backoff import Backoff
from holdfast.kube.resources import NAMESPACES
from holdfast.log import Logger

_log = Logger(__name__)

_LOOK = 0.25  # seconds between two checks for leadership
_SWEEP = 20.0  # seconds; a directory that a late call moved is back within a minute
_LASTING = 60.0  # a term that lasted this many seconds was not a failure


class LeaderTasks:
    """One thread that opens the work gate when a term begins and closes it when the term ends."""

    def __init__(
        self,
        shared: ProcessContext,
        *,
        export_client: ExportClient,
        identity: ExportIdCheck,
        export_circuit: CircuitBreaker,
        gate: WorkGate,
        failures: TakeoverFailures,
        lease: str,
        claims: ClaimsController,
        volumes: VolumesController,
        misplaced: MisplacedDirectories,
        trash: Trash,
        view: ExportView,
        stop: threading.Event,
        former_leases: tuple[str, ...] = (),
        takes_over: Iterable[str] = (),
    ) -> None:
        self._shared = shared
        self._export_client = export_client
        self._identity = identity
        self._export_circuit = export_circuit
        self._gate = gate
        self._failures = failures
        self._lease = lease
        self._former_leases = former_leases
        self._takes_over = tuple(sorted(takes_over))
        self._claims = claims
        self._volumes = volumes
        self._misplaced = misplaced
        self._trash = trash
        self._stop = stop
        self._view = view
        self._backoff = Backoff(1.0, 30.0)
        self._began = -math.inf
        self._sweep_at = math.inf
        self.thread = threading.Thread(target=self._run, name="leader-tasks", daemon=True)

    def start(self) -> None:
        """Starts waiting for leadership."""
        self.thread.start()

    def stop(self, seconds: float) -> None:
        """Waits for work in progress; the manager has set `stop` before."""
        self.thread.join(seconds)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._turn()
            except exports.ExportUnavailable as error:
                self._export_circuit.trip(error.message)
            except kube.ServerUnavailable as error:
                self._shared.api_circuit.trip(error.message)
            except (exports.Fenced, LeadershipLost):
                self._gate.close()
            except (kube.KubeError, exports.ExportError) as error:
                if isinstance(error, MAY_BE_API_OUTAGE):
                    self._shared.api_circuit.check_soon()
                _log.warning("leader task failed", reason=error.message)
                self._pause()
            except Exception:  # noqa: BLE001 - no other thread begins a term
                _log.exception("unexpected error in a leader task")
                self._pause()

    def _pause(self) -> None:
        if self._gate.term is not None:  # else `_rest` waits before the next attempt
            self._stop.wait(self._backoff.next())

    def _turn(self) -> None:
        if not self._may_work():
            self._gate.close()
            self._view.pause()
        elif self._gate.term is None:
            self._rest()
            with self._failures.noted():
                self._take_over()
        elif time.monotonic() >= self._sweep_at:
            self._sweep()
        self._stop.wait(_LOOK)

    def _may_work(self) -> bool:
        if not self._failures.may_lead():
            self._began = -math.inf  # the next attempt belongs to another leadership
            return False
        return self._view.synced and self._gate.can_begin()

    def _take_over(self) -> None:
        """Begins a term, and queues what earlier leaders left unfinished before new work starts."""
        self._identify()
        self._identity.warn_of_unknown_addresses()
        takeover = self._begin()
        for reason in takeover.unresolved:
            _log.warning("an earlier term left unfinished changes", reason=reason)
        self._view.resume()
        self._volumes.begin(takeover.moving)
        self._check_records()
        self._claims.begin(takeover.unfinished)
        self._trash.look()
        self._gate.open(takeover.term)
        self._sweep_at = time.monotonic() + _SWEEP
        _log.info(
            "term begun",
            export=self._view.name,
            export_id=self._identity.export_id,
            term=takeover.term.number,
        )

    def _rest(self) -> None:
        """Waits after a failed attempt, or if two replicas without a lease fence each other."""
        now = time.monotonic()
        if now - self._began < _LASTING:
            self._stop.wait(self._backoff.next())
        else:
            self._backoff.reset()
        self._began = time.monotonic()

    def _identify(self) -> None:
        info = self._export_client.read("inspect", lambda exports: exports.inspect())
        self._identity.check_all(info)
        if not info.id:
            new = new_export_id()
            info = self._export_client.begin(lambda exports: exports.initialise(new))
            _log.info("export id assigned", export=self._view.name, export_id=info.id)
            self._identity.check_all(info)  # another export of the file may be the same
        self._identity.export_id = info.id
        self._identity.cluster = self._cluster_uid()

    def _begin(self) -> Takeover:
        leader = Leader(self._identity.cluster, self._lease, self._former_leases, self._takes_over)
        return self._export_client.begin(lambda exports: exports.begin(leader))

    def _check_records(self) -> None:
        """Has volumes without a record looked at; compares names, as there can be many records."""
        try:
            names = self._export_client.read("list records", lambda exports: exports.recorded())
        except exports.Failed as error:  # no reason to serve nobody
            _log.warning("cannot list the records", reason=error.message)
        else:
            self._volumes.check_recorded(names)

    def _cluster_uid(self) -> str:
        """The cluster's uid, by convention that of the namespace kube-system."""
        try:
            return str(self._shared.api.get(NAMESPACES, "kube-system")["metadata"]["uid"])
        except kube.Forbidden as error:
            _log.warning("cannot read the cluster's uid", reason=error.message)
            return ""

    def _sweep(self) -> None:
        def sweep(exports: ExportInterface, grant: Grant) -> tuple[MovedBack, ...]:
            return exports.sweep(grant)

        self._sweep_at = time.monotonic() + _SWEEP
        term = self._gate.term
        if term is None:
            return
        with self._gate.within(term):
            for moved in self._export_client.change("sweep", sweep):
                self._report(moved)

    def _report(self, moved: MovedBack) -> None:
        if moved.reason:
            self._misplaced.report_not_moved_back(moved.volume, moved.found_at, moved.reason)
        else:
            self._misplaced.report_moved_back(moved.volume, moved.directory, moved.found_at)
