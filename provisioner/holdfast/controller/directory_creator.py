"""Makes the directories of new volumes, or reuses retained ones, and confirms or undoes them."""

from __future__ import annotations

from collections.abc import Collection

from holdfast.claims.objects import Volume
from holdfast.controller.context import Context
from holdfast.controller.reuse import check_reuse, is_known
from holdfast.controller.volume_client import VolumeClient
from holdfast.controller.volume_records import VolumeRecords
from holdfast.exports.errors import DirectoryGone
from holdfast.exports.interface import Wanted
from holdfast.exports.record import DirectoryTaken, Record
from holdfast.log import Logger

_log = Logger(__name__)


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

    def confirm_or_undo(self, wanted: Wanted, *, is_bound: bool = False) -> bool:
        """Confirms a `create` whose volume exists or is bound to its claim, and undoes any other.

        The API server is asked each time: an earlier look may have failed, and a late request may
        have made the volume since. A directory with data is retained.

        Returns:
            False if the record of a volume that exists is gone: it is a late one now.

        Raises:
            KubeError: the API server could not be asked; nothing is undone.
        """
        held = self._client.find(wanted.volume)
        if not is_bound and (held is None or not self._may_use(held, wanted)):
            self._undo(wanted.volume)
            _log.info("unfinished volume undone", volume=wanted.volume, claim=str(wanted.claim))
        elif self._records.find(wanted.volume) is None:
            self._context.view.late.add(wanted)
            return False
        else:
            self.confirm(wanted.volume)
        return True

    def _may_use(self, volume: Volume, wanted: Wanted) -> bool:
        """Whether a volume of the wanted name may use the directory, also for another claim.

        A populator hands its volume over, and a person may bind one to another claim.
        """
        if self._context.view.place(volume) == wanted.directory:
            return True
        may_be_here = volume.export_id in {"", self._context.identity.export_id}
        return may_be_here and (
            volume.claim == wanted.claim or volume.directory == wanted.directory
        )

    def _undo(self, name: str) -> None:
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
