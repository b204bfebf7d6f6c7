"""Reconciles PersistentVolumes: sets finalizers, updates records, reclaims released volumes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from holdfast.claims.finalizers import (
    desired_finalizers,
    finalizers_for_reclaim,
    is_deleted_unbound,
    without_finalizer,
)
from holdfast.claims.objects import Volume
from holdfast.claims.reclaim_rules import is_provisioned_by, is_released
from holdfast.controller.context import Context
from holdfast.controller.misplaced_report import MisplacedDirectories
from holdfast.controller.record_sync import RecordSync
from holdfast.controller.recover_trashed import TrashedVolumes
from holdfast.controller.requeue import UNKNOWN, Requeue
from holdfast.controller.volume_client import VolumeClient
from holdfast.controller.volume_reclaimer import Reclaimer
from holdfast.controller.volume_records import VolumeRecords
from holdfast.kube import errors as kube
from holdfast.log import Logger

_log = Logger(__name__)


class VolumesController:
    """The handler of the volume queue; a key is never processed by two workers at once."""

    def __init__(
        self, context: Context, misplaced: MisplacedDirectories, trashed: Callable[[], None]
    ) -> None:
        """`trashed` is called when the trash has something to reap."""
        self._view = context.view
        self._provisioner = context.provisioner
        self._export_client = context.export_client
        self._may_patch_volumes = context.may_patch_volumes
        self._metrics = context.metrics
        self._events = context.events
        self._client = VolumeClient(context)
        self._records = VolumeRecords(context)
        self._reclaimer = Reclaimer(context, self._client, self._records)
        self._trashed_volumes = TrashedVolumes(context, self._client, self._records, misplaced)
        self._record_sync = RecordSync(
            context, self._client, self._records, self._trashed_volumes.note
        )
        self._misplaced = misplaced
        self._trashed = trashed
        # Those whose directory an earlier term, or a reclaim that failed, may have moved halfway.
        self._moving: set[str] = set()

    def begin(self, moving: Iterable[str]) -> None:
        """Queues all volumes at the start of a term, and those whose directory was being moved.

        Also of those whose reclaim this process began in an earlier term: they may be gone since.
        """
        self._moving |= set(moving)
        self._view.record_checks.begin(volume.name for volume in self._in_use())
        self.resync()
        for name in self._moving.copy():  # workers of the previous term may still remove items
            self._view.volume_queue.add(name)

    def check_recorded(self, recorded: Iterable[str]) -> None:
        """Queues the volumes in use on this export that are not among those with a record.

        As after a request that was carried out late, when the attempt had been undone.
        """
        known = set(recorded)
        for volume in self._in_use():
            if volume.name not in known and self._records.is_here(volume):
                self._view.check_record(volume.name)

    def _in_use(self) -> Iterator[Volume]:
        """The volumes in use that Holdfast created."""
        own = self._view.own()
        return (volume for volume in own if volume.phase == "Bound" and volume.directory)

    def resync(self) -> None:
        """Queues all volumes, as if they had not been seen before."""
        self._record_sync.clear()
        self._view.enqueue_all()

    def check_trashed(self, name: str) -> None:
        """Queues a volume whose directory is in the trash and has to be moved back."""
        if self._trashed_volumes.note_trashed(name):
            self._view.volume_queue.add(name)

    def __call__(self, name: str) -> None:
        """Reconciles one volume."""
        volume, provisioner = self._view.volumes.get(name), self._provisioner
        is_unrecorded = self._view.record_checks.is_due(name)
        if volume is not None and (is_unrecorded or is_released(volume, provisioner)):
            with self._records.errors_reported(volume):
                volume = self._client.refresh(name)  # its policy may just have been set to Retain
        if volume is None or not is_provisioned_by(volume, provisioner):
            self._forget(name)
            return
        if is_unrecorded and name not in self._moving:  # a person may have created it again
            self._trashed_volumes.note(name)
        if self._trashed_volumes.is_wanted(volume):
            self._trashed_volumes.recover(volume)
        if is_released(volume, provisioner):
            self._reclaim(volume)  # takes our finalizer off at its end
            return
        if self._is_in_the_way(volume):
            self._set_finalizers(volume, without_finalizer(volume.finalizers))
            return
        aligned = self._align_finalizers(volume)
        was_aligned, volume = aligned is volume, aligned
        with self._records.errors_reported(volume):
            if name in self._moving:
                self._move_back(name)
            if volume.phase in {"Bound", "Released"} and self._records.is_here(volume):
                if is_unrecorded:
                    self._record_sync.forget(name)
                is_in_doubt = is_unrecorded or not was_aligned or volume.phase == "Released"
                self._record_sync.sync(volume, in_doubt=is_in_doubt)
            self._view.record_checks.done(name)

    def _forget(self, name: str) -> None:
        self._record_sync.forget(name)
        self._view.record_checks.done(name)
        self._misplaced.forget(name)
        if name in self._moving:
            self._move_back(name)
        self._trashed_volumes.recover_gone(name)
        self._trashed()

    def _move_back(self, name: str) -> None:
        """Ends a move that is no longer wanted."""
        place = self._export_client.change(
            "move back", lambda exports, grant: exports.move_back(grant, name), name
        )
        self._moving.discard(name)
        if place:
            self._misplaced.report_moved_back(name, place, "the folder of a term")

    def _is_in_the_way(self, volume: Volume) -> bool:
        """Whether a volume's claim waits for it to be gone: it was deleted before it was bound.

        The patch that lets it go fails if the controller manager binds it meanwhile: the phase of
        the volume changes before its claim. If the claim is gone, or is deleted too, the volume is
        released, and then reclaimed. One whose claimRef has no uid is not: its directory stays.
        """
        is_held = is_deleted_unbound(volume, self._provisioner)
        if not (is_held and self._may_patch_volumes()):
            return False
        if not volume.claim.uid:
            return True
        claim = self._records.claim_of(volume)
        if claim is None or claim.ref != volume.claim:
            return False
        return not (claim.volume_name or claim.deleting)

    def _align_finalizers(self, volume: Volume) -> Volume:
        """Sets the finalizers right, where they may be changed; the volume as it is then."""
        wanted = desired_finalizers(volume, self._provisioner)
        if wanted == volume.finalizers or not self._may_patch_volumes():
            return volume
        return self._set_finalizers(volume, wanted)

    def _set_finalizers(self, volume: Volume, wanted: tuple[str, ...]) -> Volume:
        try:
            return self._client.patch(volume, {"finalizers": list(wanted)})
        except (kube.ApiError, kube.TimedOut) as error:
            self._metrics.finalizer_failed.inc()
            self._events.volume_warning(volume, "VolumeFinalizerFailed", error.message)
            _log.warning("finalizer not set", volume=volume.name, reason=error.message)
            if isinstance(error, UNKNOWN):
                raise
            raise Requeue from error

    def _reclaim(self, volume: Volume) -> None:
        volume = self._hold(volume)
        self._trashed_volumes.note(volume.name)  # its policy may change until it is gone
        self._moving.add(volume.name)  # it may be gone before its reclaim is complete
        self._reclaimer.reclaim(volume)
        self._moving.discard(volume.name)
        self._trashed()

    def _hold(self, volume: Volume) -> Volume:
        """Puts our finalizer on a volume that is about to be reclaimed, where that may be done.

        Raises Requeue if the volume is gone.
        """
        wanted = finalizers_for_reclaim(volume, self._provisioner)
        may_set = self._records.is_here(volume) and self._may_patch_volumes()
        if wanted == volume.finalizers or not may_set:
            return volume
        held = self._set_finalizers(volume, wanted)
        if held is volume:
            raise Requeue
        return held
