"""What is known of the cluster, read once for all exports: claims, StorageClasses, volumes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from holdfast.claims import expansion
from holdfast.claims.decide import Provisioner
from holdfast.claims.objects import (
    Claim,
    StorageClass,
    Volume,
    parse_claim,
    parse_class,
    parse_volume,
)
from holdfast.claims.reclaim import owns
from holdfast.kube.api import Api
from holdfast.kube.reflector import Reflector
from holdfast.kube.resources import CLAIMS, CLASSES, VOLUMES, Json
from holdfast.kube.store import Store

DEFAULT_VIEW = "default"  # the name of the only one

AT = "at"
BENEATH = "beneath"
OF_CLASS = "class"


class View(Protocol):
    """What one export makes of the changes; `name` tells it from the others."""

    @property
    def name(self) -> str:
        """Unique among the views, without a slash."""

    def place(self, volume: Volume) -> str:
        """A volume's directory on the export; empty where it is elsewhere."""

    def claim_changed(self, key: str) -> None:
        """A pending claim is new or has changed, or a claim is not pending any more."""

    def class_changed(self, name: str) -> None:
        """A StorageClass is new, has changed or is gone."""

    def volume_changed(self, name: str) -> None:
        """A volume is new, has changed or is gone."""


class Caches:
    """Three reflectors and their stores; each change is handed to the views of all exports."""

    def __init__(self, api: Api, provisioner: Provisioner, postpone: Callable[[], object]) -> None:
        """`postpone` is called for every change of a pending claim, its binding too."""
        self._provisioner = provisioner
        self._postpone = postpone
        self._views: tuple[View, ...] = ()
        self.claims: Store[Claim] = Store({OF_CLASS: lambda claim: [claim.class_name]})
        self.classes: Store[StorageClass] = Store()
        self.volumes: Store[Volume] = Store({AT: self._places, BENEATH: self._above})
        self.reflectors: tuple[Reflector[Claim], Reflector[StorageClass], Reflector[Volume]] = (
            Reflector(api, CLAIMS, self.claims, self._claim_of_interest, self._claim_changed),
            Reflector(api, CLASSES, self.classes, parse_class, self._class_changed),
            Reflector(api, VOLUMES, self.volumes, self._of_interest, self._volume_changed),
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
        """Ends reading."""
        for reflector in self.reflectors:
            reflector.stop()

    def add(self, view: View) -> None:
        """From now on the view is told of every change; to be called before `start`."""
        self._views = (*self._views, view)

    def learn(self, obj: Json) -> Volume:
        """Takes a volume from an answer to our own write, before its event comes."""
        volume = parse_volume(obj)
        self.volumes.apply(volume.name, int(volume.version), volume)
        return volume

    def _claim_of_interest(self, obj: Json) -> Claim | None:
        """A claim that is pending, or that asks for more than its volume has."""
        claim = parse_claim(obj)
        if expansion.is_asked(claim):
            return claim
        ours = self._provisioner.answers_to(claim.provisioner)
        return claim if ours and not claim.volume_name else None

    def _of_interest(self, obj: Json) -> Volume | None:
        volume = parse_volume(obj)
        if owns(volume, self._provisioner) or any(view.place(volume) for view in self._views):
            return volume
        return None

    def _places(self, volume: Volume) -> Iterator[str]:
        for view in self._views:
            if place := view.place(volume):
                yield place_in(view.name, place)

    def _above(self, volume: Volume) -> Iterator[str]:
        for view in self._views:
            for directory in above(view.place(volume)):
                yield place_in(view.name, directory)

    def _claim_changed(self, key: str) -> None:
        self._postpone()
        for view in self._views:
            view.claim_changed(key)

    def _class_changed(self, name: str) -> None:
        for view in self._views:
            view.class_changed(name)

    def _volume_changed(self, name: str) -> None:
        for view in self._views:
            view.volume_changed(name)


def place_in(view: str, directory: str) -> str:
    """The value of the indexes `AT` and `BENEATH` for a directory of an export.

    That of the usual view is the directory itself, which is in memory anyway.
    """
    return directory if view == DEFAULT_VIEW else f"{view}\0{directory}"


def above(directory: str) -> Iterator[str]:
    """The directories above one."""
    names = directory.split("/")
    return ("/".join(names[:depth]) for depth in range(1, len(names)))
