"""Reconciles claims: creates a directory and a PersistentVolume for each pending claim.

The order makes every step repeatable: intent, directory, record, PersistentVolume, record
confirmed. An attempt whose result is unknown (a deadline passed) stays in progress. If its claim is
deleted meanwhile, it is confirmed if the volume was made, so that it is reclaimed in the usual
way, or else undone (`resolve_attempt.py`).
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace

from holdfast.claims import expansion
from holdfast.claims.build_volume import volume
from holdfast.claims.decide import Plan, Refusal, Wait, decide
from holdfast.claims.errors import Refused
from holdfast.claims.objects import Claim, parse_volume
from holdfast.claims.parameters import Action
from holdfast.claims.reclaim_rules import is_provisioned_by
from holdfast.controller.by_claim import ByClaim
from holdfast.controller.complete_late import LateCompletion
from holdfast.controller.context import Context
from holdfast.controller.directory_creator import DirectoryCreator
from holdfast.controller.directory_spec import is_asked_for, may_have, spec_of_plan
from holdfast.controller.progress import Progress
from holdfast.controller.requeue import AFFECTS_ALL_VOLUMES, UNKNOWN, Requeue
from holdfast.controller.resolve_attempt import AttemptResolver, Verdict
from holdfast.controller.unfinished_volumes import UnfinishedVolumes
from holdfast.controller.volume_client import VolumeClient
from holdfast.controller.volume_records import VolumeRecords
from holdfast.exports.errors import ExportError, Fenced
from holdfast.exports.record import Record
from holdfast.kube import errors as kube
from holdfast.kube.resources import VOLUMES, Json
from holdfast.log import Logger

_log = Logger(__name__)

_FAILED = "ProvisioningFailed"


class ClaimsController:
    """The handler of the claim queue; a key is never processed by two workers at once."""

    def __init__(self, context: Context) -> None:
        self.progress = Progress(context.events)
        self._context = context
        self._view = context.view
        self._events = context.events
        self._provisioner = context.provisioner
        self._check_term = context.check_term
        self._address = context.address
        self._may_patch_volumes = context.may_patch_volumes
        self._identity = context.identity
        self._api = context.api
        self._metrics = context.metrics
        self._client = VolumeClient(context)
        self._records = VolumeRecords(context)
        self._creator = DirectoryCreator(context, self._client, self._records)
        self._in_progress: ByClaim[Plan] = ByClaim()
        self._resolver = AttemptResolver(context, self._client, self._records, self._creator)
        self._unfinished = UnfinishedVolumes(context, self._resolver)
        self._late = LateCompletion(
            context,
            self._client,
            self._records,
            self._creator,
            self._resolver,
            is_open=self._is_open,
        )
        context.view.is_in_progress = self._is_in_progress

    @property
    def in_progress(self) -> set[str]:
        """The uids of the claims whose last attempt had an unknown result."""
        return {plan.ref.uid for plan in self._in_progress.all()}

    def _is_in_progress(self, key: str) -> bool:
        """Whether an attempt for a claim of this name is neither confirmed nor undone."""
        return bool(self._in_progress.of(key)) or self._unfinished.has_any(key)

    def _is_open(self, key: str, volume: str) -> bool:
        """Whether an attempt for this volume is neither confirmed nor undone."""
        return bool(self._in_progress.get(key, volume)) or self._unfinished.has(key, volume)

    def begin(self, unfinished: Iterable[Record]) -> None:
        """Queues the claims of records that an earlier process left unfinished."""
        self._late.begin()
        self._unfinished.begin(unfinished)

    def __call__(self, key: str) -> None:
        """Reconciles one claim.

        Trouble with the volume of an earlier claim of this name does not keep this one unserved.
        """
        troubles = self._unfinished.finish(key)
        claim = self._view.claims.get(key)
        if claim is not None and claim.volume_name:
            self._answer_expansion(claim)
            claim = None
        begun = [
            plan for plan in self._in_progress.of(key) if not (claim and claim.ref == plan.ref)
        ]
        troubles += filter(None, map(self._finished, begun))
        troubles += self._late.complete(key)
        if claim is not None:
            self._serve(claim)
        if troubles:
            raise troubles[0]

    def _finished(self, plan: Plan) -> Exception | None:
        """Ends an attempt; returns what went wrong, if it concerns its volume alone."""
        try:
            self._finish(plan)
        except AFFECTS_ALL_VOLUMES:
            raise
        except Requeue as again:
            return again
        except (ExportError, kube.KubeError) as error:
            self._unfinished.tell(plan.ref, plan.volume, error.message)
            return error
        return None

    def _answer_expansion(self, claim: Claim) -> None:
        volume = self._view.volumes.get(claim.volume_name)
        if volume is not None and is_provisioned_by(volume, self._provisioner):
            message = expansion.answer(claim, volume)
            self._events.normal_once(claim, "SizeNotEnforced", message)

    def _serve(self, claim: Claim) -> None:
        """Reads class and exports once: either can change until the claim is decided on."""
        view = self._view
        storage_class, provisioner = view.classes.get(claim.class_name), view.provisioner
        if provisioner.export_of(storage_class) != view.name:
            self._give_up(claim)  # its class names another export now
            return
        match decide(claim, storage_class, provisioner, view.overlapping, view.place):
            case Wait(reason, event):
                _log.debug("claim waits", claim=claim.key, reason=reason)
                if event:
                    self._events.normal_once(claim, "WaitForPopulator", event)
            case Refusal(message, retry):
                self._fail(claim, message)
                self._give_up(claim)  # its class may have changed since the attempt began
                if retry:
                    raise Requeue
            case Plan() as plan:
                unfinished = self._in_progress.get(claim.key, plan.volume)
                is_missing = self._view.volumes.get(plan.volume) is None
                if unfinished or (is_missing and self._is_pending(claim)):
                    self._carry_out(plan)

    def _is_pending(self, claim: Claim) -> bool:
        """Whether a claim waits for a volume; asks the API server if it may have lost one."""
        bereft = self._view.bereft
        if claim.key not in bereft:
            return True
        held = self._resolver.claim_of(claim.ref)
        bereft.discard(claim.key)
        return held is not None and not held.volume_name

    def _give_up(self, claim: Claim) -> None:
        """Confirms or undoes unfinished attempts for a claim that is refused."""
        for begun in self._in_progress.of(claim.key):
            if begun.ref == claim.ref:
                self._abort(begun)
        self._unfinished.give_up(claim)

    def _finish(self, plan: Plan) -> None:
        """Ends an attempt whose claim is no longer pending, unless another replica has."""
        started, is_open = time.monotonic(), self._records.is_unfinished(plan.volume)
        verdict = self._abort(plan)  # also if not open: its intent may exist and block the path
        if is_open and verdict is Verdict.CONFIRM:
            self._succeed(plan, time.monotonic() - started)
        elif verdict is Verdict.NAMED:
            self._fail(plan.claim, _named(plan.volume))

    def _carry_out(self, plan: Plan) -> None:
        claim, started = plan.claim, time.monotonic()
        try:
            with self.progress.of(claim):
                record = self._made(plan)
                self._publish(replace(plan, action=Action.RETAIN) if record.foreign else plan)
                verdict = self._resolver.confirm(record)
        except Fenced:  # as LeadershipLost: the next leader finds the unfinished volume
            raise
        except (Refused, ExportError, kube.KubeError) as error:
            self._fail(claim, error.message)
            self._keep(plan)
            if isinstance(error, UNKNOWN):
                raise
            self._abort(plan)
            raise Requeue from error
        if verdict in {Verdict.NOT_BOUND, Verdict.NOT_MADE, Verdict.LATE}:
            self._keep(plan)
            raise Requeue  # until its claim is bound
        self._close(plan)
        if verdict is Verdict.CONFIRM:
            self._succeed(plan, time.monotonic() - started)

    def _abort(self, plan: Plan) -> Verdict:
        """Undoes an attempt, unless it created the volume and only the answer was lost."""
        verdict = self._resolver.end(spec_of_plan(plan))
        self._close(plan)
        if verdict is Verdict.LATE:
            raise Requeue  # completed in the next turn
        return verdict

    def _keep(self, plan: Plan) -> None:
        """Remembers an attempt as in progress, instead of what an earlier term left of it."""
        self._in_progress.put(plan.claim.key, plan.volume, plan)
        self._unfinished.drop(plan.claim.key, plan.volume)

    def _close(self, plan: Plan) -> None:
        """Forgets an attempt, also as one that an earlier term left unfinished."""
        self._in_progress.drop(plan.claim.key, plan.volume)
        self._unfinished.drop(plan.claim.key, plan.volume)

    def _made(self, plan: Plan) -> Record:
        """Makes the directory; returns its record.

        Unless only the answer for the volume was lost: pods may already use the directory.
        """
        return self._published(plan) or self._creator.create(spec_of_plan(plan))

    def _published(self, plan: Plan) -> Record | None:
        """The record, if an earlier attempt made the volume; None if that was undone since.

        The record of an attempt for another path does not count.
        """
        name = plan.volume
        held = self._client.find(name) if self._is_open(plan.claim.key, name) else None
        record = self._records.find(name) if held else None
        has = held and record and may_have(held, record.directory, self._context)
        return record if has else None

    def _publish(self, plan: Plan) -> None:
        self._check_term()
        manifest = volume(
            plan,
            self._address,
            finalizer=self._provisioner.finalizer and self._may_patch_volumes(),
            export_id=self._identity.export_id,
        )
        self._view.record_checks.made(plan.volume)  # before its events come
        try:
            made = self._api.create(VOLUMES, manifest)
        except kube.AlreadyExists:
            made = self._made_before(plan)
        except UNKNOWN:
            self._view.late.add(spec_of_plan(plan))
            raise
        self._view.update_from_response(made)

    def _made_before(self, plan: Plan) -> Json:
        """The volume of an earlier attempt; raises Refused if it belongs to something else."""
        held = self._api.get(VOLUMES, plan.volume)
        if not is_asked_for(parse_volume(held), spec_of_plan(plan), self._context):
            raise Refused(
                f"volume {plan.volume} exists, but for another claim, server or directory: delete "
                "it if it is not needed, or delete this claim and create it again"
            )
        return held

    def _succeed(self, plan: Plan, seconds: float) -> None:
        self._metrics.volume_made(plan.claim.class_name, seconds)
        view = self._view
        message = f"created volume {plan.volume} in {plan.directory!r}"
        if len(view.provisioner.exports) > 1:
            message += f" on export {view.name}"
        self._events.normal(plan.claim, "ProvisioningSucceeded", message)
        log = _log.bind(claim=plan.claim.key, volume=plan.volume)
        log.info("volume created", directory=plan.directory, export=view.name)

    def _fail(self, claim: Claim, message: str) -> None:
        known = self._view.classes.get(claim.class_name) is not None
        self._metrics.claim_failed(claim.class_name, known=known)
        self._events.warning(claim, _FAILED, message)
        _log.warning("claim not served", claim=claim.key, reason=message)


def _named(volume: str) -> str:
    """Why a claim is not served whose author has named its volume."""
    return (
        f"the claim's spec.volumeName is {volume!r}, which does not exist, and Holdfast creates no "
        "volume for a claim that names one: create the claim again without spec.volumeName"
    )
