"""A volume's life after it was made: its finalizer, its record, and its end.

Volumes of nfs-subdir-external-provisioner are recorded as soon as they are seen, while their
claim can still be asked for the labels that their path was made from.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

import structlog

from holdfast.claims import inherited
from holdfast.claims.constants import FINALIZER
from holdfast.claims.decide import taken
from holdfast.claims.errors import Refused
from holdfast.claims.objects import Claim, Volume, parse_claim, parse_volume
from holdfast.claims.parameters import Action
from holdfast.claims.reclaim import is_released, owns, wanted_finalizers, without_finalizer
from holdfast.controller.context import Context
from holdfast.controller.outcome import Again
from holdfast.exports.errors import ExportError, Unavailable
from holdfast.exports.moving import Moved, Outcome
from holdfast.exports.record import Record
from holdfast.kube import errors as kube
from holdfast.kube.resources import CLAIMS, VOLUMES

_log = structlog.get_logger()

_FAILED = "VolumeFailedDelete"
_PATCH_ATTEMPTS = 5


class Keep:
    """The handler of the volume queue; a key is never with two workers."""

    def __init__(self, context: Context, trashed: Callable[[], None]) -> None:
        """`trashed` is called when there is something to reap."""
        self._context = context
        self._trashed = trashed
        self._recorded: set[str] = set()

    def begin(self, recorded: set[str]) -> None:
        """Takes the names of the volumes that have a record, and looks at every volume."""
        self._recorded = recorded
        for name in self._context.cluster.volumes.keys():  # noqa: SIM118 - a store is no dict
            self._context.cluster.look_after(name)

    def __call__(self, name: str) -> None:
        """Does for one volume what is to be done now."""
        volume = self._context.cluster.volumes.get(name)
        if volume is None:
            self._recorded.discard(name)
            return
        if not owns(volume, self._context.provisioner):
            return
        self._align_finalizers(volume)
        if is_released(volume, self._context.provisioner):
            self._reclaim(name)
        elif volume.phase == "Bound" and not volume.directory and name not in self._recorded:
            self._record(volume)

    def _align_finalizers(self, volume: Volume) -> None:
        wanted = wanted_finalizers(volume, self._context.provisioner)
        if wanted != volume.finalizers:
            self._set_finalizers(volume, wanted)

    def _set_finalizers(self, volume: Volume, wanted: tuple[str, ...]) -> None:
        # With its version: a merge patch writes the whole list, and another's must not be lost.
        metadata = {"finalizers": list(wanted), "resourceVersion": volume.version}
        self._context.fence()
        try:
            self._context.cluster.learn(
                self._context.api.patch(VOLUMES, volume.name, {"metadata": metadata})
            )
        except kube.NotFound:
            return
        except kube.Conflict as conflict:
            raise Again from conflict

    def _record(self, volume: Volume) -> None:
        """Makes sure of a record of a volume that lives; one that cannot have any is left alone."""
        try:
            self._find_or_adopt(volume)
        except Refused as refused:
            self._context.speaker.warn_volume(volume, "VolumeNotRecorded", refused.message)
            _log.warning("volume not recorded", volume=volume.name, reason=refused.message)
        self._recorded.add(volume.name)

    def _reclaim(self, name: str) -> None:
        volume, started = self._fresh(name), time.monotonic()
        if volume is None:
            return
        try:
            moved = self._dispose(volume)
            self._delete(volume)
        except (Refused, ExportError, kube.KubeError) as error:
            self._context.metrics.delete_failed.labels(volume.class_name).inc()
            self._context.speaker.warn_volume(volume, _FAILED, error.message)
            _log.warning("volume not reclaimed", volume=name, reason=error.message)
            if isinstance(error, Unavailable | kube.Unavailable):
                raise
            raise Again from error
        self._succeed(volume, moved, time.monotonic() - started)

    def _fresh(self, name: str) -> Volume | None:
        """The volume, if it is to be reclaimed even now: a person may just have said Retain."""
        try:
            volume = self._context.cluster.learn(self._context.api.get(VOLUMES, name))
        except kube.NotFound:
            return None
        return volume if is_released(volume, self._context.provisioner) else None

    def _dispose(self, volume: Volume) -> Moved:
        record = self._find_or_adopt(volume)
        self._refuse_if_used(volume, record)
        action = _action(volume, record)
        self._context.fence()
        return self._context.directories.do(
            "reclaim",
            lambda export: export.reclaim(volume.name, volume.claim.uid, action),
            volume.name,
        )

    def _refuse_if_used(self, volume: Volume, record: Record) -> None:
        """Raises Refused where another volume's directory, recorded or not, overlaps this one."""
        for other in self._context.cluster.overlapping(record.directory):
            place = self._context.cluster.place(other)
            shared = record.shared and place == record.directory
            if other.name != volume.name and not shared:
                raise Refused(taken(record.directory, place, other.name, other.claim))

    def _find_or_adopt(self, volume: Volume) -> Record:
        found = self._context.directories.do(
            "find", lambda export: export.find(volume.name), volume.name
        )
        if found is None:
            found = self._adopted(volume)
        if found.claim.uid != volume.claim.uid or not volume.path.endswith("/" + found.directory):
            raise Refused(
                f"the record of volume {volume.name} names claim {found.claim} and directory "
                f"{found.directory!r}, the volume does not: its data is left alone"
            )
        return found

    def _adopted(self, volume: Volume) -> Record:
        storage_class = self._context.cluster.classes.get(volume.class_name)
        try:
            directory = inherited.directory(volume, self._context.address, storage_class, None)
        except Refused:
            claim = self._claim(volume)
            directory = inherited.directory(volume, self._context.address, storage_class, claim)
        record = Record(
            volume=volume.name,
            directory=directory,
            claim=volume.claim,
            storage_class=volume.class_name,
            size=volume.size,
            reclaim_policy=volume.reclaim_policy,
            on_delete=inherited.action(storage_class),
        )
        self._context.fence()
        self._context.directories.do("adopt", lambda export: export.adopt(record), volume.name)
        _log.info("volume recorded", volume=volume.name, directory=directory)
        return record

    def _claim(self, volume: Volume) -> Claim | None:
        try:
            return parse_claim(
                self._context.api.get(CLAIMS, volume.claim.name, volume.claim.namespace)
            )
        except kube.NotFound:
            return None

    def _delete(self, volume: Volume) -> None:
        self._context.fence()
        with suppress(kube.NotFound):
            self._context.api.delete(VOLUMES, volume.name, uid=volume.uid)
        if FINALIZER in volume.finalizers:
            self._release(volume.name)

    def _release(self, name: str) -> None:
        """Takes our finalizer off; the API server's own controllers change the list as well."""
        for _ in range(_PATCH_ATTEMPTS):
            with suppress(kube.Conflict):
                try:
                    held = parse_volume(self._context.api.get(VOLUMES, name))
                    metadata = {
                        "finalizers": list(without_finalizer(held.finalizers)),
                        "resourceVersion": held.version,
                    }
                    self._context.api.patch(VOLUMES, name, {"metadata": metadata})
                except kube.NotFound:
                    pass
                return
        raise Again

    def _succeed(self, volume: Volume, moved: Moved, seconds: float) -> None:
        self._context.metrics.deleted.labels(volume.class_name).inc()
        self._context.metrics.delete_seconds.labels(volume.class_name).observe(seconds)
        log = _log.bind(volume=volume.name, claim=str(volume.claim), place=moved.place)
        log.info("volume reclaimed", directory=moved.outcome.value)
        if moved.outcome is Outcome.GONE:
            self._context.speaker.warn_volume(
                volume, "DirectoryMissing", "the volume's directory was gone before it was deleted"
            )
        self._trashed()


def _action(volume: Volume, record: Record) -> Action:
    """The volume's own annotation, which a person may have changed, else what the record says.

    A directory that was there before its volume is somebody's own and stays.
    """
    if record.foreign:
        return Action.RETAIN
    try:
        return Action(volume.on_delete) if volume.on_delete else record.on_delete
    except ValueError:
        raise Refused(
            f"annotation holdfast.io/on-delete of volume {volume.name} is {volume.on_delete!r}; "
            "it must be 'delete', 'archive' or 'retain'"
        ) from None
