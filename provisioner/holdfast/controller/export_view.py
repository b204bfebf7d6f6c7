"""What one export sees of the cluster, and which keys a change puts into its queues."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice

from holdfast.claims.build_volume import Address
from holdfast.claims.constants import RETAIN
from holdfast.claims.decide import DEFAULT_EXPORT, Provisioner, volume_name
from holdfast.claims.event_filter import needs_reconcile
from holdfast.claims.objects import Claim, Volume
from holdfast.claims.paths import parents_of
from holdfast.claims.reclaim_rules import is_provisioned_by
from holdfast.controller.caches import AT, BENEATH, GROUP, OF_CLASS, OF_VOLUME, Caches, place_in
from holdfast.controller.late_volumes import LateVolumes
from holdfast.controller.record_checks import RecordChecks
from holdfast.kube.lru import LRU
from holdfast.kube.resources import Json
from holdfast.kube.work_queue import WorkQueue

_MOST_KEPT = 10_000  # volumes; a replica that does not lead forgets none that is gone


class ExportView:
    """The caches as one export sees them, with a queue of claims and one of volumes."""

    def __init__(
        self,
        caches: Caches,
        provisioner: Provisioner,
        address: Address,
        name: str = DEFAULT_EXPORT,
        *,
        export_id: Callable[[], str] = lambda: "",
        mounted_id: Callable[[], str] = lambda: "",
        leads: Callable[[], bool] = lambda: True,
    ) -> None:
        """`export_id` gives the export's id; empty until it is known.

        `mounted_id` gives that of the export that is mounted, also before this process has led.
        `leads` says whether this process leads the export.
        """
        self.name = name
        self.claims = caches.claims
        self.classes = caches.classes
        self.volumes = caches.volumes
        self.claim_queue = WorkQueue()
        self.volume_queue = WorkQueue()
        self.late = LateVolumes()
        self.record_checks = RecordChecks(leads)
        self._caches = caches
        self._provisioner = provisioner
        self.address = address
        self.is_in_progress: Callable[[str], bool] = lambda _: False  # of a claim's key
        # Keys of claims whose volume is gone; the event that they are bound to it may come later.
        self.bereft: set[str] = set()
        self._is_paused = False
        self._states: dict[str, int] = {}  # by volume: of what its record takes from it
        self._kept: LRU[str, bool] = LRU(_MOST_KEPT)  # their policy was Retain on their way out
        self._using_kept = threading.Lock()
        self.export_id = export_id
        self.mounted_id = mounted_id
        self._is_complete = caches.add(self)

    @property
    def synced(self) -> bool:
        """Whether the caches are complete, also of what concerns this export alone."""
        return self._caches.synced and self._is_complete.is_set()

    def serves(self, claim: Claim) -> bool:
        """Whether the claim's StorageClass is served from this export."""
        storage_class = self.classes.get(claim.class_name)
        return self.provisioner.export_of(storage_class) == self.name

    @property
    def provisioner(self) -> Provisioner:
        """The provisioner, with the exports that there are now."""
        return replace(self._provisioner, exports=self._caches.names())

    def volume_count(self) -> int | None:
        """How many volumes of ours are at the export's address; None where that is not known.

        Counted as they come and go: to ask costs the same however many there are.
        """
        is_told = self.synced and self in self._caches.views
        return self.volumes.count(self.name) if is_told else None

    def has(self, volume: Volume) -> bool:
        """Whether a volume of ours is this export's to look after."""
        return self._caches.view_of(volume) is self

    def stop(self) -> None:
        """Ends both queues."""
        self.claim_queue.shut_down()
        self.volume_queue.shut_down()

    def pause(self) -> None:
        """No term is open: queues nothing until `resume`, except what that would not queue again.

        Otherwise the queues would grow with every change while another replica leads.
        """
        self._is_paused = True

    def resume(self) -> None:
        """Queues the claims at the start of a term, and from now on all that changes."""
        self._is_paused = False
        self.enqueue_claims()

    def update_from_response(self, obj: Json) -> Volume:
        """Takes a volume from an answer, before its event comes, which is no news then."""
        return self._caches.update_from_response(obj)

    def claim_changed(self, key: str) -> None:
        """Queues a pending claim; another only while an attempt for it is to go on."""
        claim = self.claims.get(key)
        is_pending = claim is not None and self.serves(claim)
        is_open = self.is_in_progress(key) or self.claim_queue.failures(key)
        if is_open or (is_pending and not self._is_paused):
            self.claim_queue.add(key)

    def enqueue_claims(self) -> None:
        """Queues every claim that this export serves now."""
        for key in self.claims.keys():  # noqa: SIM118 - a store is no dict
            self.claim_changed(key)

    def class_changed(self, name: str) -> None:
        """Queues the claims of a StorageClass, which may have named another export before.

        And its inherited volumes, of which one may have no record as no class named its directory.
        """
        for claim in self.claims.by(OF_CLASS, name):
            self.claim_changed(claim.key)
        for volume in self.volumes.by(OF_CLASS, name):
            self._enqueue(volume)

    def volume_changed(self, name: str) -> None:
        """Queues a volume, where there may be something to do about it, or it is gone.

        And the claim of one that a late request may have made, or that is gone before it was bound:
        that claim gets it anew.
        """
        volume = self.volumes.get(name)
        self._note_kept(name, volume)
        if volume is None:
            self._states.pop(name, None)
            self.record_checks.forget(name)
            if self._is_paused:
                self.volume_queue.discard(name)  # the next term looks at all that is left of it
            else:
                self.volume_queue.add(name)
            for claim in self.claims.by(OF_VOLUME, name):
                self.bereft.add(claim.key)
                self.claim_changed(claim.key)
        elif key := self.late.claim_of(name):
            self.claim_queue.add(key)
            self._enqueue_changed(volume, is_new=False)
        else:
            self._enqueue_changed(volume, is_new=self._is_new(volume))

    def check_record(self, name: str) -> None:
        """Queues a volume whose record may be missing."""
        self.record_checks.add(name)
        self.volume_queue.add(name)

    def was_kept(self, name: str) -> bool:
        """Whether a volume was seen with policy Retain on its way out, until `forget_kept`."""
        with self._using_kept:
            return self._kept.get(name) is not None

    def forget_kept(self, name: str) -> None:
        """Forgets a volume that is gone."""
        with self._using_kept:
            self._kept.discard(name)

    def _note_kept(self, name: str, volume: Volume | None) -> None:
        if volume is None:
            return
        is_kept = volume.deleting and volume.reclaim_policy == RETAIN
        if is_kept and is_provisioned_by(volume, self._provisioner) and self.has(volume):
            with self._using_kept:
                self._kept.set(name, True)
        else:
            self.forget_kept(name)

    def enqueue_all(self) -> None:
        """Queues every volume about which there may be something to do."""
        for volume in self.own():
            self._enqueue(volume)

    def own(self) -> Iterator[Volume]:
        """The volumes of ours that are this export's to look after."""
        for group in self._caches.groups():
            if self._caches.view_of_group(group) is self:
                yield from self.volumes.by(GROUP, group)

    def telling(self, export_id: str) -> Iterator[Volume]:
        """The volumes by which `ExportIdCheck` tells the export with this id from another.

        Of those of ours that no other export has: all with this id that may name another address,
        and of the others one in each group; or, if none on this export has an id, all of these.
        """
        groups = [one for one in self._caches.groups() if one.export in {self.name, ""}]
        are_recorded = any(one.is_beneath and one.export_id for one in groups)
        for group in groups:
            is_misnamed = group.export_id == export_id and not group.names_export
            tell_all = is_misnamed or (group.is_beneath and not are_recorded)
            volumes = self.volumes.by(GROUP, group)
            yield from volumes if tell_all else islice(volumes, 1)

    def _enqueue_changed(self, volume: Volume, *, is_new: bool) -> None:
        if not self.has(volume):
            return
        if self._has_changed(volume) or is_new or self._needs_care(volume):
            self.volume_queue.add(volume.name)

    def _is_new(self, volume: Volume) -> bool:
        """Whether a volume of ours came into use without our doing: it may have no record."""
        is_in_use = volume.phase == "Bound" and volume.directory and self.place(volume)
        if not is_in_use or not is_provisioned_by(volume, self._provisioner):
            return False
        return self.record_checks.is_new(volume.name)

    def _enqueue(self, volume: Volume) -> None:
        if self.has(volume) and self._needs_care(volume):
            self.volume_queue.add(volume.name)

    def _needs_care(self, volume: Volume) -> bool:
        """Whether it is released, or its finalizer or record may have to be brought up to date."""
        if not is_provisioned_by(volume, self._provisioner):
            return False
        is_recorded = volume.export_id and volume.name == volume_name(volume.claim)
        return not is_recorded or needs_reconcile(volume, self._provisioner)

    def _has_changed(self, volume: Volume) -> bool:
        """Whether a volume has another claim, policy or size than when it was seen before."""
        state = hash((volume.claim.uid, volume.reclaim_policy, volume.size))
        before, self._states[volume.name] = self._states.get(volume.name, state), state
        return before != state and is_provisioned_by(volume, self._provisioner)

    def overlapping(self, directory: str) -> Iterator[Volume]:
        """The volumes whose directory is above this one, beneath it, or, these last, this one.

        To look at the first few costs the same however many volumes there are.
        """
        for place in parents_of(directory):
            yield from self.volumes.by(AT, place_in(self.name, place))
        yield from self.volumes.by(BENEATH, place_in(self.name, directory))
        yield from self.volumes.by(AT, place_in(self.name, directory))

    def place(self, volume: Volume) -> str:
        """A volume's directory, relative to the export; empty where it is not on it."""
        is_static = not volume.provisioned_by
        place = self.address.place(volume.server, volume.path, is_static=is_static)
        return volume.directory if place == volume.directory else place  # not one string twice
