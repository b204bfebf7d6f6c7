"""Something in the middle of an operation: another worker, reaper or sweep, or a takeover."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import pytest

from holdfast.controller.export_client import ExportClient
from holdfast.exports.errors import TimedOut
from holdfast.exports.operation import PathLocks
from holdfast.kube.resources import VOLUMES
from tests.fake.apiserver import Fault, Request, Verb
from tests.search.controller_manager import ControllerManager
from tests.search.faults import Kind
from tests.search.replicas import Replicas

_VERBS: tuple[Verb, ...] = ("create", "patch", "delete", "get")
_PATIENCE = 30.0  # seconds; only a deadlock takes as long
_depth = 0  # of operations that are interrupted now, in this process


@dataclass
class Beside:
    """Interrupts operations of one cluster."""

    replicas: Replicas
    manager: ControllerManager

    def arm(self) -> None:
        """At one of the next system calls, or before the next request of a kind."""
        cluster = self.replicas.cluster
        act = cluster.random.choice([self._work, self._work, self._clean_up, self._take_over])
        if cluster.random.random() < 0.3:
            verb = cluster.random.choice(_VERBS)
            cluster.say("before the next", verb, act.__name__)
            cluster.server.meanwhile(verb, partial(self._before_request, act))
        else:
            cluster.say("soon beside:", act.__name__)
            self.replicas.faults.arm(cluster.random, Kind.BESIDE, partial(self._run, act))

    def _before_request(self, act: Callable[[], object], request: Request) -> None:
        """What a former leader has asked for is late."""
        network = self.replicas.network
        takeovers = network.takeovers
        self._run(act)
        is_late = request.path == VOLUMES.path() and takeovers != network.takeovers
        if is_late and not network.may_come_late(request.body):
            network.cluster.server.fail("create", Fault(503))

    def _run(self, act: Callable[[], object]) -> None:
        """In a thread of its own, as the gate binds work to its thread, up to the end."""
        errors: list[BaseException] = []

        def run() -> None:
            try:
                act()
            except BaseException as error:  # noqa: BLE001 - raised in the interrupted thread
                errors.append(error)

        self.replicas.cluster.say("   beside:", act.__name__)
        thread = threading.Thread(target=run, daemon=True)
        with _interrupted():
            thread.start()
            thread.join(_PATIENCE)
        assert not thread.is_alive(), "what happens beside waits for what it interrupts"
        if errors:
            raise errors[0]

    def _work(self) -> None:
        for _ in range(self.replicas.cluster.random.randint(1, 3)):
            self.replicas.see_some()
            self.replicas.work()

    def _clean_up(self) -> None:
        self.replicas.cluster.random.choice([self.replicas.reap, self.replicas.sweep])()

    def _take_over(self) -> None:
        random = self.replicas.cluster.random
        self.replicas.restart()
        is_synced = random.random() < 0.5
        for _ in range(random.randint(0, 12)):
            if is_synced:
                self.manager.sync_all()
            self.replicas.see_all()
            self.replicas.work()
        if random.random() < 0.5:
            self.replicas.reap()
            self.replicas.sweep()


@contextmanager
def _interrupted() -> Iterator[None]:
    global _depth  # noqa: PLW0603 - locks of all processes ask for it
    _depth += 1
    try:
        yield
    finally:
        _depth -= 1


@contextmanager
def without_waiting() -> Iterator[None]:
    """What happens beside times out at once where it would wait for what it interrupts."""
    held, wait = PathLocks.held, ExportClient._wait_for_earlier

    def held_at_once(
        self: PathLocks, directory: str, seconds: float, *, shared: bool = False
    ) -> object:
        return held(self, directory, 0.0 if _depth else seconds, shared=shared)

    def refuse(self: ExportClient, operation: str, key: str) -> None:
        if _depth and key in self._begun:
            raise TimedOut(f"cannot {operation}: an earlier call has not ended")
        wait(self, operation, key)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PathLocks, "held", held_at_once)
        patch.setattr(ExportClient, "_wait_for_earlier", refuse)
        yield
