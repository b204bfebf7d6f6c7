"""The leader of one export: it begins with what the API server holds."""

from __future__ import annotations

import copy
from collections.abc import Callable

from holdfast.exports.interface import Leader
from holdfast.kube.work_queue import WorkQueue
from tests.search.cluster import PLURALS, Cluster
from tests.unit.controller.site import Site

_NEVER = 1e9  # seconds; only the search retries, so that a run does not depend on the clock


class Process(Site):
    """A process that has become the leader; `seen` events have reached its caches."""

    def __init__(self, cluster: Cluster) -> None:
        self.leader = Leader(cluster.name, "example.com-nfs", takes_over=cluster.takes_over)
        self.seen = len(cluster.server.objects.history)
        super().__init__(cluster.api, cluster.server, cluster.root)

    def begin(self) -> None:
        """Takes over with filled caches, as `LeaderTasks` does."""
        for queue, _ in self.work():
            queue._initial = queue._maximum = _NEVER
        held = list(self.server.objects.by_path.items())
        for number, plural in enumerate(PLURALS):
            for path, obj in held:
                if path.split("/")[-2] == plural:
                    self._take(number, "ADDED", copy.deepcopy(obj))
        self.lead()
        self.volumes_controller.check_recorded(self.export.recorded())

    def work(self) -> list[tuple[WorkQueue, Callable[[str], object]]]:
        """The queues, and who handles their keys."""
        return [
            (self.view.claim_queue, self.claims_controller),
            (self.view.volume_queue, self.volumes_controller),
        ]

    def retry_all(self) -> None:
        """What has failed is due now."""
        for queue, _ in self.work():
            for key in list(queue._later):
                queue.add(key)
