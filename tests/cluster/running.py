"""A provisioner in this process, as `holdfast run` has it in a process of its own."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request

from holdfast.controller.claims_controller import ClaimsController
from holdfast.controller.manager import Manager
from holdfast.controller.settings import Settings
from holdfast.exports.interface import ExportInterface
from holdfast.kube.api import Api
from holdfast.kube.resources import Resource
from testbed.client import Client
from tests.support import eventually

_END = 30.0


class Running:
    """A manager and the thread that runs it."""

    def __init__(self, settings: Settings, client: Client) -> None:
        self.manager = Manager(settings)
        self.codes: list[int] = []
        self._client = client
        self._thread = threading.Thread(target=self._run, name="program")

    def _run(self) -> None:
        self.codes.append(self.manager.run())

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ends it, once or again, also where it was never started."""
        self.manager.stop()
        if self._thread.ident is None:
            self.manager.health._server.server_close()
            self.api.close()
            return
        self._thread.join(_END)
        assert not self._thread.is_alive()

    @property
    def export(self) -> ExportInterface:
        """What a test puts faults into."""
        return self.manager.exports["default"].export_client._exports

    @property
    def api(self) -> Api:
        """What a test puts faults into."""
        return self.manager.api

    @property
    def claims_controller(self) -> ClaimsController:
        return self.manager.exports["default"].claims

    def get(self, path: str) -> tuple[int, str]:
        """Status and text of an answer over HTTP."""
        url = f"http://127.0.0.1:{self.manager.health.port}{path}"
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def metric(self, name: str, **labels: str) -> float:
        """A value at /metrics, summed over the labels that are not given."""
        families = self.manager.metrics.registry.collect()
        samples = [sample for family in families for sample in family.samples]
        return sum(
            sample.value
            for sample in samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    def settle(self) -> None:
        """Waits until all that was written so far is seen, and done with for now."""
        eventually(self._has_seen_everything, what="the provisioner sees what was written")
        eventually(self._is_idle, what="the provisioner has nothing to do")

    def _has_seen_everything(self) -> bool:
        reflectors = self.manager.caches.reflectors
        return all(one._highest >= self._newest(one._resource) for one in reflectors)

    def _newest(self, resource: Resource) -> int:
        items = self._client.get(resource.path())["items"]
        return max((int(item["metadata"]["resourceVersion"]) for item in items), default=0)

    def _is_idle(self) -> bool:
        view = self.manager.exports["default"].view
        queues = (view.claim_queue, view.volume_queue)
        return self.manager.exports["default"].gate.is_open() and not any(
            queue.depth() or queue._working for queue in queues
        )
