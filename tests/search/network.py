"""What the network does to requests, and to the events of watches."""

from __future__ import annotations

import copy
from contextlib import suppress
from dataclasses import dataclass, field

from holdfast.kube.resources import VOLUMES, Json
from tests.fake.apiserver import Fault, Request, Verb
from tests.fake.objects import Refused
from tests.search.cluster import PLURALS, Cluster, name_of
from tests.search.process import Process


@dataclass
class Network:
    """Between one API server and the processes of its cluster.

    Attributes:
        cluster: with that API server.
        carries_out_late: whether create requests may be late.
        takeovers: how many processes have led.
        late: volumes that are still to be created.
        came_late: volumes that were created so.
    """

    cluster: Cluster
    carries_out_late: bool
    takeovers: int = 0
    late: list[Json] = field(default_factory=list)
    came_late: set[str] = field(default_factory=set)

    def deliver(self, process: Process, most: int | None = None) -> None:
        """The next events, in order, to the process's caches."""
        history = self.cluster.server.objects.history
        until = len(history) if most is None else min(len(history), process.seen + most)
        for _, path, kind, obj in history[process.seen : until]:
            plural = path.split("/")[-2]
            if plural in PLURALS:
                process._take(PLURALS.index(plural), kind, copy.deepcopy(obj))
        process.seen = until

    def lose_create(self) -> None:
        """The next create request: its answer is lost, or it is, or it is late."""
        ways = ["done", "done", "never", *(["late"] if self.carries_out_late else [])]
        how = self.cluster.random.choice(ways)
        self.cluster.say("next create gets no answer, is carried out:", how)
        if how == "done":
            self.cluster.server.meanwhile("create", self._carry_out)
        elif how == "late":
            self.cluster.server.meanwhile("create", self._keep)
        self.cluster.server.fail("create", Fault(503))

    def refuse_create(self) -> None:
        """As an admission policy does."""
        self.cluster.say("next create is refused")
        self.cluster.server.fail("create", Fault(self.cluster.random.choice([403, 422])))

    def fail_another(self) -> None:
        verb: Verb = self.cluster.random.choice(["get", "patch", "delete"])
        code = self.cluster.random.choice([503, 409])
        is_done = verb != "get" and code == 503 and self.cluster.random.random() < 0.3
        self.cluster.say("next", verb, code, "though done" if is_done else "")
        if is_done:
            self.cluster.server.meanwhile(verb, self._carry_out)
        self.cluster.server.fail(verb, Fault(code))

    def carry_out_late(self) -> None:
        """A create request arrives after its sender has given up."""
        if not self.late:
            return
        volume = self.late.pop(0)
        if self.may_come_late(volume) and self.cluster.create(VOLUMES.path(), volume):
            self.cluster.say("late create of", name_of(volume))

    def may_come_late(self, volume: Json) -> bool:
        """Not after another request created the volume, and it was reclaimed.

        Its directory is gone for good then, and an administrator has to help (known).
        """
        name = name_of(volume)
        self.came_late.add(name)
        return all(name_of(one) != name for _, one in self.cluster.deleted_volumes())

    def calm(self) -> None:
        """No fault waits any more."""
        self.cluster.server.faults.clear()
        self.cluster.server.between.clear()

    def _keep(self, request: Request) -> None:
        if request.path == VOLUMES.path():
            self.late.append(request.body)

    def _carry_out(self, request: Request) -> None:
        objects = self.cluster.server.objects
        with suppress(Refused):
            if request.verb == "create":
                objects.create(request.path, request.body)
            elif request.verb == "patch":
                objects.patch(request.path, request.body)
            else:
                objects.delete(request.path, request.body.get("preconditions"))
