"""Finds the record of a volume on the export, or adopts an inherited volume, and updates it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from holdfast.claims import inherited
from holdfast.claims.constants import ALIASES
from holdfast.claims.errors import Refused
from holdfast.claims.objects import Claim, StorageClass, Volume, parse_claim
from holdfast.claims.parameters import Action
from holdfast.claims.reclaim_rules import is_on_export, is_released
from holdfast.claims.volume_address import unknown_address, way_out
from holdfast.controller.context import Context
from holdfast.controller.effective_action import effective_action
from holdfast.controller.gone_owners import gone_owners, way_out_of
from holdfast.controller.requeue import Requeue
from holdfast.exports.errors import (
    DirectoryGone,
    ExportError,
    ExportUnavailable,
    Fenced,
    Unsafe,
)
from holdfast.exports.record import DirectoryTaken, Record
from holdfast.kube import errors as kube
from holdfast.kube.resources import CLAIMS
from holdfast.log import Logger

_log = Logger(__name__)


class VolumeRecords:
    """The records of volumes; what changes one raises LeadershipLost once the term is over."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._address = context.address
        self._identity = context.identity
        self._export_client = context.export_client
        self._provisioner = context.provisioner
        self._api = context.api
        self._view = context.view
        self._events = context.events

    def is_here(self, volume: Volume) -> bool:
        """Whether a volume's directory is on this export."""
        return is_on_export(volume, self._address, self._identity.export_id)

    def find(self, name: str) -> Record | None:
        """The record of a volume, if there is one; raises ExportError."""
        return self._export_client.read("read record", lambda exports: exports.find(name), name)

    def is_unfinished(self, name: str) -> bool:
        """Whether the end of the attempt that made a record is not known; raises ExportError."""
        return self._export_client.read(
            "read record", lambda exports: exports.is_unfinished(name), name
        )

    def has_orphan(self, volume: Volume) -> bool:
        """Whether the directory that a volume names has data of no record; raises ExportError."""
        return self._export_client.read(
            "find orphan", lambda exports: exports.has_orphan(volume.directory), volume.name
        )

    def find_or_adopt(self, volume: Volume) -> Record:
        """The record of a volume; an inherited volume gets one.

        Raises:
            Refused: the volume is on another export, its record names another directory, or there
                is no record and none can be made.
            Requeue: its record is that of an attempt of ours for its claim, which is to be undone.
            ExportError: the export did not answer, or failed.
            KubeError: the claim of an inherited volume could not be read.
        """
        self._refuse_if_elsewhere(volume)
        found = self.find(volume.name)
        if found is None:
            found = self._adopt(volume)
        elif found.inherited and found.succeeds:  # a crash came before all gave way
            found = self._recorded(volume, found)
        if self._address.directory_of(volume.path) != found.directory:
            # As nfs-subdir, or an earlier attempt, was faster; it may just have been undone.
            if self.is_unfinished(volume.name) or self.find(volume.name) != found:
                raise Requeue
            self._refuse_unknown_address(volume)
            raise Refused(
                f"the record of volume {volume.name} names directory {found.directory!r}, the "
                f"volume names path {volume.path!r}: its data is left alone"
            )
        return found

    def update(self, volume: Volume, record: Record, *, may_use_reserve: bool = False) -> None:
        """Updates the record if the volume's claim, policy or size changed.

        Also if the volume, by its policy, retains what is in the trash, or does not any more; and
        if the record is of a cluster that is taken over, to make it this cluster's.

        Raises:
            Requeue: the directory was undone: the worker of the volume's claim makes it again.
            ExportError: the export did not answer, or failed.
        """
        claim, size, policy = volume.claim, volume.size, volume.reclaim_policy
        is_same = record.updated(claim, size, policy) == record
        if is_same and record.origin not in self._provisioner.takes_over:
            return
        try:
            self._export_client.change(
                "update record",
                lambda exports, grant: exports.update_record(
                    grant, volume.name, claim, size, policy, may_use_reserve=may_use_reserve
                ),
                volume.name,
            )
        except DirectoryGone as undone:
            raise Requeue from undone

    def claim_of(self, volume: Volume) -> Claim | None:
        """The claim of the name that a volume is for, if it exists; raises KubeError."""
        try:
            return parse_claim(self._api.get(CLAIMS, volume.claim.name, volume.claim.namespace))
        except kube.NotFound:
            return None

    def frees(self, volume: Volume, record: Record) -> bool:
        """Whether reclaiming a volume deletes its directory, which no other volume has.

        Also none without a record, for which the reclaim would be refused. One of nfs-subdir may
        have a directory above: the inner one is reclaimed first.
        """
        if effective_action(volume, record) is not Action.DELETE:
            return False
        view = self._view
        others = (one for one in view.overlapping(record.directory) if one.name != volume.name)
        return all(
            record.inherited and record.directory.startswith(f"{view.place(other)}/")
            for other in others
        )

    @contextmanager
    def errors_reported(self, volume: Volume) -> Iterator[None]:
        """Reports an error that concerns this volume alone; raises it as it was."""
        try:
            yield
        except (ExportUnavailable, Fenced):  # concerns all volumes, so no event on this one
            raise
        except (ExportError, kube.ApiError, kube.TimedOut) as error:
            self.report_not_recorded(volume, error.message)
            raise

    def report_not_recorded(self, volume: Volume, message: str) -> None:
        """Records an event on a volume that has no record, or one that could not be updated."""
        self._events.volume_warning(volume, "VolumeNotRecorded", message)
        _log.warning("volume not recorded", volume=volume.name, reason=message)

    def _refuse_if_elsewhere(self, volume: Volume) -> None:
        if self.is_here(volume):
            return
        where = f"{volume.server}:{volume.path}"
        if ".." in volume.path.split("/"):
            raise Refused(
                f"the path of volume {volume.name} at {where} contains '..': its data is left alone"
            )
        if volume.export_id == self._identity.export_id:
            self._refuse_unknown_address(volume)
        of_export = f" of export {volume.export_id}" if volume.export_id else ""
        raise Refused(
            f"volume {volume.name} is at {where}{of_export}, which is {self._exports()}: its data "
            f"is left alone; {self._way_to(volume)}"
        )

    def _exports(self) -> str:
        """What the address of a volume is not, as the end of a sentence."""
        names = self._view.provisioner.exports
        if len(names) > 1:
            return f"none of this provisioner's exports ({', '.join(names)})"
        return f"not this provisioner's export {self._address} ({self._identity.export_id})"

    def _way_to(self, volume: Volume) -> str:
        """What to do about a volume at an address of none of the exports."""
        again = "if that export is not configured any more, configure it again"
        if volume.export_id or self._address.is_served_by(volume.server):
            return again
        other = f"{volume.server} is another name of an export's server"
        return f"{again}; if {other}, add it to {ALIASES}"

    def _refuse_unknown_address(self, volume: Volume) -> None:
        """Refuses a volume whose server or path is not this export's."""
        address = self._address
        if named := unknown_address(volume, address):
            raise Refused(
                f"volume {volume.name} is on this export, but names it as "
                f"{volume.server}:{volume.path}: its data is left alone; {way_out(named, address)}"
            )

    def _adopt(self, volume: Volume) -> Record:
        if volume.directory:
            self._refuse_without_record(volume)
        wanted = self._inherited_record(volume)
        record = self._recorded(volume, wanted)
        _log.info("volume recorded", volume=volume.name, directory=wanted.directory)
        return record

    def _recorded(self, volume: Volume, wanted: Record) -> Record:
        is_deleted = is_released(volume, self._provisioner)
        frees = is_deleted and self.frees(volume, wanted)
        gone = gone_owners(self._context, volume.name, wanted.directory)
        try:
            return self._export_client.change(
                "adopt",
                lambda exports, grant: exports.adopt(grant, wanted, gone, may_use_reserve=frees),
                volume.name,
            )
        except DirectoryTaken as conflict:
            if way_out := way_out_of(conflict, gone):
                raise Unsafe(way_out) from conflict
            raise

    def _inherited_record(self, volume: Volume) -> Record:
        storage_class = self._view.classes.get(volume.class_name)
        return Record(
            volume=volume.name,
            directory=self._inherited_directory(volume, storage_class),
            claim=volume.claim,
            storage_class=volume.class_name,
            size=volume.size,
            reclaim_policy=volume.reclaim_policy,
            on_delete=inherited.action(storage_class),
            shared=inherited.shared_paths(storage_class),
            inherited=True,
        )

    def _inherited_directory(self, volume: Volume, storage_class: StorageClass | None) -> str:
        """The claim is read only where the path cannot be told without it."""
        address = self._address
        try:
            return inherited.directory(volume, address, storage_class, None)
        except Refused:
            return inherited.directory(volume, address, storage_class, self.claim_of(volume))

    def _refuse_without_record(self, volume: Volume) -> NoReturn:
        """Refuses a volume that Holdfast created and that has no record."""
        if self._is_missing(volume):
            raise Refused(
                f"volume {volume.name} has no record on the export, and {volume.directory!r} is "
                "missing or another volume's: if nothing was ever stored in it, delete its claim "
                "and create it again; else restore the directory and .holdfast from a backup"
            )
        raise Refused(
            f"volume {volume.name} has no record on the export, although Holdfast created "
            "it: its data is left alone; restore .holdfast from a backup, or handle the "
            "directory by hand, then set the volume's reclaim policy to Retain and delete it"
        )

    def _is_missing(self, volume: Volume) -> bool:
        """Whether a volume of this export without a record has no data at its path."""
        place = self._address.directory_of(volume.path)
        is_named = bool(volume.export_id) and place == volume.directory
        return is_named and not self.has_orphan(volume)
