"""What is known of the cluster: the pending claims, the classes, and the volumes on this export."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from holdfast.claims.decide import Provisioner, volume_name
from holdfast.claims.objects import (
    Claim,
    StorageClass,
    Volume,
    parse_claim,
    parse_class,
    parse_volume,
)
from holdfast.claims.reclaim import needs_care, owns
from holdfast.claims.volume import Address
from holdfast.kube.api import Api
from holdfast.kube.queue import WorkQueue
from holdfast.kube.reflector import Reflector
from holdfast.kube.resources import CLAIMS, CLASSES, VOLUMES, Json
from holdfast.kube.store import Store

_BENEATH = "beneath"
_CLASS = "class"


class Cluster:
    """Three reflectors and their stores; changes put keys into two queues."""

    def __init__(
        self,
        api: Api,
        provisioner: Provisioner,
        address: Address,
        postpone: Callable[[], object],
    ) -> None:
        """`postpone` is told of every change of a pending claim, its binding too."""
        self._postpone = postpone
        self._states: dict[str, int] = {}  # what records follow of a volume, by its name
        self._provisioner = provisioner
        self._address = address
        self.claim_queue = WorkQueue()
        self.volume_queue = WorkQueue()
        self.claims: Store[Claim] = Store({_CLASS: lambda claim: [claim.class_name]})
        self.classes: Store[StorageClass] = Store()
        self.volumes: Store[Volume] = Store({_BENEATH: self._prefixes})
        self.reflectors: tuple[Reflector[Claim], Reflector[StorageClass], Reflector[Volume]] = (
            Reflector(api, CLAIMS, self.claims, self._pending, self._claim_changed),
            Reflector(api, CLASSES, self.classes, parse_class, self._class_changed),
            Reflector(api, VOLUMES, self.volumes, self._of_interest, self.look_after),
        )

    @property
    def synced(self) -> bool:
        """Whether all three lists were read once."""
        return all(reflector.synced.is_set() for reflector in self.reflectors)

    def start(self) -> None:
        """Begins to read; the API server may be away for now."""
        for reflector in self.reflectors:
            reflector.start()

    def stop(self) -> None:
        """Ends reading, and both queues."""
        self.claim_queue.shut_down()
        self.volume_queue.shut_down()
        for reflector in self.reflectors:
            reflector.stop()

    def learn(self, obj: Json) -> Volume:
        """Takes a volume from an answer to our own write, before its event comes."""
        volume = parse_volume(obj)
        self.volumes.apply(volume.name, int(volume.version), volume)
        return volume

    def look_after(self, name: str) -> None:
        """Queues a volume, where there may be something to do about it, or it is gone."""
        volume = self.volumes.get(name)
        if volume is None:
            self._states.pop(name, None)
            self.volume_queue.add(name)
        elif self._has_changed(volume) or self._needs_care(volume):
            self.volume_queue.add(name)

    def look_at_all(self) -> None:
        """Queues every volume about which there may be something to do."""
        for name in self.volumes.keys():  # noqa: SIM118 - a store is no dict
            volume = self.volumes.get(name)
            if volume is not None and self._needs_care(volume):
                self.volume_queue.add(name)

    def _needs_care(self, volume: Volume) -> bool:
        """Whether it is released, or its finalizer or record may have to be brought up to date."""
        if not owns(volume, self._provisioner):
            return False
        is_recorded = volume.export_id and volume.name == volume_name(volume.claim)
        return not is_recorded or needs_care(volume, self._provisioner)

    def _has_changed(self, volume: Volume) -> bool:
        """Whether a volume has another claim, policy or size than when it was seen before."""
        state = hash((volume.claim.uid, volume.reclaim_policy, volume.size))
        before, self._states[volume.name] = self._states.get(volume.name, state), state
        return before != state and owns(volume, self._provisioner)

    def overlapping(self, directory: str) -> list[Volume]:
        """The volumes whose directory is this one, beneath it, or above it."""
        above = [prefix for prefix in _prefixes(directory) if prefix != directory]
        found = self.volumes.by(_BENEATH, directory)
        for prefix in above:
            found += [v for v in self.volumes.by(_BENEATH, prefix) if self.place(v) == prefix]
        return found

    def place(self, volume: Volume) -> str:
        """A volume's directory, relative to the export; empty where it is not on it.

        Somebody's own volume may point into this export under another name of the server; where
        the two cannot be told apart, it counts as being here.
        """
        served = self._address.is_served_by(volume.server)
        if not served and not volume.provisioned_by:
            served = self._address.may_be_served_by(volume.server)
        return (self._address.directory_of(volume.path) or "") if served else ""

    def _pending(self, obj: Json) -> Claim | None:
        claim = parse_claim(obj)
        ours = self._provisioner.answers_to(claim.provisioner)
        return claim if ours and not claim.volume_name else None

    def _of_interest(self, obj: Json) -> Volume | None:
        volume = parse_volume(obj)
        if owns(volume, self._provisioner):
            return volume
        return volume if self.place(volume) else None

    def _prefixes(self, volume: Volume) -> Iterator[str]:
        return _prefixes(self.place(volume))

    def _claim_changed(self, key: str) -> None:
        self._postpone()
        # One that is not pending any more is only of interest to an attempt that is to go on.
        if self.claims.get(key) is not None or self.claim_queue.failures(key):
            self.claim_queue.add(key)

    def _class_changed(self, name: str) -> None:
        for claim in self.claims.by(_CLASS, name):
            self.claim_queue.add(claim.key)


def _prefixes(directory: str) -> Iterator[str]:
    names = directory.split("/") if directory else []
    return ("/".join(names[:depth]) for depth in range(1, len(names) + 1))
