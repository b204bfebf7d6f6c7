"""The metrics for Prometheus.

The first six names are those of sig-storage-lib-external-provisioner, so that dashboards for other
provisioners work.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from typing import TypeVar

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    disable_created_metrics,
)
from prometheus_client.metrics import MetricWrapperBase

from holdfast import __version__
from holdfast.kube.resources import Resource

M = TypeVar("M", bound=MetricWrapperBase)

# Label values that replace a class's name.
_UNKNOWN = "unknown"
_OTHER = "other"

_ON_EXPORT = ("export", "operation")

_MOST_CLASSES = 200  # each is about twenty series for the life of the process


class Metrics:
    """All metrics of one process, in their own registry."""

    def __init__(self) -> None:
        # They double the number of series, and nothing uses them.
        disable_created_metrics()  # type: ignore[no-untyped-call] # not typed in the package
        self.registry = CollectorRegistry()
        self._classes: set[str] = set()
        self._watched: dict[str, Gauge] = {}
        self._of_exports: list[MetricWrapperBase] = []
        self._lock = threading.Lock()
        self._set_up_volumes()
        self._set_up_export()
        self._set_up_trash()
        self.api_calls = self._counter(
            "holdfast_api_requests", "Requests to the API server", "verb", "resource", "code"
        )
        self.finalizer_failed = self._counter(
            "holdfast_finalizer_update_failed", "Failed updates of volumes' finalizers"
        )
        Info("holdfast_build", "The running version", registry=self.registry).info(
            {"version": __version__}
        )

    def _set_up_volumes(self) -> None:
        claim, volume = "controller_persistentvolumeclaim_provision", "controller_persistentvolume"
        self.provisioned = self._counter(claim, "Volumes created", "class", "source")
        self.provision_failed = self._counter(
            f"{claim}_failed", "Failed attempts to create a volume", "class", "source"
        )
        self.provision_seconds = self._histogram(
            f"{claim}_duration_seconds", "Time to create a volume", "class", "source"
        )
        self.deleted = self._counter(f"{volume}_delete", "Volumes reclaimed", "class")
        self.delete_failed = self._counter(
            f"{volume}_delete_failed", "Failed attempts to reclaim a volume", "class"
        )
        self.delete_seconds = self._histogram(
            f"{volume}_delete_duration_seconds", "Time to reclaim a volume", "class"
        )

    def _set_up_export(self) -> None:
        self.export_seconds = self._histogram(
            "holdfast_export_operation_duration_seconds", "Time per export operation", *_ON_EXPORT
        )
        self.export_failed = self._counter(
            "holdfast_export_operation_failed", "Failed operations on the export", *_ON_EXPORT
        )
        self.wrong_export = self._gauge(
            "holdfast_wrong_export",
            "Whether the mounted export is not the volumes' export",
            "export",
        )
        self.moved_back = self._counter(
            "holdfast_directories_moved_back",
            "Directories of live volumes that were misplaced and moved back",
            "export",
        )

    def _set_up_trash(self) -> None:
        self.trash_volumes = self._gauge("holdfast_trash_volumes", "Volumes in the trash", "export")
        self.trash_oldest_seconds = self._gauge(
            "holdfast_trash_oldest_age_seconds", "Age of the oldest volume in the trash", "export"
        )
        self.trash_blocked = self._gauge(
            "holdfast_trash_blocked_volumes",
            "Volumes in the trash that cannot be removed",
            "export",
            "reason",
        )
        self.trash_removed = self._counter(
            "holdfast_trash_entries_removed",
            "Files and directories removed from the trash",
            "export",
        )

    def class_label(self, name: str, *, known: bool) -> str:
        """The label for a StorageClass; `known` says whether the class exists.

        Users choose the name in their claims, and each label value is kept forever. So a class that
        does not exist is "unknown", and the 201st name is "other". `name` may already be a label.
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
        """Counts a volume that was created in so many seconds."""
        labels = (self.class_label(class_name, known=True), "")
        self.provisioned.labels(*labels).inc()
        self.provision_seconds.labels(*labels).observe(seconds)

    def claim_failed(self, class_name: str, *, known: bool = True) -> None:
        """Counts a failed attempt to serve a claim; `known` as for `class_label`."""
        self.provision_failed.labels(self.class_label(class_name, known=known), "").inc()

    def volume_deleted(self, class_name: str, seconds: float) -> None:
        """Counts a volume that was reclaimed in so many seconds."""
        label = self.class_label(class_name, known=True)
        self.deleted.labels(label).inc()
        self.delete_seconds.labels(label).observe(seconds)

    def deletion_failed(self, class_name: str) -> None:
        """Counts a failed attempt to reclaim a volume."""
        self.delete_failed.labels(self.class_label(class_name, known=True)).inc()

    def watch(
        self, name: str, help_text: str, read: Callable[[], float], *, export: str = ""
    ) -> None:
        """Adds a gauge whose value is read at each scrape; one for each export, if it is given."""
        gauge = self._watched.get(name)
        if gauge is None:
            gauge = self._watched[name] = self._gauge(name, help_text, *["export"] * bool(export))
        (gauge.labels(export) if export else gauge).set_function(read)

    def remove_export(self, export: str) -> None:
        """Forgets all values of an export, and what read them."""
        for metric in self._of_exports:
            metric.remove_by_labels({"export": export})

    def observe_api(self, verb: str, resource: Resource, code: str, _seconds: float) -> None:
        """Counts one request to the API server; the observer of `Api`."""
        self.api_calls.labels(verb, resource.plural, code).inc()

    def _gauge(self, name: str, help_text: str, *labels: str) -> Gauge:
        return self._noted(Gauge(name, help_text, labels, registry=self.registry), labels)

    def _counter(self, name: str, help_text: str, *labels: str) -> Counter:
        return self._noted(Counter(name, help_text, labels, registry=self.registry), labels)

    def _histogram(self, name: str, help_text: str, *labels: str) -> Histogram:
        return self._noted(Histogram(name, help_text, labels, registry=self.registry), labels)

    def _noted(self, metric: M, labels: Collection[str]) -> M:
        if "export" in labels:
            self._of_exports.append(metric)
        return metric
