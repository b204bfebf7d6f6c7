"""The processes of one cluster, one after the other the leader, and their faults."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from holdfast.controller.requeue import LeadershipLost, Requeue
from holdfast.exports.errors import ExportError, Failed, TimedOut
from holdfast.kube.errors import KubeError
from holdfast.kube.resources import VOLUMES
from holdfast.kube.work_queue import WorkQueue
from tests.search.cluster import Cluster
from tests.search.faults import Faults, Kind
from tests.search.network import Network
from tests.search.process import Process
from tests.unit.exports.faults import Crash

_CALLS = ("create", "confirm", "undo", "reclaim", "update_record", "recover", "leave")
_TRIES = 5  # to take over; at most one meets a fault


@dataclass
class Replicas:
    """One leads at a time; `replaced` are former leaders whose last call may still run."""

    cluster: Cluster
    network: Network
    faults: Faults
    process: Process = field(init=False)
    replaced: list[Process] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """A process becomes the leader; if it cannot, the next one tries.

        There is room for its term: a spare folder, or the reserve.
        """
        is_full, self.faults.is_full = self.faults.is_full, False
        self._start()
        self.faults.is_full = is_full

    def _start(self) -> None:
        for _ in range(_TRIES):
            try:
                self.process = Process(self.cluster)
            except (Crash, ExportError) as error:
                self.cluster.say("takeover failed", type(error).__name__, error)
                self.tell_fault()
                self.faults.calm()
            else:
                self.network.takeovers += 1
                return
        raise AssertionError("no process can take over")

    def crash(self) -> None:
        self.cluster.say("crash")
        self.restart()

    def restart(self) -> None:
        """Another process takes over; a fault may happen within."""
        self.process.leads = False
        self.replaced.append(self.process)
        self.faults.calm()
        if self.cluster.random.random() < 0.1:
            self.arm_fault()
        self.start()

    def close_replaced(self) -> None:
        while self.replaced:
            self.replaced.pop().close()

    def work(self) -> bool:
        """One worker handles one key; False if none is due."""
        process = self.process
        queues = process.work()
        self.cluster.random.shuffle(queues)
        for queue, handle in queues:
            key = queue.get(timeout=0)
            if key is not None:
                self._handle(process, queue, handle, key)
                return True
        return False

    def _handle(
        self, process: Process, queue: WorkQueue, handle: Callable[[str], object], key: str
    ) -> None:
        try:
            with process.gate.within(process.term):
                handle(key)
        except (Requeue, ExportError, KubeError) as error:
            self.cluster.say("work on", key, type(error).__name__, error)
            queue.retry(key)
        except LeadershipLost:
            self.cluster.say("work on", key, "ended by a takeover")
            assert not process.leads
        except Crash:
            self.cluster.say("crash in the work on", key)
            self._restart_unless_replaced(process)
        else:
            self.cluster.say("work on", key)
            queue.forget(key)
        finally:
            queue.done(key)

    def _restart_unless_replaced(self, process: Process) -> None:
        if process is self.process:
            self.tell_fault()
            self.restart()

    def retry_all(self) -> None:
        self.process.retry_all()

    def see_all(self) -> None:
        self.network.deliver(self.process)

    def see_some(self) -> None:
        self.network.deliver(self.process, self.cluster.random.randint(1, 6))

    def reap(self) -> None:
        self._on_export("reap", self._reap)

    def sweep(self) -> None:
        self._on_export("sweep", lambda process: process.export.sweep(process.grant))

    def _on_export(self, what: str, act: Callable[[Process], object]) -> None:
        process = self.process
        try:
            act(process)
        except ExportError as error:
            self.cluster.say(what, error)
        except Crash:
            self.cluster.say("crash in", what)
            self._restart_unless_replaced(process)

    def _reap(self, process: Process) -> None:
        """As `Trash` does: only what neither the cache nor the API server has."""
        for name in process.export.trashed():
            if process.view.volumes.get(name) is not None or process.view.was_kept(name):
                process.volumes_controller.check_trashed(name)
            elif VOLUMES.path(name=name) not in self.cluster.server.objects.by_path:
                process.export.reap(process.grant, name, 1000)

    def arm_fault(self) -> None:
        kinds = [Kind.ERROR, Kind.ERROR, Kind.LOST, Kind.CRASH, Kind.CRASH_AFTER]
        if self.network.carries_out_late:
            kinds.append(Kind.LATE)
        kind = self.cluster.random.choice(kinds)
        self.faults.arm(self.cluster.random, kind)
        self.cluster.say("soon:", kind.value)

    def expire_grant(self) -> None:
        self.faults.expire(self.cluster.random)
        self.cluster.say("soon: the time of a grant is up")

    def fill(self) -> None:
        """Others fill the export, or remove what they have there."""
        self.faults.is_full = not self.faults.is_full
        self.cluster.say("export full:", self.faults.is_full)

    def carry_out_late_call(self) -> None:
        if self.faults.late:
            call = self.faults.late.pop(0)
            self.cluster.say("late:", call.told)
            call.carry_out()

    def time_out(self) -> None:
        """The next call of a kind does not answer in time, though it may have done its work."""
        export, method = self.process.export, self.cluster.random.choice(_CALLS)
        real, is_done = getattr(export, method), self.cluster.random.random() < 0.5
        error = self.cluster.random.choice([TimedOut, Failed])
        self.cluster.say("next", method, error.__name__, "though done" if is_done else "")

        def fail(*args: object, **kwargs: object) -> None:
            vars(export).pop(method, None)
            if is_done:
                real(*args, **kwargs)
            raise error("not in time")

        setattr(export, method, fail)

    def calm(self) -> None:
        """No fault waits any more; late calls are carried out, and there is room."""
        self.faults.calm()
        self.faults.is_full = False
        for method in _CALLS:
            vars(self.process.export).pop(method, None)
        while self.faults.late:
            self.carry_out_late_call()

    def tell_fault(self) -> None:
        if struck := self.faults.told():
            self.cluster.say("   fault", struck)
