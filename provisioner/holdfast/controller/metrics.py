"""What Prometheus sees.

The first six names are those of sig-storage-lib-external-provisioner, so that dashboards made
for other provisioners work.
"""

from __future__ import annotations

import threading
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

# Label values instead of a class's name.
_UNKNOWN = "unknown"
_OTHER = "other"

_MOST_CLASSES = 200  # each is some twenty series, for as long as the process lives


class Metrics:
    """All metrics of one process, in a registry of their own."""

    def __init__(self) -> None:
        # They double the number of series, and nobody reads them.
        disable_created_metrics()  # type: ignore[no-untyped-call] # the package forgot it
        self.registry = CollectorRegistry()
        self._classes: set[str] = set()
        self._lock = threading.Lock()
        self._set_up_volumes()
        self._set_up_export()
        self._set_up_trash()
        self.api_calls = self._counter(
            "holdfast_api_requests", "Requests to the API server", "verb", "resource", "code"
        )
        self.finalizer_failed = self._counter(
            "holdfast_finalizer_update_failed", "Volumes whose finalizers could not be set right"
        )
        Info("holdfast_build", "The version that runs", registry=self.registry).info(
            {"version": __version__}
        )

    def _set_up_volumes(self) -> None:
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

    def _set_up_export(self) -> None:
        self.export_seconds = self._histogram(
            "holdfast_export_operation_duration_seconds", "Time an export took", "operation"
        )
        self.export_failed = self._counter(
            "holdfast_export_operation_failed", "Operations that an export refused", "operation"
        )
        self.wrong_export = self._gauge(
            "holdfast_wrong_export", "Whether the export mounted is not that of the volumes"
        )
        self.moved_back = self._counter(
            "holdfast_directories_moved_back",
            "Directories of live volumes that were found elsewhere and put back",
        )

    def _set_up_trash(self) -> None:
        self.trash_volumes = self._gauge("holdfast_trash_volumes", "Volumes in the trash")
        self.trash_oldest_seconds = self._gauge(
            "holdfast_trash_oldest_age_seconds", "Time that the oldest volume has been in the trash"
        )
        self.trash_blocked = self._gauge(
            "holdfast_trash_blocked_volumes",
            "Volumes in the trash that cannot be removed",
            "reason",
        )
        self.trash_removed = self._counter(
            "holdfast_trash_entries_removed", "Files and directories removed from the trash"
        )

    def class_label(self, name: str, *, known: bool) -> str:
        """The label for a StorageClass; `known` says whether there is one of that name.

        Who makes claims chooses the name, and each label value is kept for ever. So a class that
        does not exist is "unknown", and the 201st name is "other". A label may be given as a name.
        """
        if name in {"", _UNKNOWN, _OTHER}:
            return name
        if not known:
            return _UNKNOWN
        with self._lock:
            if name not in self._classes and len(self._classes) >= _MOST_CLASSES:
                return _OTHER
            self._classes.add(name)
            return name

    def volume_made(self, class_name: str, seconds: float) -> None:
        """A claim has got its volume, after so many seconds."""
        labels = (self.class_label(class_name, known=True), "")
        self.provisioned.labels(*labels).inc()
        self.provision_seconds.labels(*labels).observe(seconds)

    def claim_failed(self, class_name: str, *, known: bool = True) -> None:
        """An attempt to serve a claim has failed; `known` as for `class_label`."""
        self.provision_failed.labels(self.class_label(class_name, known=known), "").inc()

    def volume_deleted(self, class_name: str, seconds: float) -> None:
        """A volume has been reclaimed, in so many seconds."""
        label = self.class_label(class_name, known=True)
        self.deleted.labels(label).inc()
        self.delete_seconds.labels(label).observe(seconds)

    def deletion_failed(self, class_name: str) -> None:
        """An attempt to reclaim a volume has failed."""
        self.delete_failed.labels(self.class_label(class_name, known=True)).inc()

    def watch(self, name: str, help_text: str, read: Callable[[], float]) -> None:
        """A gauge whose value is read when it is asked for."""
        Gauge(name, help_text, registry=self.registry).set_function(read)

    def observe_api(self, verb: str, resource: Resource, code: str, _seconds: float) -> None:
        """Counts one request to the API server; `Api`'s observer."""
        self.api_calls.labels(verb, resource.plural, code).inc()

    def _gauge(self, name: str, help_text: str, *labels: str) -> Gauge:
        return Gauge(name, help_text, labels, registry=self.registry)

    def _counter(self, name: str, help_text: str, *labels: str) -> Counter:
        return Counter(name, help_text, labels, registry=self.registry)

    def _histogram(self, name: str, help_text: str, *labels: str) -> Histogram:
        return Histogram(name, help_text, labels, registry=self.registry)
