"""Makes the directories of new volumes, or reuses retained ones, and confirms or undoes them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from holdfast.claims.conflicts import is_in_use
from holdfast.claims.reclaim_rules import is_provisioned_by
from holdfast.controller.context import Context
from holdfast.controller.directory_spec import spec_of_record
from holdfast.controller.may_reuse_retained import check_reuse, is_known
from holdfast.controller.volume_client import VolumeClient
from holdfast.controller.volume_records import VolumeRecords
from holdfast.exports.errors import DirectoryGone
from holdfast.exports.interface import DirectorySpec
from holdfast.exports.record import DirectoryTaken, Record, State


class DirectoryCreator:
    """Every method can be repeated, and raises ExportError, or LeadershipLost after the term."""

    def __init__(self, context: Context, client: VolumeClient, records: VolumeRecords) -> None:
        self._context = context
        self._view = context.view
        self._provisioner = context.provisioner
        self._export_client = context.export_client
        self._client = client
        self._records = records

    def create(self, spec: DirectorySpec) -> Record:
        """Makes a volume's directory and its record, which is to be confirmed or undone.

        Raises:
            Refused: the directory is taken, and the volume may not reuse it.
            KubeError: whether a volume that had the directory exists could not be read.
        """
        spec = replace(spec, joins=spec.joins or self._is_shared(spec))
        try:
            return self._create(spec)
        except DirectoryTaken as conflict:
            if not spec.joins and any(self._may_join(spec, one) for one in conflict.records):
                return self.create(replace(spec, joins=True))
            return self._reuse(spec, conflict.records)
        except DirectoryGone:
            held = self._records.find(spec.volume)
            if held is None or not self._is_forgotten(held):
                raise
            return self._create(spec)  # the volume and all data were removed by hand

    def _reuse(self, spec: DirectorySpec, records: Sequence[Record]) -> Record:
        """As `create`, with a directory that deleted volumes, by their records, retain."""
        owners = [record for record in records if not self._is_forgotten(record)]
        for owner in owners:
            check_reuse(spec, owner, self._context, find=self._client.find)
        return self._create(spec, [owner.volume for owner in owners])

    def _is_shared(self, spec: DirectorySpec) -> bool:
        """Whether the cache has another volume of ours in use at a directory that is shared."""
        view, provisioner = self._view, self._provisioner
        others = view.overlapping(spec.directory) if spec.shared else ()
        return any(
            volume.name != spec.volume
            and view.place(volume) == spec.directory
            and is_provisioned_by(volume, provisioner)
            and is_in_use(volume)
            for volume in others
        )

    def _may_join(self, spec: DirectorySpec, owner: Record) -> bool:
        """Whether an owner shares the directory, and is in use as far as that can be known."""
        both = spec.shared and owner.shared and owner.state is State.LIVE
        if not both or owner.directory != spec.directory:
            return False
        if not is_known(owner, self._context):
            return True
        volume = self._client.find(owner.volume)
        return volume is not None and is_in_use(volume)

    def confirm(self, name: str) -> None:
        """Confirms the record of a volume that exists; makes a directory that was undone again."""
        try:
            self._confirm(name)
        except DirectoryGone:
            if record := self._records.find(name):  # which joined those that share it, if any do
                self._create(replace(spec_of_record(record), joins=record.shared))
            self._confirm(name)
        self._view.record_checks.made(name)
        self._view.late.drop(name)

    def undo(self, name: str) -> None:
        """Undoes a `create` whose volume does not exist; a directory with data is retained."""
        self._export_client.change("undo", lambda exports, grant: exports.undo(grant, name), name)
        self._view.record_checks.undone(name)

    def _confirm(self, name: str) -> None:
        self._export_client.change(
            "confirm", lambda exports, grant: exports.confirm(grant, name), name
        )

    def _create(self, spec: DirectorySpec, reuses: Collection[str] = ()) -> Record:
        former = tuple(reuses)
        return self._export_client.change(
            "create", lambda exports, grant: exports.create(grant, spec, former), spec.volume
        )

    def _is_forgotten(self, record: Record) -> bool:
        """Forgets a record whose volume and directory are both gone; returns whether it did."""
        if not is_known(record, self._context) or self._client.exists(record.volume):
            return False
        return self._export_client.change(
            "remove record",
            lambda exports, grant: exports.forget(grant, record.volume),
            record.volume,
        )
