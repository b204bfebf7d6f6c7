"""Decides what becomes of an attempt whose end is not known: it is confirmed or undone.

The API server has one volume of a name, and it need not be this attempt's: the claim's path or
export may have changed since, or nfs-subdir-external-provisioner have served the claim. The place
of the volume decides, compared with the record, which says what undoing would undo.
"""

from __future__ import annotations

from enum import Enum, auto

from holdfast.claims.objects import Claim, Volume, parse_claim
from holdfast.controller.context import Context
from holdfast.controller.directory_creator import DirectoryCreator
from holdfast.controller.volume_client import VolumeClient
from holdfast.controller.volume_records import VolumeRecords
from holdfast.controller.wanted import is_asked_for, may_have
from holdfast.exports.interface import Wanted
from holdfast.exports.record import Record
from holdfast.kube import errors as kube
from holdfast.kube.resources import CLAIMS
from holdfast.log import Logger

_log = Logger(__name__)


class Fate(Enum):
    """What becomes of an unfinished volume."""

    CONFIRM = auto()  # it exists, or its claim is bound to it
    UNDO = auto()  # it does not exist, or is elsewhere, and no late request will make it
    NOT_MADE = auto()  # it does not exist, and its claim is pending: the attempt may go on
    LATE = auto()  # as CONFIRM, but its record is gone: it is to be made again


class Settler:
    """Confirms or undoes unfinished volumes, for which it asks the API server each time.

    An earlier look may have failed, and a late request may have made the volume since. Every
    method raises ExportError, KubeError or LeadershipLost.
    """

    def __init__(
        self,
        context: Context,
        client: VolumeClient,
        records: VolumeRecords,
        creator: DirectoryCreator,
    ) -> None:
        self._context = context
        self._client = client
        self._records = records
        self._creator = creator

    def settle(self, wanted: Wanted) -> Fate:
        """Confirms or undoes an unfinished volume, but for one of a claim that is pending.

        A late request may make that one yet, which is remembered.
        """
        fate = self._fate(wanted)
        if fate is Fate.CONFIRM:
            self._creator.confirm(wanted.volume)
        elif fate is Fate.UNDO:
            self._undo(wanted)
        else:
            self._context.view.late.add(wanted)
        return fate

    def end(self, wanted: Wanted) -> Fate:
        """As `settle`, for an attempt that does not go on: undoes one of a pending claim too."""
        fate = self.settle(wanted)
        if fate is Fate.NOT_MADE:
            self._undo(wanted)
        return fate

    def _undo(self, wanted: Wanted) -> None:
        self._creator.undo(wanted.volume)
        _log.info("unfinished volume undone", volume=wanted.volume, claim=str(wanted.claim))

    def _fate(self, wanted: Wanted) -> Fate:
        """The claim is read first: while it is pending, a late request may make the volume."""
        claim = self._claim_of(wanted)
        held = self._client.find(wanted.volume)
        record = self._records.find(wanted.volume)
        if held is None and claim is not None and not claim.volume_name:
            return Fate.NOT_MADE
        # Pods may have used the claim's own volume before somebody deleted it.
        is_bound = claim is not None and claim.volume_name == wanted.volume
        is_made = is_bound if held is None else self._is_at(held, wanted, record)
        if not is_made:
            return Fate.UNDO
        return Fate.CONFIRM if record is not None else Fate.LATE

    def _is_at(self, volume: Volume, wanted: Wanted, record: Record | None) -> bool:
        """Whether a volume may have the directory that would be undone."""
        if record is None:
            return is_asked_for(volume, wanted, self._context)
        return may_have(volume, record.directory, self._context)

    def _claim_of(self, wanted: Wanted) -> Claim | None:
        """The claim of an attempt; None if it is gone, even if another one has its name."""
        ref = wanted.claim
        try:
            claim = parse_claim(self._context.api.get(CLAIMS, ref.name, ref.namespace))
        except kube.NotFound:
            return None
        return claim if claim.ref == ref else None
