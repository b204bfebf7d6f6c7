"""Reconciles PersistentVolumes: sets finalizers, updates records, reclaims released volumes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress

from holdfast.claims.constants import FINALIZER, RETAIN
from holdfast.claims.errors import Refused
from holdfast.claims.objects import Volume
from holdfast.claims.reclaim import (
    is_released,
    owns,
    wanted_finalizers,
)
from holdfast.controller.context import Context
from holdfast.controller.misplaced_directories import MisplacedDirectories
from holdfast.controller.reclaimer import Reclaimer
from holdfast.controller.record_sync import RecordSync
from holdfast.controller.requeue import UNKNOWN, Requeue
from holdfast.controller.volume_client import VolumeClient
from holdfast.controller.volume_records import VolumeRecords
from holdfast.exports.errors import ExportError, ExportUnavailable, Fenced, Unsafe
from holdfast.exports.ledger import trash_of
from holdfast.exports.record import DirectoryTaken, State
from holdfast.kube import errors as kube
from holdfast.log import Logger

_log = Logger(__name__)


class VolumesController:
    """The handler of the volume queue; a key is never processed by two workers at once."""

    def __init__(
        self, context: Context, misplaced: MisplacedDirectories, trashed: Callable[[], None]
    ) -> None:
        """`trashed` is called when the trash has something to reap."""
        self._context = context
        self._client = VolumeClient(context)
        self._records = VolumeRecords(context)
        self._reclaimer = Reclaimer(context, self._client, self._records)
        self._record_sync = RecordSync(context, self._client, self._records)
        self._misplaced = misplaced
        self._trashed = trashed
        self._moving: set[str] = set()
        self._unrecorded: set[str] = set()  # volumes in use that had no record at the takeover
        self._trashable: set[str] = set()  # volumes that exist and may have data in the trash

    def begin(self, moving: Iterable[str]) -> None:
        """Queues all volumes at the start of a term, and those whose directory was being moved."""
        names = set(moving)
        self._moving = names.copy()  # workers of the previous term may still remove items
        self.resync()
        for name in names:
            self._context.view.volume_queue.add(name)

    def check_recorded(self, recorded: Iterable[str]) -> None:
        """Queues the volumes in use that are not among those with a record.

        As after a request that was carried out late, when the attempt had been undone.
        """
        known = set(recorded)
        self._unrecorded = {
            volume.name
            for volume in self._context.view.own()
            if volume.phase == "Bound" and volume.directory and volume.name not in known
        }
        for name in self._unrecorded:
            self._context.view.volume_queue.add(name)

    def resync(self) -> None:
        """Queues all volumes, as if they had not been seen before."""
        self._record_sync.clear()
        self._context.view.enqueue_all()

    def check_trashed(self, name: str) -> None:
        """Queues a volume whose directory is in the trash and has to be moved back."""
        view = self._context.view
        volume = view.volumes.get(name)
        if volume is not None and owns(volume, self._context.provisioner):
            self._trashable.add(name)
            if self._is_to_be_recovered(volume):
                view.volume_queue.add(name)
        elif view.was_kept(name):
            view.volume_queue.add(name)

    def __call__(self, name: str) -> None:
        """Reconciles one volume."""
        volume, provisioner = self._context.view.volumes.get(name), self._context.provisioner
        is_unrecorded = name in self._unrecorded
        if volume is not None and (is_unrecorded or is_released(volume, provisioner)):
            volume = self._client.refresh(name)  # its policy may just have been set to Retain
        if volume is None or not owns(volume, provisioner):
            self._forget(name)
            return
        if self._is_to_be_recovered(volume):
            self._recover(volume)
        was_aligned = self._align_finalizers(volume)
        if is_released(volume, provisioner):
            self._trashable.add(name)  # until it is gone: its policy may change meanwhile
            self._reclaimer.reclaim(volume)
            self._trashed()
            return
        with self._records.errors_reported(volume):
            if name in self._moving:
                self._move_back(name)
            if volume.phase in {"Bound", "Released"} and self._records.is_here(volume):
                is_in_doubt = is_unrecorded or not was_aligned or volume.phase == "Released"
                self._record_sync.sync(volume, in_doubt=is_in_doubt)
            self._unrecorded.discard(name)

    def _forget(self, name: str) -> None:
        self._record_sync.forget(name)
        self._unrecorded.discard(name)
        self._misplaced.forget(name)
        if name in self._moving:
            self._move_back(name)
        if self._context.view.was_kept(name):
            with suppress(Unsafe, DirectoryTaken):  # the reaper retries and reports it
                self._move_from_trash(name, RETAIN)
            self._context.view.forget_kept(name)
        self._trashable.discard(name)
        self._trashed()

    def _is_to_be_recovered(self, volume: Volume) -> bool:
        """Whether data that may be in the trash is not to be deleted (any more).

        A volume that says Retain keeps our finalizer until its data is back: once it is gone, the
        reaper may remove what is in the trash.
        """
        is_retained = volume.reclaim_policy == RETAIN
        if is_released(volume, self._context.provisioner):
            return False
        if is_retained and FINALIZER in volume.finalizers:
            return True
        return volume.name in self._trashable and (is_retained or not volume.deleting)

    def _recover(self, seen: Volume) -> None:
        """Moves the directory of a volume that exists out of the trash, if it is there."""
        with self._records.errors_reported(seen):
            record = self._records.find(seen.name)
        if record is None or record.state is not State.TRASHED or not self._records.is_here(seen):
            self._trashable.discard(seen.name)
            return
        # The cache may not know that it is released, or gone.
        volume = self._client.refresh(seen.name)
        if volume is None or not self._is_to_be_recovered(volume):
            raise Requeue
        try:
            self._records.find_or_adopt(volume)  # Refused if the record is of another directory
            self._move_from_trash(volume.name, volume.reclaim_policy)
        except (ExportUnavailable, Fenced):
            raise
        except (ExportError, Refused) as error:
            place = trash_of(volume.name)
            self._misplaced.report_not_moved_back(volume.name, place, error.message)
            if isinstance(error, UNKNOWN):
                raise
            raise Requeue from error
        self._trashable.discard(volume.name)

    def _move_from_trash(self, name: str, policy: str) -> None:
        place = self._context.directories.change(
            "recover", lambda exports, grant: exports.recover(grant, name, policy), name
        )
        if place:
            self._misplaced.report_moved_back(name, place, trash_of(name))

    def _move_back(self, name: str) -> None:
        """Reverts a move that an earlier term began and that is no longer wanted."""
        place = self._context.directories.change(
            "move back", lambda exports, grant: exports.move_back(grant, name), name
        )
        self._moving.discard(name)
        if place:
            self._misplaced.report_moved_back(name, place, "the folder of an earlier term")

    def _align_finalizers(self, volume: Volume) -> bool:
        """Sets the finalizers right, where they may be changed; whether there was nothing to do."""
        wanted = wanted_finalizers(volume, self._context.provisioner)
        if wanted == volume.finalizers or not self._context.may_patch_volumes():
            return True
        try:
            self._client.patch(volume, {"finalizers": list(wanted)})
        except kube.ApiError as error:
            self._context.metrics.finalizer_failed.inc()
            self._context.events.volume_warning(volume, "VolumeFinalizerFailed", error.message)
            _log.warning("finalizer not set", volume=volume.name, reason=error.message)
            raise Requeue from error
        return False
