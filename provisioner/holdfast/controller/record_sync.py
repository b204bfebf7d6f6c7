"""Keeps the records of live volumes up to date with the volumes.

Inherited volumes (of nfs-subdir-external-provisioner) are recorded as soon as they are seen, while
their claim still exists and has the labels that their path was rendered from.
"""

from __future__ import annotations

from collections.abc import Callable

from holdfast.claims.constants import EXPORT
from holdfast.claims.decide import volume_name
from holdfast.claims.errors import Refused
from holdfast.claims.objects import StorageClass, Volume
from holdfast.claims.reclaim_rules import is_released
from holdfast.controller.context import Context
from holdfast.controller.may_reuse_retained import is_anothers
from holdfast.controller.requeue import Requeue
from holdfast.controller.volume_client import VolumeClient
from holdfast.controller.volume_records import VolumeRecords
from holdfast.exports.errors import Unsafe
from holdfast.exports.record import Record, State

_State = tuple[str, StorageClass | None]


class RecordSync:
    """What the record of each volume has, as far as is known in memory."""

    def __init__(
        self,
        context: Context,
        client: VolumeClient,
        records: VolumeRecords,
        note_archived: Callable[[str], None],
    ) -> None:
        """`note_archived` is told of each volume whose directory has to be moved back."""
        self._context = context
        self._may_patch_volumes = context.may_patch_volumes
        self._provisioner = context.provisioner
        self._view = context.view
        self._identity = context.identity
        self._client = client
        self._records = records
        self._note_archived = note_archived
        self._recorded: dict[str, _State] = {}  # by volume: the state that its record has

    def forget(self, name: str) -> None:
        """Forgets a volume that is gone."""
        self._recorded.pop(name, None)

    def clear(self) -> None:
        """Forgets all volumes, as if they had not been seen before."""
        self._recorded.clear()

    def sync(self, volume: Volume, *, in_doubt: bool) -> None:
        """Brings the record of a live volume up to date; an event says if there can be none.

        When a volume is first seen, its record is assumed to match, unless it is `in_doubt`: this
        avoids reading ten thousand records at each start.

        Raises:
            ExportError: the record could not be read or changed.
            KubeError: the claim could not be read, or the volume not be changed.
            Requeue: the volume has changed since it was read, or its directory is to be moved back.
            LeadershipLost: the term is over.
        """
        state = self._state(volume)
        if self._recorded.get(volume.name) == state:
            return
        may_differ = in_doubt or volume.name in self._recorded
        try:
            self._update(volume, may_differ=may_differ)
        except Refused as refused:
            self._records.report_not_recorded(volume, refused.message)
        self._recorded[volume.name] = state

    def _update(self, volume: Volume, *, may_differ: bool) -> None:
        is_complete = volume.directory and volume.export_id
        if may_differ or not is_complete or volume.name != volume_name(volume.claim):
            record = self._records.find_or_adopt(volume)
            if record.state is State.TRASHED:
                volume = self._existing(volume.name)
            self._update_record(volume, record)
            self._requeue_if_archived(volume, record)
        if not volume.export_id and self._may_patch_volumes():
            self._give_export_id(volume)

    def _update_record(self, volume: Volume, record: Record) -> None:
        """Updates a record; raises Refused if it is another cluster's: a retry does not help."""
        try:
            self._records.update(volume, record)
        except Unsafe as error:
            if is_anothers(record, self._context):
                raise Refused(error.message) from error
            raise

    def _requeue_if_archived(self, volume: Volume, record: Record) -> None:
        """Raises Requeue if the directory may be in an archive: its volume was created again.

        What is in the trash is found by listing it; another cluster's is left to that one.
        """
        may_be_archived = record.target and record.state in {State.LIVE, State.ARCHIVED}
        if may_be_archived and not is_anothers(record, self._context):
            self._note_archived(volume.name)
            raise Requeue

    def _existing(self, name: str) -> Volume:
        """A volume whose directory is in the trash, from the API server; it exists and stays.

        The cache may still have the policy Retain of one that was deleted since: its record would
        keep the reaper from the trash.
        """
        volume = self._client.refresh(name)
        if volume is None or is_released(volume, self._provisioner):
            raise Requeue
        return volume

    def _state(self, volume: Volume) -> _State:
        """What the record has of a volume, and the class that names an inherited one's directory.

        So a refused one is looked at again once its class appears or is replaced.
        """
        named_by = None if volume.directory else self._view.classes.get(volume.class_name)
        return f"{volume.claim.uid} {volume.reclaim_policy} {volume.size}", named_by

    def _give_export_id(self, volume: Volume) -> None:
        """Annotates a recorded volume with the export id, which tells the export from others.

        Of an inherited volume, or one that was created before exports had ids.
        """
        self._client.patch(volume, {"annotations": {EXPORT: self._identity.export_id}})
