"""Gives late volumes their directory: those that a late request made after it was undone.

No data is missing: without the directory, no pod can have used the volume.
"""

from __future__ import annotations

from collections.abc import Callable

from holdfast.claims.conflicts import is_in_use
from holdfast.claims.errors import Refused
from holdfast.claims.objects import Volume
from holdfast.claims.reclaim_rules import is_provisioned_by
from holdfast.controller.context import Context
from holdfast.controller.directory_creator import DirectoryCreator
from holdfast.controller.directory_spec import is_asked_for
from holdfast.controller.requeue import AFFECTS_ALL_VOLUMES, Requeue
from holdfast.controller.resolve_attempt import AttemptResolver, Verdict
from holdfast.controller.volume_client import VolumeClient
from holdfast.controller.volume_records import VolumeRecords
from holdfast.exports.errors import ExportError
from holdfast.exports.interface import DirectorySpec
from holdfast.kube import errors as kube
from holdfast.log import Logger

_log = Logger(__name__)


class LateCompletion:
    """Makes the directories and records of late volumes again."""

    def __init__(
        self,
        context: Context,
        client: VolumeClient,
        records: VolumeRecords,
        creator: DirectoryCreator,
        resolver: AttemptResolver,
        *,
        is_open: Callable[[str, str], bool],
    ) -> None:
        """`is_open` says, by claim key and volume, whether an attempt for that volume goes on."""
        self._context = context
        self._view = context.view
        self._events = context.events
        self._client = client
        self._records = records
        self._creator = creator
        self._resolver = resolver
        self._is_open = is_open
        # Those whose directory was begun again: if they go before it exists, it is undone.
        self._begun: set[str] = set()

    def begin(self) -> None:
        """Forgets what was begun: the next term ends the intents of the last one."""
        self._begun.clear()

    def complete(self, key: str) -> list[Exception]:
        """Completes the late volumes of a claim; returns what concerns one volume alone.

        Raises:
            ExportError, KubeError: one of `AFFECTS_ALL_VOLUMES`.
            LeadershipLost: the term is over.
        """
        return list(filter(None, map(self._completed, self._view.late.of(key))))

    def _completed(self, spec: DirectorySpec) -> Exception | None:
        name, seen = spec.volume, self._view.volumes.get(spec.volume)
        if self._is_open(str(spec.claim), name) or (seen is None and name not in self._begun):
            return None  # the attempt goes on, or there is no such volume as yet
        try:
            self._complete(spec)
        except AFFECTS_ALL_VOLUMES:
            raise
        except Requeue as again:
            return again
        except (Refused, ExportError, kube.KubeError) as error:
            message = f"it was created after its directory was undone: {error.message}"
            if seen is not None:
                self._events.volume_warning(seen, "VolumeNotRecorded", message)
            _log.warning("late volume has no directory", volume=name, reason=error.message)
            return Requeue(error.message)
        return None

    def _complete(self, spec: DirectorySpec) -> None:
        volume = self._client.find(spec.volume)
        if volume is None or not self._is_as_specified(volume, spec):
            self._give_up(spec, exists=volume is not None)
            return
        record = self._records.find(volume.name)
        if record is None or record.directory != spec.directory:
            self._begun.add(volume.name)
            record = self._creator.create(spec)
            _log.info("created the directory of a late volume", volume=volume.name)
        match self._resolver.confirm(record):
            case Verdict.NOT_BOUND | Verdict.NOT_MADE | Verdict.LATE:
                raise Requeue
            case Verdict.UNDO:
                self._view.late.discard(spec)
            case Verdict.CONFIRM:
                self._view.check_record(volume.name)  # it may have been edited since its request
        self._begun.discard(volume.name)

    def _give_up(self, spec: DirectorySpec, *, exists: bool) -> None:
        """Undoes what was begun of a late volume's directory: its intent would block the path.

        If the volume exists and has a record, that is reclaimed with it.
        """
        name = spec.volume
        if name in self._begun and not (exists and self._records.find(name)):
            self._creator.undo(name)
        self._begun.discard(name)
        if not exists:
            return
        self._view.late.discard(spec)
        if not self._view.late.claim_of(name):  # else that one is looked at next
            self._view.check_record(name)

    def _is_as_specified(self, volume: Volume, spec: DirectorySpec) -> bool:
        """Whether a volume is what Holdfast asked for, with the export's id, and is in use."""
        is_made_by_us = volume.directory and volume.export_id
        if volume.deleting or not (is_in_use(volume) and is_made_by_us):
            return False
        is_ours = is_provisioned_by(volume, self._context.provisioner)
        return is_ours and is_asked_for(volume, spec, self._context)
