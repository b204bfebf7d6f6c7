"""Decides what becomes of an attempt whose end is not known: it is confirmed or undone.

The API server has one volume of a name, and it need not be this attempt's: the claim's path or
export may have changed since, or nfs-subdir-external-provisioner have served the claim. The place
of the volume decides, compared with the record, which says what undoing would undo.

If the claim is gone and the volume was never made, an attempt is undone, by the process that began
it as by the next: a volume that a late request makes then is reclaimed without its directory. To
finish it instead would make a volume only to have it reclaimed; and where the attempt reuses a
retained directory, reclaiming deletes the data. So such a reuse counts only once the claim is
bound: before, no pod can have mounted the volume, and the data stays retained, whatever becomes of
the claim.
"""

from __future__ import annotations

from enum import Enum, auto

from holdfast.claims.objects import Claim, ClaimRef, Volume, parse_claim
from holdfast.controller.context import Context
from holdfast.controller.directory_creator import DirectoryCreator
from holdfast.controller.directory_spec import is_asked_for, may_have, spec_of_record
from holdfast.controller.requeue import Requeue
from holdfast.controller.volume_client import VolumeClient
from holdfast.controller.volume_records import VolumeRecords
from holdfast.exports.interface import DirectorySpec
from holdfast.exports.record import Record
from holdfast.kube import errors as kube
from holdfast.kube.resources import CLAIMS
from holdfast.log import Logger

_log = Logger(__name__)


class Verdict(Enum):
    """What becomes of an unfinished volume."""

    CONFIRM = auto()  # it exists, or its claim is bound to it
    UNDO = auto()  # its claim does not get it, and no late request will make it
    NOT_MADE = auto()  # it does not exist, and its claim is pending: the attempt may go on
    NOT_BOUND = auto()  # it exists and reuses a directory, and its claim is pending
    NAMED = auto()  # as UNDO: its claim's author named it; a late request may make it yet
    LATE = auto()  # as CONFIRM, but its record is gone: it is to be made again


class AttemptResolver:
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
        self._view = context.view
        self._api = context.api
        self._client = client
        self._records = records
        self._creator = creator

    def confirm(self, record: Record) -> Verdict:
        """Confirms a volume that exists; one that reuses a directory only if its claim is bound."""
        if record.succeeds:
            return self.resolve(spec_of_record(record))
        self._creator.confirm(record.volume)
        return Verdict.CONFIRM

    def resolve(self, spec: DirectorySpec) -> Verdict:
        """Confirms or undoes an unfinished volume, unless its claim is pending.

        A late request may make one of a pending claim yet, which is remembered.
        """
        verdict = self._verdict(spec)
        if verdict in {Verdict.NOT_MADE, Verdict.NAMED, Verdict.LATE}:
            self._view.late.add(spec)
        if verdict is Verdict.CONFIRM:
            self._creator.confirm(spec.volume)
        elif verdict in {Verdict.UNDO, Verdict.NAMED}:
            self._undo(spec)
        return verdict

    def end(self, spec: DirectorySpec) -> Verdict:
        """As `resolve`, for an attempt that does not go on: undoes one of a pending claim too.

        Raises:
            Requeue: it is NOT_BOUND; its claim will be, or will be deleted.
        """
        verdict = self.resolve(spec)
        if verdict is Verdict.NOT_BOUND:
            raise Requeue
        if verdict is Verdict.NOT_MADE:
            self._undo(spec)
        return verdict

    def claim_of(self, ref: ClaimRef) -> Claim | None:
        """A claim as the API server has it; None if it is gone, even if another has its name."""
        try:
            claim = parse_claim(self._api.get(CLAIMS, ref.name, ref.namespace))
        except kube.NotFound:
            return None
        return claim if claim.ref == ref else None

    def _undo(self, spec: DirectorySpec) -> None:
        self._creator.undo(spec.volume)
        _log.info("unfinished volume undone", volume=spec.volume, claim=str(spec.claim))

    def _verdict(self, spec: DirectorySpec) -> Verdict:
        """The claim is read first: while it is pending, a late request may make the volume."""
        claim = self.claim_of(spec.claim)
        held = self._client.find(spec.volume)
        record = self._records.find(spec.volume)
        reuses = record is not None and bool(record.succeeds)
        if held is not None and not self._is_at(held, spec, record):
            return Verdict.UNDO
        # Pods may have used the claim's own volume before somebody deleted it.
        is_bound = claim is not None and claim.is_bound_to(spec.volume)
        if is_bound or (held is not None and not reuses):
            return Verdict.CONFIRM if record is not None else Verdict.LATE
        return _verdict_unbound(spec, claim, exists=held is not None)

    def _is_at(self, volume: Volume, spec: DirectorySpec, record: Record | None) -> bool:
        """Whether a volume may have the directory that would be undone."""
        if record is None:
            return is_asked_for(volume, spec, self._context)
        return may_have(volume, record.directory, self._context)


def _verdict_unbound(spec: DirectorySpec, claim: Claim | None, *, exists: bool) -> Verdict:
    """For a volume that its claim is not bound to, and that counts only once it is, or not at all.

    A claim whose author has named a volume is not served, as by other provisioners.
    """
    if claim is None or claim.volume_name not in {"", spec.volume}:
        return Verdict.UNDO
    if exists:
        return Verdict.NOT_BOUND
    return Verdict.NAMED if claim.volume_name else Verdict.NOT_MADE
