"""What a leader does besides handling keys: taking over, and emptying the trash."""

from __future__ import annotations

import math
import threading
import time

import structlog

from holdfast.controller.circuit import Circuit
from holdfast.controller.cluster import Cluster
from holdfast.controller.directories import Directories
from holdfast.controller.gate import Gate
from holdfast.controller.keep import Keep
from holdfast.controller.provision import Provision
from holdfast.exports.errors import ExportError, Unavailable
from holdfast.exports.export import Export
from holdfast.kube.api import Api
from holdfast.kube.errors import Forbidden, KubeError
from holdfast.kube.resources import NAMESPACES

_log = structlog.get_logger()

_LOOK = 0.25  # seconds between two looks for leadership
_REAP_SOON = 1.0  # by then the event of the volume's deletion is here
_REAP_AGAIN = 10.0
_REAP_SHARE = 0.5  # of an export's deadline, for one round


class Steward:
    """One thread: opens the gate when this replica begins to lead, closes it at the end."""

    def __init__(
        self,
        *,
        api: Api,
        cluster: Cluster,
        directories: Directories,
        export_circuit: Circuit,
        gate: Gate,
        stop: threading.Event,
    ) -> None:
        self._api = api
        self._cluster = cluster
        self._directories = directories
        self._circuit = export_circuit
        self._gate = gate
        self._stop = stop
        self._reap_at = math.inf
        self.thread = threading.Thread(target=self._run, name="steward", daemon=True)

    def start(self, provision: Provision, keep: Keep) -> None:
        """Begins to look for leadership."""
        self._provision = provision
        self._keep = keep
        self.thread.start()

    def stop(self, seconds: float) -> None:
        """Waits for the work in hand; the program's `stop` was set before."""
        self.thread.join(seconds)

    def trashed(self) -> None:
        """There is something to reap."""
        self._reap_at = min(self._reap_at, time.monotonic() + _REAP_SOON)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._turn()
            except Unavailable as error:
                self._circuit.trip(error.message)
            except KubeError as error:
                _log.warning("cannot begin to work", reason=error.message)
                self._stop.wait(_REAP_SOON)
            except ExportError as error:
                _log.warning("trash not emptied", reason=error.message)
                self._reap_at = time.monotonic() + _REAP_AGAIN
            except Exception:  # noqa: BLE001 - nobody else would empty the trash
                _log.exception("unexpected error of the steward")
                self._stop.wait(_REAP_AGAIN)

    def _turn(self) -> None:
        if not self._may_work():
            self._gate.begun.clear()
        elif not self._gate.begun.is_set():
            self._take_over()
        elif time.monotonic() >= self._reap_at:
            self._reap_at = math.inf
            self._reap()
        self._stop.wait(_LOOK)

    def _may_work(self) -> bool:
        return self._cluster.synced and self._gate.can_begin()

    def _take_over(self) -> None:
        """Reads what an earlier leader left, before anything new is begun."""
        self._directories.identify(self._origin())
        self._keep.begin(self._directories.do("list", Export.recorded))
        self._provision.settle(self._directories.do("list", Export.unconfirmed))
        self.trashed()
        self._gate.begun.set()
        _log.info("at work")

    def _origin(self) -> str:
        """The cluster's uid, as the field has it: that of the namespace kube-system."""
        try:
            return str(self._api.get(NAMESPACES, "kube-system")["metadata"]["uid"])
        except Forbidden as error:
            _log.warning("the cluster's uid is not known", reason=error.message)
            return ""

    def _reap(self) -> None:
        end = time.monotonic() + self._directories.seconds * _REAP_SHARE
        left = self._directories.do(
            "reap",
            lambda export: export.reap(
                self._is_gone, lambda: self._gate.is_open() and time.monotonic() < end
            ),
        )
        if left:
            self._reap_at = min(self._reap_at, time.monotonic() + _REAP_AGAIN)

    def _is_gone(self, volume: str) -> bool:
        return self._cluster.volumes.get(volume) is None
