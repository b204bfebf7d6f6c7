"""Confirms or undoes the volumes that an earlier process left unfinished."""

from __future__ import annotations

from collections.abc import Iterable

from holdfast.claims.objects import Claim, ClaimRef, parse_claim
from holdfast.controller.by_claim import ByClaim
from holdfast.controller.context import Context
from holdfast.controller.directory_creator import DirectoryCreator
from holdfast.controller.requeue import CONCERN_ALL
from holdfast.controller.volume_client import VolumeClient
from holdfast.controller.wanted import wanted_of_record
from holdfast.exports.errors import ExportError
from holdfast.exports.record import Record
from holdfast.kube import errors as kube
from holdfast.kube.resources import CLAIMS
from holdfast.log import Logger

_log = Logger(__name__)


class UnfinishedVolumes:
    """The volumes that an earlier process left, by the key of their claim; for several threads."""

    def __init__(self, context: Context, client: VolumeClient, creator: DirectoryCreator) -> None:
        self._context = context
        self._client = client
        self._creator = creator
        self._records: ByClaim[Record] = ByClaim()
        self._told: dict[str, tuple[str, str]] = {}  # by volume: the claim's uid, and why

    def begin(self, unfinished: Iterable[Record]) -> None:
        """Queues the claims of records at the start of a term, and forgets all others."""
        self._records.clear()
        self._told.clear()
        for record in unfinished:
            self._records.put(str(record.claim), record.volume, record)
            self._context.view.claim_queue.add(str(record.claim))

    def has(self, key: str, volume: str) -> bool:
        """Whether a volume is neither confirmed nor undone yet."""
        return self._records.get(key, volume) is not None

    def drop(self, key: str, volume: str) -> None:
        """Forgets a volume, if it is remembered: it is confirmed or undone."""
        self._records.drop(key, volume)
        self._told.pop(volume, None)

    def finish(self, key: str) -> list[Exception]:
        """Confirms or undoes the volumes of a claim's name; returns what concerns one volume alone.

        Raises:
            ExportError, KubeError: one of `CONCERN_ALL`.
            LeadershipLost: the term is over.
        """
        return list(filter(None, map(self._finished, self._records.of(key))))

    def give_up(self, claim: Claim) -> None:
        """Confirms or undoes the volumes of a claim that is refused, though it is pending.

        Raises:
            KubeError: whether a volume exists could not be read; it is not undone.
            ExportError: a directory could not be undone.
            LeadershipLost: the term is over.
        """
        for record in self._records.of(claim.key):
            if record.claim == claim.ref:
                self._finish(record, is_refused=True)
                self.drop(claim.key, record.volume)

    def tell(self, ref: ClaimRef, volume: str, reason: str) -> None:
        """Says why an unfinished volume of a claim can be neither confirmed nor undone.

        On the claim that has this name now, which may wait for the volume's directory; once for
        each such claim and reason.
        """
        claim = self._context.view.claims.get(str(ref))
        told = (claim.ref.uid if claim else "", reason)
        if self._told.get(volume) == told:
            return
        self._told[volume] = told
        _log.warning("unfinished volume neither confirmed nor undone", volume=volume, reason=reason)
        if claim is not None:
            whose = "" if claim.ref == ref else " of an earlier claim of this name"
            message = f"volume {volume}{whose} was left unfinished: {reason}"
            self._context.events.warning(claim, "VolumeUnfinished", message)

    def _finished(self, record: Record) -> Exception | None:
        """Finishes one volume; returns what went wrong, if it concerns this one alone."""
        try:
            is_finished = self._finish(record)
        except CONCERN_ALL:
            raise
        except (ExportError, kube.KubeError) as error:
            self.tell(record.claim, record.volume, error.message)
            return error
        if is_finished:
            self.drop(str(record.claim), record.volume)
        return None

    def _finish(self, record: Record, *, is_refused: bool = False) -> bool:
        """Confirms or undoes an unfinished volume; returns False if its claim is to be served.

        The claim is read first: as long as it is pending, a late request of a former leader may
        make the volume, which then binds it.
        """
        claim, wanted = self._claim_of(record), wanted_of_record(record)
        is_pending = claim is not None and not claim.volume_name
        if is_pending:
            self._context.view.late.add(wanted)
        if is_pending and not is_refused and not self._client.exists(record.volume):
            return False
        is_bound = claim is not None and claim.volume_name == record.volume
        self._creator.confirm_or_undo(wanted, is_bound=is_bound)
        return True

    def _claim_of(self, record: Record) -> Claim | None:
        """The claim of a record; None if it is gone, even if another one has its name."""
        ref = record.claim
        try:
            claim = parse_claim(self._context.api.get(CLAIMS, ref.name, ref.namespace))
        except kube.NotFound:
            return None
        return claim if claim.ref == ref else None
