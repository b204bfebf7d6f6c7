"""Checks trashed and archived volumes: those that still exist get their directory back."""

from __future__ import annotations

from holdfast.claims.constants import FINALIZER, RETAIN
from holdfast.claims.errors import Refused
from holdfast.claims.objects import Volume
from holdfast.claims.reclaim_rules import is_provisioned_by, is_released
from holdfast.controller.context import Context
from holdfast.controller.may_reuse_retained import is_anothers
from holdfast.controller.misplaced_report import MisplacedDirectories
from holdfast.controller.requeue import UNKNOWN, Requeue
from holdfast.controller.volume_client import VolumeClient
from holdfast.controller.volume_records import VolumeRecords
from holdfast.exports.errors import ExportError, ExportUnavailable, Fenced, Unsafe
from holdfast.exports.ledger import trash_of
from holdfast.exports.record import DirectoryTaken, Record, State


class TrashedVolumes:
    """The volumes that exist and may have data in the trash or in an archive."""

    def __init__(
        self,
        context: Context,
        client: VolumeClient,
        records: VolumeRecords,
        misplaced: MisplacedDirectories,
    ) -> None:
        self._context = context
        self._view = context.view
        self._provisioner = context.provisioner
        self._address = context.address
        self._export_client = context.export_client
        self._client = client
        self._records = records
        self._misplaced = misplaced
        self._movable: set[str] = set()

    def note(self, name: str) -> None:
        """Notes a volume whose directory may be, or is about to be, in the trash or an archive."""
        self._movable.add(name)

    def note_trashed(self, name: str) -> bool:
        """Notes a volume whose directory is in the trash; whether it has to be moved back."""
        volume = self._view.volumes.get(name)
        if volume is None or not is_provisioned_by(volume, self._provisioner):
            return self._view.was_kept(name)
        self._movable.add(name)
        return self.is_wanted(volume)

    def is_wanted(self, volume: Volume) -> bool:
        """Whether data that may be in the trash or an archive belongs at its path (again).

        A volume that says Retain keeps our finalizer until its data is back: once it is gone, the
        reaper may remove what is in the trash. Pods use one that was deleted until its claim is.
        """
        is_retained = volume.reclaim_policy == RETAIN
        if is_released(volume, self._provisioner):
            return False
        if is_retained and FINALIZER in volume.finalizers:
            return True
        is_in_use = volume.phase == "Bound" or not volume.deleting
        return volume.name in self._movable and (is_retained or is_in_use)

    def recover(self, seen: Volume) -> None:
        """Moves the directory of a volume that exists back, if it is in the trash or an archive.

        Raises:
            ExportError: the record could not be read, or one of `UNKNOWN`.
            KubeError: the volume could not be read.
            Requeue: the directory cannot be moved back, which an event says, unless it is another
                cluster's; or the volume is released, or gone.
            LeadershipLost: the term is over.
        """
        if record := self._record_of(seen):
            self._move_back(seen.name, record)
        self._movable.discard(seen.name)

    def recover_gone(self, name: str) -> None:
        """Moves the directory of a volume that is gone back if it was to be retained.

        Raises:
            ExportError: the directory could not be moved; Unsafe and DirectoryTaken, which are
                logged, are not raised: the reaper retries, and an archive stays one.
            LeadershipLost: the term is over.
        """
        if self._view.was_kept(name):
            place = trash_of(name)
            try:
                place = _found_at(name, self._records.find(name))
                self._move(name, RETAIN, place)
            except (Unsafe, DirectoryTaken) as error:
                self._misplaced.report_not_moved_back(name, place, error.message)
                self._misplaced.forget(name)
            self._view.forget_kept(name)
        self._movable.discard(name)

    def _record_of(self, volume: Volume) -> Record | None:
        """The record of a volume whose directory may not be at its path.

        Also a live one: the record is moved back before the directory, which may have failed.
        """
        with self._records.errors_reported(volume):
            record = self._records.find(volume.name)
        if record is None or not self._records.is_here(volume):
            return None
        is_same = self._address.directory_of(volume.path) == record.directory
        return record if record.has_left or (record.state is State.LIVE and is_same) else None

    def _move_back(self, name: str, record: Record) -> None:
        volume = self._client.refresh(name)  # the cache may not know that it is released, or gone
        if volume is None or not self.is_wanted(volume):
            raise Requeue
        place = _found_at(name, record)
        try:
            self._records.find_or_adopt(volume)  # Refused if the record is of another directory
            self._move(name, volume.reclaim_policy, place)
        except (ExportUnavailable, Fenced):
            raise
        except (ExportError, Refused) as error:
            is_unknown = isinstance(error, UNKNOWN)
            if record.state is not State.LIVE or not is_unknown:
                self._misplaced.report_not_moved_back(name, place, error.message)
            if is_unknown:
                raise
            if not is_anothers(record, self._context):  # else only that cluster moves it back
                raise Requeue from error

    def _move(self, name: str, policy: str, found_at: str) -> None:
        place = self._export_client.change(
            "recover", lambda exports, grant: exports.recover(grant, name, policy), name
        )
        if place:
            self._misplaced.report_moved_back(name, place, found_at)


def _found_at(name: str, record: Record | None) -> str:
    """Where a directory is that is not at its path; of a live record, the archive or the trash."""
    return record.target if record is not None and record.target else trash_of(name)
