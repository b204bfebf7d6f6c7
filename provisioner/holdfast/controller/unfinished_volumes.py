"""Confirms or undoes the volumes that an earlier process left unfinished."""

from __future__ import annotations

from collections.abc import Iterable

from holdfast.claims.objects import Claim, ClaimRef
from holdfast.controller.by_claim import ByClaim
from holdfast.controller.context import Context
from holdfast.controller.directory_spec import spec_of_record
from holdfast.controller.requeue import AFFECTS_ALL_VOLUMES, Requeue
from holdfast.controller.resolve_attempt import AttemptResolver, Verdict
from holdfast.exports.errors import ExportError
from holdfast.exports.record import Record
from holdfast.kube import errors as kube
from holdfast.log import Logger

_log = Logger(__name__)


class UnfinishedVolumes:
    """The volumes that an earlier process left, by the key of their claim; for several threads."""

    def __init__(self, context: Context, resolver: AttemptResolver) -> None:
        self._view = context.view
        self._events = context.events
        self._resolver = resolver
        self._records: ByClaim[Record] = ByClaim()
        self._told: dict[str, tuple[str, str]] = {}  # by volume: the claim's uid, and why

    def begin(self, unfinished: Iterable[Record]) -> None:
        """Queues the claims of records at the start of a term, and forgets all others."""
        self._records.clear()
        self._told.clear()
        for record in unfinished:
            self._records.put(str(record.claim), record.volume, record)
            self._view.claim_queue.add(str(record.claim))

    def has_any(self, key: str) -> bool:
        """Whether a volume of a claim's name is neither confirmed nor undone yet."""
        return bool(self._records.of(key))

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
            ExportError, KubeError: one of `AFFECTS_ALL_VOLUMES`.
            LeadershipLost: the term is over.
        """
        return list(filter(None, map(self._finished, self._records.of(key))))

    def give_up(self, claim: Claim) -> None:
        """Confirms or undoes the volumes of a claim that is refused, though it is pending.

        Raises:
            KubeError: whether a volume exists could not be read; it is not undone.
            ExportError: a directory could not be undone.
            Requeue: a volume exists whose claim is to be bound first, or that has no directory.
            LeadershipLost: the term is over.
        """
        records = [one for one in self._records.of(claim.key) if one.claim == claim.ref]
        verdicts = set[Verdict]()
        for record in records:
            verdicts.add(self._resolver.end(spec_of_record(record)))
            self.drop(claim.key, record.volume)
        if Verdict.LATE in verdicts:
            raise Requeue  # completed in the next turn

    def tell(self, ref: ClaimRef, volume: str, reason: str) -> None:
        """Says why an unfinished volume of a claim can be neither confirmed nor undone.

        On the claim that has this name now, which may wait for the volume's directory; once for
        each such claim and reason.
        """
        claim = self._view.claims.get(str(ref))
        told = (claim.ref.uid if claim else "", reason)
        if self._told.get(volume) == told:
            return
        self._told[volume] = told
        _log.warning("unfinished volume neither confirmed nor undone", volume=volume, reason=reason)
        if claim is not None:
            whose = "" if claim.ref == ref else " of an earlier claim of this name"
            message = f"volume {volume}{whose} was left unfinished: {reason}"
            self._events.warning(claim, "VolumeUnfinished", message)

    def _finished(self, record: Record) -> Exception | None:
        """Finishes one volume; returns what went wrong, if it concerns this one alone."""
        try:
            verdict = self._resolver.resolve(spec_of_record(record))
        except AFFECTS_ALL_VOLUMES:
            raise
        except (ExportError, kube.KubeError) as error:
            self.tell(record.claim, record.volume, error.message)
            return error
        if verdict is Verdict.NOT_BOUND:
            return Requeue()
        if verdict is not Verdict.NOT_MADE:
            self.drop(str(record.claim), record.volume)
        return None
