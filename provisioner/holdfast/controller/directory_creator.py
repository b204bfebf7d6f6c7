"""Makes the directories of new volumes, or reuses retained ones, and confirms or undoes them."""

from __future__ import annotations

from collections.abc import Collection

from holdfast.controller.context import Context
from holdfast.controller.reuse import check_reuse, is_known
from holdfast.controller.volume_client import VolumeClient
from holdfast.controller.volume_records import VolumeRecords
from holdfast.exports.errors import DirectoryGone
from holdfast.exports.interface import Wanted
from holdfast.exports.record import DirectoryTaken, Record


class DirectoryCreator:
    """Every method can be repeated, and raises ExportError, or LeadershipLost after the term."""

    def __init__(self, context: Context, client: VolumeClient, records: VolumeRecords) -> None:
        self._context = context
        self._client = client
        self._records = records

    def create(self, wanted: Wanted) -> Record:
        """Makes a volume's directory and its record, which is to be confirmed or undone.

        Raises:
            Refused: the directory is taken, and the volume may not reuse it.
            KubeError: whether a volume that had the directory exists could not be read.
        """
        try:
            return self._create(wanted)
        except DirectoryTaken as conflict:
            owners = [record for record in conflict.records if not self._is_forgotten(record)]
            for owner in owners:
                check_reuse(wanted, owner, self._context, exists=self._client.exists)
            return self._create(wanted, [owner.volume for owner in owners])
        except DirectoryGone:
            held = self._records.find(wanted.volume)
            if held is None or not self._is_forgotten(held):
                raise
            return self._create(wanted)  # the volume and all data were removed by hand

    def confirm(self, name: str) -> None:
        """Confirms the record of a volume that exists."""
        self._context.directories.change(
            "confirm", lambda exports, grant: exports.confirm(grant, name), name
        )
        self._context.view.record_checks.made(name)
        self._context.view.late.drop(name)

    def undo(self, name: str) -> None:
        """Undoes a `create` whose volume does not exist; a directory with data is retained."""
        self._context.directories.change(
            "undo", lambda exports, grant: exports.undo(grant, name), name
        )
        self._context.view.record_checks.undone(name)

    def _create(self, wanted: Wanted, reuses: Collection[str] = ()) -> Record:
        former = tuple(reuses)
        return self._context.directories.change(
            "create", lambda exports, grant: exports.create(grant, wanted, former), wanted.volume
        )

    def _is_forgotten(self, record: Record) -> bool:
        """Forgets a record whose volume and directory are both gone; returns whether it did."""
        if not is_known(record, self._context) or self._client.exists(record.volume):
            return False
        return self._context.directories.change(
            "remove record",
            lambda exports, grant: exports.forget(grant, record.volume),
            record.volume,
        )
