"""Moves directories out of the trash whose volume exists or was to be retained."""

from __future__ import annotations

from contextlib import suppress

from holdfast.claims.constants import FINALIZER, RETAIN
from holdfast.claims.errors import Refused
from holdfast.claims.objects import Volume
from holdfast.claims.reclaim import is_released, owns
from holdfast.controller.context import Context
from holdfast.controller.misplaced_directories import MisplacedDirectories
from holdfast.controller.requeue import UNKNOWN, Requeue
from holdfast.controller.volume_client import VolumeClient
from holdfast.controller.volume_records import VolumeRecords
from holdfast.exports.errors import ExportError, ExportUnavailable, Fenced, Unsafe
from holdfast.exports.ledger import trash_of
from holdfast.exports.record import DirectoryTaken, Record, State


class TrashRecovery:
    """The volumes that exist and may have data in the trash."""

    def __init__(
        self,
        context: Context,
        client: VolumeClient,
        records: VolumeRecords,
        misplaced: MisplacedDirectories,
    ) -> None:
        self._context = context
        self._client = client
        self._records = records
        self._misplaced = misplaced
        self._trashable: set[str] = set()

    def note_reclaim(self, name: str) -> None:
        """Notes a volume whose directory is about to go to the trash."""
        self._trashable.add(name)

    def note_trashed(self, name: str) -> bool:
        """Notes a volume whose directory is in the trash; whether it has to be moved back."""
        volume = self._context.view.volumes.get(name)
        if volume is None or not owns(volume, self._context.provisioner):
            return self._context.view.was_kept(name)
        self._trashable.add(name)
        return self.is_wanted(volume)

    def is_wanted(self, volume: Volume) -> bool:
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

    def recover(self, seen: Volume) -> None:
        """Moves the directory of a volume that exists out of the trash, if it is there.

        Raises:
            ExportError: the record could not be read, or one of `UNKNOWN`.
            KubeError: the volume could not be read.
            Requeue: the directory cannot be moved back, which an event says; or the volume is
                released, or gone.
            LeadershipLost: the term is over.
        """
        if record := self._record_of(seen):
            self._move_back(seen.name, record)
        self._trashable.discard(seen.name)

    def recover_gone(self, name: str) -> None:
        """Moves the directory of a volume that is gone back if it was to be retained.

        Raises:
            ExportError: the directory could not be moved; Unsafe and DirectoryTaken, which the
                reaper reports, are not raised.
            LeadershipLost: the term is over.
        """
        if self._context.view.was_kept(name):
            with suppress(Unsafe, DirectoryTaken):  # the reaper retries and reports it
                self._move(name, RETAIN)
            self._context.view.forget_kept(name)
        self._trashable.discard(name)

    def _record_of(self, volume: Volume) -> Record | None:
        """The record of a volume whose data may be in the trash.

        Also that of a live one: it is moved back before the directory, which may have failed.
        """
        with self._records.errors_reported(volume):
            record = self._records.find(volume.name)
        if record is None or not self._records.is_here(volume):
            return None
        is_same = self._context.address.directory_of(volume.path) == record.directory
        may_be_there = record.state is State.TRASHED or (record.state is State.LIVE and is_same)
        return record if may_be_there else None

    def _move_back(self, name: str, record: Record) -> None:
        volume = self._client.refresh(name)  # the cache may not know that it is released, or gone
        if volume is None or not self.is_wanted(volume):
            raise Requeue
        try:
            self._records.find_or_adopt(volume)  # Refused if the record is of another directory
            self._move(name, volume.reclaim_policy)
        except (ExportUnavailable, Fenced):
            raise
        except (ExportError, Refused) as error:
            is_unknown = isinstance(error, UNKNOWN)
            if record.state is not State.LIVE or not is_unknown:
                self._misplaced.report_not_moved_back(name, trash_of(name), error.message)
            if is_unknown:
                raise
            raise Requeue from error

    def _move(self, name: str, policy: str) -> None:
        place = self._context.directories.change(
            "recover", lambda exports, grant: exports.recover(grant, name, policy), name
        )
        if place:
            self._misplaced.report_moved_back(name, place, trash_of(name))
