"""What Prometheus sees.

The first six names are those of sig-storage-lib-external-provisioner, so that dashboards made
for other provisioners work.
"""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    disable_created_metrics,
)

from holdfast import __version__
from holdfast.kube.resources import Resource


class Metrics:
    """All metrics of one process, in a registry of their own."""

    def __init__(self) -> None:
        # They double the number of series, and nobody reads them.
        disable_created_metrics()  # type: ignore[no-untyped-call] # the package forgot it
        self.registry = CollectorRegistry()
        claim, volume = "controller_persistentvolumeclaim_provision", "controller_persistentvolume"
        self.provisioned = self._counter(claim, "Volumes made", "class", "source")
        self.provision_failed = self._counter(
            f"{claim}_failed", "Attempts to make a volume that failed", "class", "source"
        )
        self.provision_seconds = self._histogram(
            f"{claim}_duration_seconds", "Time to make a volume", "class", "source"
        )
        self.deleted = self._counter(f"{volume}_delete", "Volumes reclaimed", "class")
        self.delete_failed = self._counter(
            f"{volume}_delete_failed", "Attempts to reclaim a volume that failed", "class"
        )
        self.delete_seconds = self._histogram(
            f"{volume}_delete_duration_seconds", "Time to reclaim a volume", "class"
        )
        self.export_seconds = self._histogram(
            "holdfast_export_operation_duration_seconds", "Time an export took", "operation"
        )
        self.export_failed = self._counter(
            "holdfast_export_operation_failed", "Operations that an export refused", "operation"
        )
        self.api_calls = self._counter(
            "holdfast_api_requests", "Requests to the API server", "verb", "resource", "code"
        )
        Info("holdfast_build", "The version that runs", registry=self.registry).info(
            {"version": __version__}
        )

    def watch(self, name: str, help_text: str, read: Callable[[], float]) -> None:
        """A gauge whose value is read when it is asked for."""
        Gauge(name, help_text, registry=self.registry).set_function(read)

    def observe_api(self, verb: str, resource: Resource, code: str, _seconds: float) -> None:
        """Counts one request to the API server; `Api`'s observer."""
        self.api_calls.labels(verb, resource.plural, code).inc()

    def _counter(self, name: str, help_text: str, *labels: str) -> Counter:
        return Counter(name, help_text, labels, registry=self.registry)

    def _histogram(self, name: str, help_text: str, *labels: str) -> Histogram:
        return Histogram(name, help_text, labels, registry=self.registry)
