"""Empties the trash: each turn reaps one volume, for a bounded number of entries and seconds.

Round robin, so that no volume waits for another's ten million files. What cannot be removed is
retried with back-off and reported once. Between two turns it rests for at least as long as the turn
took, so that live work has the export for half of the time.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from holdfast.controller.circuit_breaker import CircuitBreaker
from holdfast.controller.event_recorder import EventRecorder
from holdfast.controller.export_client import ExportClient
from holdfast.controller.export_commands import with_export
from holdfast.controller.export_metrics import ExportMetrics
from holdfast.controller.export_state import TrashContent
from holdfast.controller.requeue import MAY_BE_API_OUTAGE, LeadershipLost
from holdfast.controller.work_gate import WorkGate
from holdfast.exports.errors import ExportError, ExportUnavailable, Fenced, TimedOut
from holdfast.exports.interface import ExportInterface, Grant, Reaped
from holdfast.kube import errors as kube
from holdfast.kube.backoff import delay
from holdfast.log import Logger

_log = Logger(__name__)

ENTRIES = 500  # removed in one turn
_LOOK = 0.25  # seconds between two checks while the work gate is closed
_RELIST = 60.0
_REST = 0.02
_FIRST_RETRY, _LAST_RETRY = 10.0, 600.0


@dataclass(slots=True)
class _Entry:
    """One volume in the trash; `due` by the monotonic clock."""

    due: float = 0.0
    failures: int = 0
    age: float = 0.0
    blocked: tuple[str, ...] = ()
    why: str = ""  # what blocks it, and what to do
    confirmed: bool = False  # the API server has said that the volume is gone


class Trash:
    """One thread that empties the trash of one export, while this replica leads."""

    def __init__(
        self,
        export_client: ExportClient,
        gate: WorkGate,
        *,
        is_gone: Callable[[str], bool],
        exists: Callable[[str], bool],
        check: Callable[[str], object],
        api: CircuitBreaker,
        export: CircuitBreaker,
        events: EventRecorder,
        metrics: ExportMetrics,
        stop: threading.Event,
    ) -> None:
        """Until a volume is gone, its data stays.

        Args:
            export_client: the export.
            gate: tells whether this replica leads.
            is_gone: whether the cache has no such volume.
            exists: whether the API server has one, also one that the cache leaves out; raises
                KubeError.
            check: is told of each volume that is in the trash but not gone.
            api: the API server's circuit breaker.
            export: the export's circuit breaker.
            events: records what cannot be removed.
            metrics: the export's metrics.
            stop: ends the thread.
        """
        self._export_client = export_client
        self._gate = gate
        self._is_gone = is_gone
        self._exists = exists
        self._check = check
        self._api = api
        self._export = export
        self._events = events
        self._metrics = metrics
        self._stop = stop
        self._entries: dict[str, _Entry] = {}  # the first has waited longest
        self._listed = 0.0
        self.content: TrashContent | None = None  # as of the last turn; None while it is not known
        self._news = threading.Event()
        self.thread = threading.Thread(target=self._run, name="trash", daemon=True)

    def start(self) -> None:
        """Starts emptying the trash."""
        self.thread.start()

    def stop(self, seconds: float) -> None:
        """Waits for the current turn; the manager has set `stop` before."""
        self._news.set()
        self.thread.join(seconds)

    def look(self) -> None:
        """Asks for a new list: the trash has new entries, or a volume is gone."""
        self._news.set()

    def _run(self) -> None:
        while not self._stop.is_set():
            term = self._gate.term
            if term is None or not self._gate.is_open():
                self._forget()
                self._stop.wait(_LOOK)
                continue
            try:
                with self._gate.within(term):
                    self._turn()
            except Fenced:
                self._gate.end(term)
            except LeadershipLost:
                continue
            except ExportUnavailable as error:
                self._export.trip(error.message)
            except kube.ServerUnavailable as error:
                self._api.trip(error.message)
            except ExportError as error:
                _log.warning("cannot empty the trash for now", reason=error.message)
                self._stop.wait(_FIRST_RETRY)
            except Exception:  # noqa: BLE001 - no other thread empties the trash
                _log.exception("unexpected error while emptying the trash")
                self._stop.wait(_FIRST_RETRY)

    def _turn(self) -> None:
        now = time.monotonic()
        if self._news.is_set() or now >= self._listed + _RELIST:
            self._list(now)
        volume = self._next(now)
        if volume is None:
            self._news.wait(self._patience(now))
            return
        entry = self._entries.pop(volume)  # it is added again at the end
        try:
            reaped = self._reaped(volume, entry)
        except (Fenced, LeadershipLost, ExportUnavailable, kube.ServerUnavailable):
            self._entries[volume] = entry
            raise
        self._note(volume, entry, reaped)
        self._stop.wait(max(_REST, time.monotonic() - now))

    def _list(self, now: float) -> None:
        self._news.clear()
        self._listed = now
        names = set(self._export_client.read("list trash", lambda one: one.trashed()))
        known = self._entries
        self._entries = {name: entry for name, entry in known.items() if name in names}
        self._entries |= {name: _Entry() for name in sorted(names - known.keys())}
        self._count()
        for name in names:
            if not self._is_gone(name):
                self._entries[name].confirmed = False  # a person may have created it again
                self._check(name)

    def _next(self, now: float) -> str | None:
        due = (name for name, entry in self._entries.items() if entry.due <= now)
        return next((name for name in due if self._is_gone(name)), None)

    def _patience(self, now: float) -> float:
        dues = [entry.due for name, entry in self._entries.items() if self._is_gone(name)]
        return max(_REST, min([self._listed + _RELIST, *dues]) - now)

    def _reaped(self, volume: str, entry: _Entry) -> Reaped:
        """Reaps a volume once the API server itself says that it is gone; asked once for each.

        The cache leaves out those that another provisioner has on this export at a server name
        that is unknown here.
        """
        if not entry.confirmed:
            try:
                entry.confirmed = not self._exists(volume)
            except kube.ServerUnavailable:  # concerns all volumes
                raise
            except kube.KubeError as error:
                if isinstance(error, MAY_BE_API_OUTAGE):
                    self._api.check_soon()
                reason = f"the API server does not say whether the volume is gone: {error.message}"
                return Reaped(done=False, age=entry.age, blocked=(reason,))
        return self._reap(volume, entry) if entry.confirmed else Reaped(done=False, age=entry.age)

    def _reap(self, volume: str, entry: _Entry) -> Reaped:
        def reap(exports: ExportInterface, grant: Grant) -> Reaped:
            return exports.reap(grant, volume, ENTRIES)

        try:
            return self._export_client.change("reap", reap, volume)
        except (Fenced, ExportUnavailable):
            raise
        except TimedOut as error:  # how much was removed is unknown
            _log.warning("cannot empty trash for now", volume=volume, reason=error.message)
            return Reaped(done=False, age=entry.age)
        except ExportError as error:
            return Reaped(done=False, age=entry.age, blocked=(error.message,))

    def _note(self, volume: str, entry: _Entry, reaped: Reaped) -> None:
        self._metrics.trash_removed.inc(reaped.removed)
        if not reaped.done:
            self._entries[volume] = self._later(volume, entry, reaped)
        elif reaped.removed:  # else nothing was there: shared, gone, or moved away by hand
            _log.info("trash emptied", volume=volume)
        self._count()

    def _later(self, volume: str, entry: _Entry, reaped: Reaped) -> _Entry:
        failures = 0 if reaped.removed else entry.failures + 1
        wait = _retry_after(failures) if failures else 0.0
        reasons = "; ".join(reaped.details or reaped.blocked)
        reasons = with_export(reasons, self._export_client.name)
        if reaped.blocked and reaped.blocked != entry.blocked:
            _log.warning("cannot empty trash", volume=volume, reason=reasons)
            self._events.trash_warning(volume, reasons)
        due = time.monotonic() + wait
        return _Entry(due, failures, reaped.age, reaped.blocked, reasons, entry.confirmed)

    def _count(self) -> None:
        entries = self._entries.values()
        oldest = max((entry.age for entry in entries), default=0.0)
        blocked = sum(bool(entry.blocked) for entry in entries)
        why = next((f"{name}: {one.why}" for name, one in self._entries.items() if one.why), "")
        self.content = TrashContent(len(entries), oldest, blocked, why)
        self._metrics.trash_volumes.set(len(entries))
        self._metrics.trash_oldest_seconds.set(oldest)
        self._metrics.set_blocked(_reasons(entries))

    def _forget(self) -> None:
        """Clears the entries and metrics: a replica that does not lead cannot know the trash."""
        if self._entries or self._listed:
            self._entries, self._listed = {}, 0.0
            self._count()
            self.content = None


def _retry_after(failures: int) -> float:
    return delay(failures, initial=_FIRST_RETRY, maximum=_LAST_RETRY, factor=2.0, jitter=0.1)


def _reasons(entries: Iterable[_Entry]) -> Counter[str]:
    """By reason, how many volumes are blocked; a sentence counts as `other`."""
    reasons = (reason for entry in entries for reason in entry.blocked)
    return Counter(reason if " " not in reason else "other" for reason in reasons)
