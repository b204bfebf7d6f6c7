"""Reports directories of volumes that were found at the wrong place, to their volumes."""

from __future__ import annotations

from holdfast.controller.context import Context
from holdfast.log import Logger

_log = Logger(__name__)


class MisplacedDirectories:
    """What was last told of each volume whose directory cannot be moved back."""

    def __init__(self, context: Context) -> None:
        self._export_metrics = context.export_metrics
        self._view = context.view
        self._events = context.events
        self._told: dict[str, tuple[str, str]] = {}  # by volume: its uid, and why

    def report_moved_back(self, name: str, directory: str, found_at: str) -> None:
        """Records that a volume's directory was misplaced and is back."""
        self._told.pop(name, None)
        self._export_metrics.moved_back.inc()
        message = f"its directory {directory!r} was found at {found_at!r} and moved back"
        _log.warning("directory moved back", volume=name, directory=directory, found=found_at)
        self._warn(name, "DirectoryMovedBack", message)

    def report_not_moved_back(self, name: str, found_at: str, reason: str) -> None:
        """Records once for each volume and reason that its directory cannot be moved back."""
        volume = self._view.volumes.get(name)
        told = (volume.uid if volume else "", reason)
        if self._told.get(name) == told:
            return
        self._told[name] = told
        message = f"its directory is at {found_at!r} and cannot be moved back: {reason}"
        _log.warning("directory not moved back", volume=name, found=found_at, reason=reason)
        self._warn(name, "DirectoryNotMovedBack", message)

    def forget(self, name: str) -> None:
        """Forgets a volume that is gone."""
        self._told.pop(name, None)

    def _warn(self, name: str, reason: str, message: str) -> None:
        if volume := self._view.volumes.get(name):
            self._events.volume_warning(volume, reason, message)
