"""The metrics of one export: those of the process that have a label `export`, with its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from holdfast.controller.metrics import Metrics


class ExportMetrics:
    """What the controller of one export counts."""

    def __init__(self, metrics: Metrics, export: str) -> None:
        self._metrics = metrics
        self._export = export
        self._blocked: set[str] = set()
        self.wrong_export = metrics.wrong_export.labels(export)
        self.moved_back = metrics.moved_back.labels(export)
        self.trash_volumes = metrics.trash_volumes.labels(export)
        self.trash_oldest_seconds = metrics.trash_oldest_seconds.labels(export)
        self.trash_removed = metrics.trash_removed.labels(export)

    def observe(self, operation: str, seconds: float) -> None:
        """Records how long an operation on the export took."""
        self._metrics.export_seconds.labels(self._export, operation).observe(seconds)

    def failed(self, operation: str) -> None:
        """Counts an operation that the export refused."""
        self._metrics.export_failed.labels(self._export, operation).inc()

    def set_blocked(self, numbers: Mapping[str, int]) -> None:
        """Sets how many volumes in the trash are blocked, by reason; other reasons disappear."""
        for reason in self._blocked - numbers.keys():
            self._metrics.trash_blocked.remove(self._export, reason)
        self._blocked = set(numbers)
        for reason, number in numbers.items():
            self._metrics.trash_blocked.labels(self._export, reason).set(number)

    def remove(self) -> None:
        """Forgets all values: the export is not served any more."""
        self._metrics.remove_export(self._export)

    def watch(self, name: str, help_text: str, read: Callable[[], float]) -> None:
        """Adds a gauge whose value is read when it is asked for."""
        self._metrics.watch(name, help_text, read, export=self._export)
