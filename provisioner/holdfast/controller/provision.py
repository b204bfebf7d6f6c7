"""A pending claim becomes a directory and a PersistentVolume.

The order is what makes every step repeatable: record, directory, PersistentVolume, record
confirmed. An attempt whose end is unknown (a deadline passed) stays in progress: it is finished
even when its claim is deleted meanwhile, so that the volume is reclaimed in the usual way
instead of being left behind unnoticed.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

import structlog

from holdfast.claims.decide import Plan, Refuse, Wait, decide, taken, volume_name
from holdfast.claims.errors import Refused
from holdfast.claims.objects import Claim, parse_claim, parse_volume
from holdfast.claims.volume import volume
from holdfast.controller.context import Context
from holdfast.controller.outcome import Again
from holdfast.exports.errors import ExportError, Taken, Unavailable
from holdfast.exports.record import Record, State
from holdfast.kube import errors as kube
from holdfast.kube.resources import CLAIMS, VOLUMES, Json

_log = structlog.get_logger()

_FAILED = "ProvisioningFailed"


class Provision:
    """The handler of the claim queue; a key is never with two workers."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._in_progress: dict[str, Plan] = {}
        self._left_over: dict[str, Record] = {}

    @property
    def in_progress(self) -> set[str]:
        """The uids of the claims whose attempt ended without a known result."""
        return {plan.ref.uid for plan in self._in_progress.values()}

    def settle(self, left_over: Iterable[Record]) -> None:
        """Takes up what an earlier process left half-made, each in its claim's turn."""
        for record in left_over:
            self._left_over[str(record.claim)] = record
            self._context.cluster.claim_queue.add(str(record.claim))

    def __call__(self, key: str) -> None:
        """Brings one claim as far as it can be brought now."""
        if record := self._left_over.get(key):
            self._settle(record)
            self._left_over.pop(key, None)
        claim = self._context.cluster.claims.get(key)
        begun = self._in_progress.get(key)
        if begun is not None and (claim is None or claim.ref != begun.ref):
            self._carry_out(begun)
        if claim is not None:
            self._serve(claim)

    def _serve(self, claim: Claim) -> None:
        storage_class = self._context.cluster.classes.get(claim.class_name)
        match decide(
            claim, storage_class, self._context.provisioner, self._context.cluster.overlapping
        ):
            case Wait(reason):
                _log.debug("claim waits", claim=claim.key, reason=reason)
            case Refuse(message, retry):
                self._fail(claim, message)
                if self._in_progress.pop(claim.key, None):  # its class was edited meanwhile
                    self._undo(claim)
                if retry:
                    raise Again
            case Plan() as plan:
                unfinished = claim.key in self._in_progress
                if unfinished or self._context.cluster.volumes.get(plan.volume) is None:
                    self._carry_out(plan)

    def _carry_out(self, plan: Plan) -> None:
        claim, started = plan.claim, time.monotonic()
        self._context.speaker.say(claim, "Provisioning", f"making a volume for claim {claim.key}")
        try:
            self._make(plan)
            self._publish(plan)
        except (Refused, ExportError, kube.KubeError) as error:
            self._fail(claim, error.message)
            if isinstance(error, Unavailable | kube.Unavailable):
                self._in_progress[claim.key] = plan
                raise
            self._in_progress.pop(claim.key, None)
            self._undo(claim)
            raise Again from error
        self._in_progress.pop(claim.key, None)
        self._succeed(plan, time.monotonic() - started)

    def _undo(self, claim: Claim) -> None:
        name = volume_name(claim.ref)
        self._context.directories.do("undo", lambda export: export.undo(name))

    def _make(self, plan: Plan) -> None:
        self._context.fence()
        try:
            self._context.directories.do("create", lambda export: export.create(plan))
        except Taken as conflict:
            gone = self._retained_and_gone(plan, conflict.records)
            self._context.fence()
            self._context.directories.do("create", lambda export: export.create(plan, gone))

    def _retained_and_gone(self, plan: Plan, records: Iterable[Record]) -> list[str]:
        """The volumes that the directory may be taken up from; raises Refused with the reason."""
        volumes = []
        for record in records:
            if record.state is State.ARCHIVED:
                raise Refused(
                    f"directory {plan.directory!r} is in the way of the archive of volume "
                    f"{record.volume} of claim {record.claim}: let pathPattern give another"
                )
            if self._exists(record.volume) or record.directory != plan.directory:
                raise Refused(taken(plan.directory, record.directory, record.volume, record.claim))
            if not record.was_retained:
                raise Refused(
                    f"directory {plan.directory!r} holds data of volume {record.volume} of claim "
                    f"{record.claim}, which is gone but was not to be retained: save or remove "
                    "the directory, or let pathPattern give another"
                )
            volumes.append(record.volume)
        return volumes

    def _exists(self, volume_name: str) -> bool:
        # Asked for by name: an empty list from a server in trouble must not free a directory.
        try:
            self._context.api.get(VOLUMES, volume_name)
        except kube.NotFound:
            return False
        return True

    def _publish(self, plan: Plan) -> None:
        self._context.fence()
        wanted = volume(plan, self._context.address, finalizer=self._context.provisioner.finalizer)
        try:
            made = self._context.api.create(VOLUMES, wanted)
        except kube.AlreadyExists:
            made = self._made_before(plan, wanted)
        self._context.cluster.learn(made)
        self._context.directories.do("confirm", lambda export: export.confirm(plan.volume))

    def _made_before(self, plan: Plan, wanted: Json) -> Json:
        """An earlier attempt's volume; raises Refused for anybody else's of that name."""
        held = self._context.api.get(VOLUMES, plan.volume)
        found = parse_volume(held)
        if found.claim != plan.ref or found.path != wanted["spec"]["nfs"]["path"]:
            raise Refused(
                f"a volume {plan.volume} of another directory or claim exists: delete it, if it "
                "is not needed, or delete this claim and make it anew"
            )
        return held

    def _succeed(self, plan: Plan, seconds: float) -> None:
        labels = (plan.claim.class_name, "")
        self._context.metrics.provisioned.labels(*labels).inc()
        self._context.metrics.provision_seconds.labels(*labels).observe(seconds)
        self._context.speaker.say(
            plan.claim, "ProvisioningSucceeded", f"made volume {plan.volume} in {plan.directory!r}"
        )
        _log.info("volume made", claim=plan.claim.key, volume=plan.volume, directory=plan.directory)

    def _fail(self, claim: Claim, message: str) -> None:
        self._context.metrics.provision_failed.labels(claim.class_name, "").inc()
        self._context.speaker.warn(claim, _FAILED, message)
        _log.warning("claim not served", claim=claim.key, reason=message)

    def _settle(self, record: Record) -> None:
        if self._exists(record.volume):
            self._context.directories.do("confirm", lambda export: export.confirm(record.volume))
        elif not self._is_pending(record):
            self._context.fence()
            self._context.directories.do("undo", lambda export: export.undo(record.volume))
            _log.info("half-made volume undone", volume=record.volume, claim=str(record.claim))

    def _is_pending(self, record: Record) -> bool:
        try:
            claim = parse_claim(
                self._context.api.get(CLAIMS, record.claim.name, record.claim.namespace)
            )
        except kube.NotFound:
            return False
        return claim.ref == record.claim and not claim.volume_name
