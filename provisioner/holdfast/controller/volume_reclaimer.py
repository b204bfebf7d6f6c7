"""Reclaims released volumes: their directory first, then the PersistentVolume."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace

from holdfast.claims import conflicts
from holdfast.claims.constants import DIRECTORY
from holdfast.claims.errors import Refused
from holdfast.claims.objects import Volume
from holdfast.claims.parameters import Action
from holdfast.claims.reclaim_rules import is_released
from holdfast.controller.context import Context
from holdfast.controller.directory_creator import DirectoryCreator
from holdfast.controller.effective_action import effective_action
from holdfast.controller.requeue import UNKNOWN, Requeue
from holdfast.controller.volume_client import VolumeClient
from holdfast.controller.volume_records import VolumeRecords
from holdfast.exports.errors import ExportError, Fenced
from holdfast.exports.interface import Moved, Outcome
from holdfast.exports.record import Record, State
from holdfast.kube import errors as kube
from holdfast.log import Logger

_log = Logger(__name__)

_FAILED = "VolumeFailedDelete"


class Reclaimer:
    """Reclaims one volume at a time; every step can be repeated."""

    def __init__(self, context: Context, client: VolumeClient, records: VolumeRecords) -> None:
        self._metrics = context.metrics
        self._events = context.events
        self._address = context.address
        self._export_client = context.export_client
        self._view = context.view
        self._provisioner = context.provisioner
        self._client = client
        self._records = records
        self._creator = DirectoryCreator(context, client, records)

    def reclaim(self, volume: Volume) -> None:
        """Deletes, archives or retains the directory of a released volume and deletes the volume.

        Raises:
            ExportError, KubeError: one of `UNKNOWN`; an event on the volume says which.
            Requeue: the volume is refused, a step failed, or others keep changing the volume,
                which an event says; or what decides on its reclaim has changed.
            LeadershipLost: the term is over.
        """
        started = time.monotonic()
        try:
            moved = self._dispose(volume)
            self._client.delete(volume)
        except Fenced:
            raise
        except (Refused, ExportError, kube.KubeError) as error:
            self._fail(volume, error.message)
            if isinstance(error, UNKNOWN):
                raise
            raise Requeue from error
        self._succeed(volume, moved, time.monotonic() - started)

    def _fail(self, volume: Volume, message: str) -> None:
        self._metrics.deletion_failed(volume.class_name)
        self._events.volume_warning(volume, _FAILED, message)
        _log.warning("volume not reclaimed", volume=volume.name, reason=message)

    def _succeed(self, volume: Volume, moved: Moved, seconds: float) -> None:
        self._metrics.volume_deleted(volume.class_name, seconds)
        log = _log.bind(
            volume=volume.name,
            claim=str(volume.claim),
            outcome=moved.outcome.value,
            export=self._view.name,
        )
        if moved.outcome is not Outcome.GONE:
            log.info("volume reclaimed", place=moved.place)
            return
        directory = volume.directory or self._address.directory_of(volume.path)
        log.warning("volume reclaimed", directory=directory)
        message = (
            f"its directory {directory!r} was not on the export: nothing was removed, and the "
            "volume is deleted; if it held data, check which export is mounted, and restore the "
            "data from a backup"
        )
        self._events.volume_warning(volume, "DirectoryMissing", message)

    def _dispose(self, volume: Volume) -> Moved:
        if self._is_lost(volume):
            return self._left(volume)
        record = self._records.find_or_adopt(volume)
        if self._was_never_bound(record):
            self._undo(volume)
            return Moved(Outcome.RETAINED, record.directory)
        action = effective_action(volume, record)
        self._update(volume, record, action)
        if moved := self._leave(volume, record, action):
            return moved
        self._refuse_if_used(volume, record)
        return self._export_client.change(
            "reclaim",
            lambda exports, grant: exports.reclaim(grant, volume.name, volume.claim.uid, action),
            volume.name,
        )

    def _left(self, volume: Volume) -> Moved:
        """What there is of a lost volume: a directory at its path is another's, and stays."""
        directory = volume.directory
        is_anothers = self._export_client.read(
            "find directory", lambda exports: exports.has_directory(directory), volume.name
        )
        return Moved(Outcome.RETAINED, directory) if is_anothers else Moved(Outcome.GONE)

    def _update(self, volume: Volume, record: Record, action: Action) -> None:
        """Updates the record: reclaiming needs its claim, and a later claim obeys its policy.

        Deleting does not need the size in it, for which a full export has no room. What waits in
        the trash until it can be moved back stays marked for that: the process may end before the
        next try.
        """
        waits = record.retained_in_trash and record.claim.uid == volume.claim.uid
        if waits and action is not Action.DELETE:
            return
        frees = self._records.frees(volume, record)
        if action is Action.DELETE:
            volume = replace(volume, size=record.size)
        with suppress(Requeue):  # the directory was undone: there is none to reclaim
            self._records.update(volume, record, may_use_reserve=frees)

    def _was_never_bound(self, record: Record) -> bool:
        """Whether a volume reuses a directory, and is confirmed only when its claim is bound.

        Somebody deleted the claim while it was pending: the directory stays retained (rule 5).
        """
        return bool(record.succeeds) and self._records.is_unfinished(record.volume)

    def _undo(self, volume: Volume) -> None:
        """Raises Requeue if the volume was confirmed meanwhile."""
        self._creator.undo(volume.name)
        left = self._records.find(volume.name)
        if left is not None and left.state is State.LIVE:
            raise Requeue

    def _leave(self, volume: Volume, record: Record, action: Action) -> Moved | None:
        """Reclaims a volume while others share its directory, which stays; None if none does.

        Also one whose directory was reclaimed before: what is at its path now is another's.
        Only the last of them, with which the directory goes, is checked against all volumes that
        have it: or thousands that share would each read the records of all others.
        """
        if not (record.may_be_shared or record.has_left):
            return None
        return self._export_client.change(
            "reclaim",
            lambda exports, grant: exports.leave(grant, volume.name, volume.claim.uid, action),
            volume.name,
        )

    def _is_lost(self, volume: Volume) -> bool:
        """Whether a volume that Holdfast created has no record and no orphaned data at its path.

        A former leader's request may reach the API server late and create the volume of a claim
        that is gone, at a path that belongs to another volume by now.
        """
        if not (volume.directory and volume.export_id and self._records.is_here(volume)):
            return False
        if self._records.find(volume.name) is not None:
            return False
        if self._address.directory_of(volume.path) != volume.directory:
            raise Refused(
                f"volume {volume.name} has no record on the export, its path is {volume.path!r}, "
                f"and its annotation {DIRECTORY} says {volume.directory!r}: its data is left "
                "alone; set the annotation to the directory of the path, or restore .holdfast "
                "from a backup"
            )
        return not self._records.has_orphan(volume)

    def _refuse_if_used(self, volume: Volume, record: Record) -> None:
        """Raises Refused if the directory overlaps that of a volume that does not share it.

        Only records say which volumes share a directory. A volume without a record would not count
        as a sharer, and its data would be reclaimed with another volume.
        """
        for other in self._view.overlapping(record.directory):
            place = self._view.place(other)
            if other.name == volume.name:
                continue
            if place != record.directory and not is_released(other, self._provisioner):
                raise Refused(conflicts.in_use(record.directory, place, other))
            held = self._records.find(other.name)
            if held is None or not _may_be_reclaimed(record, other, held):
                raise Refused(conflicts.not_shared(record.directory, place, other))


def _may_be_reclaimed(record: Record, other: Volume, held: Record) -> bool:
    """Whether a directory may be reclaimed though another volume, with record `held`, has it."""
    if record.may_be_reclaimed_before(held) or held.shares_with(record):
        return True
    return held.has_left and other.phase == "Released"  # else its pods may use what is there now
